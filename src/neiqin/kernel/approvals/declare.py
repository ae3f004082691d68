"""What a module says of an action that may need approval: its name in the table, and the numbers the table asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from neiqin.kernel.actions.declare import Action
from neiqin.kernel.resources.resource import site

Measures = Callable[[Action, Mapping[int, Mapping[str, Any]], Any], Mapping[int, Mapping[str, Any]]]
# The inputs of the table beside the action's name and the unit, as they are where nobody measures them.
UNMEASURED: Mapping[str, Any] = {
    "kind": "无", "amount": Decimal(0), "level": "无", "factor": Decimal(1), "price_level": "无",
    "over_credit": Decimal(0), "overdue": False,
}  # fmt: skip
ASKED: dict[str, "Asks"] = {}


@dataclass(frozen=True)
class Asks:
    """In a manifest: `plugs=[Asks("orders.order.approve", measures)]`.

    action: code; measures: (action, parsed values by record id or row position, person) -> the inputs of the table
    《审批路线》 that differ from UNMEASURED, by the same keys (amount: incl. tax, in the record's currency). A key left
    out needs no approval; beside them `why` may say in a sentence why this is not the person's own decision. name: in
    the table, by default 客户·移交. facts: (record id, reader) -> label and words that an approver is shown beside the
    request.
    """

    action: str
    measures: Measures
    name: str = ""
    facts: Callable[[int, Any], list[tuple[str, str]]] | None = None

    def plug(self) -> None:
        """Make it known. Raises ValueError for a second one of the action."""
        if self.action in ASKED:
            raise ValueError(f"approval of {self.action} is declared twice")
        ASKED[self.action] = self


def name_of(action: Action) -> str:
    """The action as the table names it: 客户·移交, 客户·修改, 客户·新建."""
    said, resource = _said(action), site().resources[action.kind]
    if said and said.name:
        return said.name
    verb = "修改" if action.name in ("edit", "edit_rows") else "新建" if action is resource.create else action.label
    return f"{resource.label}·{verb}"


def _said(action: Action) -> Asks | None:
    """What was declared of it; the edit of an import is the edit of the form."""
    edit = site().resources[action.kind].edit if action.name == "edit_rows" else None
    return ASKED.get(edit.code if edit else action.code)


def measured(action: Action, rows: Mapping[int, Mapping[str, Any]], by: Any) -> dict[int, dict[str, Any]]:
    """The measures of each record or row, in the order of `rows`: in it requests are opened."""
    said = _said(action)
    found = said.measures(action, rows, by) if said else {key: dict[str, Any]() for key in rows}
    return {key: {**UNMEASURED, **found[key]} for key in rows if key in found}
