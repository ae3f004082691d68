"""What the table of approval routes is asked about customers: a new limit, the class."""

from collections.abc import Mapping
from typing import Any

from neiqin.kernel.actions.declare import Action
from neiqin.kernel.approvals.declare import Asks
from neiqin.modules.customers import actions, fields
from neiqin.modules.customers.models import Customer


def _of_edit(action: Action, rows: Mapping[int, Mapping[str, Any]], by: Any) -> Mapping[int, Mapping[str, Any]]:
    """信用额度 with the new limit where it changes; without a limit it is none of money."""
    known = Customer.objects.filter(pk__in=rows).values_list("pk", "credit_limit", "level")
    limits, levels = {pk: limit for pk, limit, _ in known}, {pk: level for pk, _, level in known}
    found: dict[int, dict[str, Any]] = {}
    for pk, row in rows.items():
        found[pk] = {"level": _label(levels.get(pk, ""))}
        if "credit_limit" in row and row["credit_limit"] != limits.get(pk):
            found[pk] |= {"kind": "信用额度", "amount": row["credit_limit"] or 0}
    return found


def _of_record(action: Action, rows: Mapping[int, Mapping[str, Any]], by: Any) -> Mapping[int, Mapping[str, Any]]:
    """Only the class."""
    levels = dict(Customer.objects.filter(pk__in=rows).values_list("pk", "level"))
    return {pk: {"level": _label(levels.get(pk, ""))} for pk in rows}


def _label(level: str) -> str:
    return fields.level.choice(level).label if level else "无"


ASKS = [
    Asks(actions.edit.code, _of_edit),
    *(Asks(a.code, _of_record) for a in (actions.hand_over, actions.deactivate, actions.reactivate)),
]
