"""What all who let held runs through have in common: whether a call is worth holding, and performing it once.

The records must be as they were when the run was held, and who asked must still have the right.
"""

from collections.abc import Callable
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions import gate
from neiqin.kernel.actions.declare import REGISTRY, Action
from neiqin.kernel.actions.models import Held
from neiqin.kernel.actions.perform import perform_held, preview
from neiqin.kernel.actions.refusals import NotAllowed, Outcome, Refusal

STALE = "提交之后记录被别人改过，这次没有办理。看一眼新的内容再提交。"


class NotDone(Exception):
    """A run that was let through could not be performed; the sentence is for people."""


def action_of(held: Held) -> Action:
    """The action that waits."""
    return REGISTRY[held.action]


def ids_of(held: Held) -> list[int]:
    """The records it is about; none for a new one."""
    return [int(i) for i in held.versions]


def raw_of(held: Held) -> dict[str, Any]:
    """`params` and `rows` as they were given, as preview takes them."""
    raw = gate.parameters_of(held)
    return {"params": raw.get("params") or {}, "rows": raw.get("rows") or ()}


def unfit(call: Any) -> dict[int, Refusal]:
    """Why the call cannot even be held: what performing it now would refuse, or a record that has moved on."""
    model = call.action.model
    rows = model.objects.filter(model.visible_to(call.by), pk__in=call.ids)
    versions = dict(rows.values_list("pk", "version"))
    moved = [i for i, seen in (call.versions or {}).items() if i in versions and versions[i] != seen]
    if moved:
        return dict.fromkeys(moved, Refusal("这条记录刚被别人改过，看一眼新的内容再提交。", code="stale"))
    return preview(call.action, call.ids, by=call.by, params=call.params, rows=call.rows).refused


def release(held: Held, actor_of: Callable[[int], Any], source: str) -> Outcome:
    """Perform the run as who asked for it; a keeper that has not had its say may hold it again (`held` of the outcome).
    Raises NotDone (changed since, right lost, refused), TooSlow. Inside the caller's transaction."""
    if _moved(held):
        raise NotDone(STALE)
    try:
        outcome = perform_held(held.pk, actor_of=actor_of, source=source)
    except NotAllowed as error:
        raise NotDone(f"提交人{error}") from None
    if refusal := next(iter(outcome.refused.values()), None):
        raise NotDone(refusal.text)
    return outcome


def close(held: Held) -> None:
    """It is not performed any more."""
    held.closed_at, held.outcome = clock.now(), Outcome().as_json()
    held.save(update_fields=["closed_at", "outcome"])


def _moved(held: Held) -> bool:
    """Lock the records; whether one is no longer as it was when the run was held."""
    versions = {int(i): version for i, version in held.versions.items()}
    rows = action_of(held).model.objects.filter(pk__in=versions).order_by("id")
    locked = rows.select_for_update(no_key=True, of=("self",))
    return dict(locked.values_list("pk", "version")) != versions
