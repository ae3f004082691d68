"""The keeper at the gate: asks the table of routes what a call needs, and opens a request for what must wait.

While a request is open its record is locked for people: what was approved is what is performed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions import gate, held
from neiqin.kernel.actions.models import Held
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.approvals import actions, routes
from neiqin.kernel.approvals.declare import measured, name_of
from neiqin.kernel.approvals.models import OPEN, RETURNED, Request
from neiqin.kernel.approvals.walk import Wrong
from neiqin.kernel.people.models import Unit
from neiqin.kernel.resources.resource import site
from neiqin.kernel.resources.subjects import title_of
from neiqin.kernel.rules.cells import BadCell
from neiqin.kernel.rules.decide import Decision, Undecided, decide, in_force, of

TABLE = "approvals"
MOST = 200


def keeper(call: Any, values: Sequence[Mapping[str, Any]]) -> gate.Word | None:
    """What the table says of a call: nothing, or it waits, whole or record by record."""
    kind = call.action.kind
    if kind not in site().resources or kind == Request._meta.label_lower:
        return None
    refused = _locked(call)
    given = {key: one for key, one in _by_key(call, values).items() if key not in refused}
    name = name_of(call.action)
    routed: dict[int, Any] = {}
    if given and _named(name):
        routed, problems = _routed(call, name, measured(call.action, given, call.by))
        refused |= problems
    if not routed:
        return gate.Word(refused=refused) if refused else None
    if len(routed) > MOST:
        return gate.Word(refused=refused | dict.fromkeys(routed, Refusal(f"一次最多送审 {MOST} 条，少选一些。")))
    if call.source == "import" or (call.action.rows and len(values) > 1):
        return gate.Word(refused=refused | dict.fromkeys(routed, Refusal("要审批，不和别的一起办。单独办这一条。")))
    refused |= held.unfit(call if call.action.creates else replace(call, ids=tuple(routed)))
    parts = {key: _hold(call, key, *one) for key, one in routed.items() if key not in refused}
    if parts and len(values if call.action.creates else call.ids) == 1:
        return gate.Word(hold=next(iter(parts.values())))
    return gate.Word(refused=refused, parts=parts)


def _by_key(call: Any, values: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """The parsed values by what they are for: the position of a new row, or the record."""
    if call.action.creates:
        return dict(enumerate(values))
    return dict(zip(call.ids, values, strict=True)) if call.action.each else dict.fromkeys(call.ids, values[0])


def _named(name: str) -> bool:
    """Does any row of the table speak of this action, or of all?"""
    try:
        return in_force(TABLE, clock.today()).mentions(name)
    except BadCell:
        return False


def _locked(call: Any) -> dict[int, Refusal]:
    resource = site().resources[call.action.kind]
    if not call.ids or call.action is resource.reveals:
        return {}
    rows = Request.objects.filter(model=call.action.kind, record_id__in=call.ids, state=OPEN).select_related("owner")
    return {
        r.record_id or 0: Refusal(f"正在审批（{r.owner.name} 提交的「{r.name}」），批完或撤回以后再改。", code="locked")
        for r in rows
    }


def _routed(call: Any, name: str, found: Mapping[int, Mapping[str, Any]]) -> tuple[dict[int, Any], dict[int, Refusal]]:
    """key -> (steps, decision, inputs) of what needs approval; refusals of what cannot be decided."""
    units = _units(call, list(found))
    asked = [{"action": name, "unit": units[key], **one} for key, one in found.items()]
    problems: Mapping[int, str] = {}
    try:
        made = dict(enumerate(decide(TABLE, asked, clock.today())))
    except Undecided as error:
        made, problems = dict(error.decisions), error.problems
    keys = list(found)
    routed, refused = {}, {keys[n]: Refusal(text) for n, text in problems.items()}
    for n, decision in made.items():
        try:
            if steps := routes.read(decision.outputs["route"]):
                routed[keys[n]] = (steps, decision, asked[n])
        except Wrong as error:
            refused[keys[n]] = Refusal(f"《审批路线》第 {decision.row} 行：{error}")
    return routed, refused


def _units(call: Any, keys: list[int]) -> dict[int, str]:
    model = call.action.model
    if call.action.creates or not hasattr(model, "unit_id"):
        name = Unit.objects.filter(pk=call.by.unit_id).values_list("name", flat=True).first() or "无"
        return dict.fromkeys(keys, name)
    return {**dict.fromkeys(keys, "无"), **dict(model.objects.filter(pk__in=keys).values_list("pk", "unit__name"))}


def _hold(call: Any, key: int, steps: Any, decision: Decision, asked: Mapping[str, Any]) -> gate.Hold:
    path = " → ".join(step.words for step in steps)
    record = None if call.action.creates else key

    def stored(number: int) -> None:
        again = _returned(call, record)
        if again is not None:
            params = {"held": number, "amount": asked["amount"] or None, "route": _same_version(again, asked)}
            outcome = perform(actions.resubmit, [again.pk], by=call.by, params=params, source=call.source)
        else:
            row = _request(call, record, number, decision, asked["amount"] or None)
            outcome = perform(actions.submit, rows=[row], by=call.by, source=call.source, parsed=True)
        if problem := next(iter(outcome.refused.values()), None):
            raise gate.NotHeld(problem.text)

    return gate.Hold(f"{asked.get('why', '')}已提交审批：{path}（{decision.where}）。", f"提交审批：{path}", stored)


def _request(call: Any, record: int | None, number: int, decision: Decision, amount: Any) -> dict[str, Any]:
    """The row of a new request for a held run."""
    said = {name: decision.outputs[name] for name in ("route", "copies", "risk", "hours")}
    return said | {
        "name": f"{call.action.label} {title_of(Held.objects.get(pk=number))}"[:200], "action": call.action.code,
        "model": call.action.kind, "record_id": record, "held": number, "amount": amount, "rule": decision.where,
        "rule_version_id": decision.version.id, "rule_row": decision.row, "owner": call.by.id,
    }  # fmt: skip


def _same_version(request: Request, asked: Mapping[str, Any]) -> str:
    """The route for what was mended, by the version of the table that the request began with."""
    try:
        route = str(of(request.rule_version_id).decide(asked).outputs["route"])
    except BadCell:
        return request.route
    return route if routes.read(route) else request.route


def _returned(call: Any, record: int | None) -> Request | None:
    """The request of this person for the same that was sent back to be mended."""
    if record is None:
        return None
    rows = Request.objects.filter(action=call.action.code, record_id=record, state=RETURNED, owner_id=call.by.id)
    return rows.order_by("-pk").first()
