"""What a second person does with a held run: types the key fields again or reviews it; then it is performed, once.

Every step locks its row first, so that of two checkers at once one comes too late. The record must be as it was when
the run was held; the first person must still have the right; nobody checks his own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from django.db import transaction

from neiqin.kernel import clock
from neiqin.kernel.actions import held, history
from neiqin.kernel.actions.declare import Action
from neiqin.kernel.actions.refusals import TooSlow
from neiqin.kernel.checks.declare import field_of
from neiqin.kernel.checks.models import Second
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Shape, parse
from neiqin.kernel.notices.tell import MAIL, Kind, tell
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Person
from neiqin.kernel.personal import blobs
from neiqin.kernel.resources import subjects
from neiqin.kernel.resources.resource import site

TOLD = Kind("checks.second", "第二人复核的结果", MAIL)
MOST = 200


class Closed(Exception):
    """Somebody was quicker, or it is not this person's to check; the sentence is for people."""


def open_one(call: Any, number: int, mode: str, keys: Sequence[str], rule: str) -> None:
    """Put a held run before second persons."""
    Second.objects.create(held_id=number, person_id=call.by.id, mode=mode, keys=list(keys), rule=rule)


def action_of(one: Second) -> Action:
    return held.action_of(one.held)


def fields_of(one: Second) -> list[Field]:
    """The key fields."""
    return [field_of(action_of(one).kind, name).but(required=True) for name in one.keys]


def first_values(one: Second) -> dict[str, Any]:
    """The key fields as the first person gave them, parsed."""
    return _parsed(one, subjects.given_of(one.held))


def second_values(one: Second) -> dict[str, Any]:
    """The key fields as the second person typed them, parsed; nothing before."""
    return _parsed(one, orjson.loads(blobs.open_blob(bytes(one.entered)))) if one.entered else {}


def _parsed(one: Second, given: Mapping[str, Any]) -> dict[str, Any]:
    return parse(Shape(tuple(fields_of(one))), {name: given.get(name, "") for name in one.keys})


def title_of(one: Second) -> str:
    """The records it is about, in words."""
    return subjects.title_of(one.held)


def url_of(one: Second) -> str:
    return f"/checks/second/{one.pk}/"


def may_check(one: Second, person: Any) -> bool:
    """Somebody else, with the right for this action on all its records and for its key fields."""
    action = action_of(one)
    if person.id in (None, one.person_id) or not all(person.may(r) for r in _rights(one, action)):
        return False
    ids = [int(i) for i in one.held.versions]
    if ids:
        seen = action.model.objects.filter(action.model.visible_to(person), pk__in=ids)
        return seen.filter(action.model.visible_to(person, action.may)).count() == len(ids)
    scope = person.scope(action.may)
    owner = Person.objects.get(pk=subjects.given_of(one.held).get("owner") or one.person_id)
    return not hasattr(action.model, "owner_id") or (scope is not None and scope.covers(owner.pk, owner.unit_id))


def _rights(one: Second, action: Action) -> list[str]:
    return [action.may, action.model.view_permission(), *(f.right for f in fields_of(one))]


def waiting_for(person: Any) -> list[Second]:
    """What is open and this person may check, the oldest first."""
    rows = Second.objects.filter(state=Second.State.OPEN).exclude(person_id=person.id).select_related("held")
    mine = [one for one in rows.order_by("pk")[:MOST] if person.may(action_of(one).may)]
    return [one for one in mine if may_check(one, person)]


def asked_by(person: Any) -> list[Second]:
    """What this person has asked for lately, open and finished, the newest first."""
    return list(Second.objects.filter(person_id=person.id).select_related("held").order_by("-pk")[:20])


def enter(number: int, person: Any, given: Mapping[str, Any]) -> Second:
    """Blind: the key fields typed again. Equal values perform the run; different ones stop it and are kept. Raises
    Invalid for what cannot be read, Closed."""

    def decide(one: Second) -> None:
        typed = _parsed(one, given)
        one.entered = blobs.seal_blob(orjson.dumps({k: str(v) for k, v in typed.items()}))
        labels = "、".join(f"「{f.label}」" for f in fields_of(one) if typed[f.name] != first_values(one)[f.name])
        if labels:
            _finish(one, person, Second.State.DIFFERENT, f"第二人重录的{labels}不同，没有办理")
        else:
            _release(one, person)

    return _checked(number, person, Second.BLIND, decide)


def approve(number: int, person: Any) -> Second:
    """Review: what would change is right, and is done. Raises Closed."""
    return _checked(number, person, Second.REVIEW, lambda one: _release(one, person))


def refuse(number: int, person: Any, reason: str) -> Second:
    """The run is not to be performed, for a reason. Raises Closed."""
    words = f"复核不通过：{reason}"
    return _checked(number, person, "", lambda one: _finish(one, person, Second.State.REFUSED, words, reason))


def withdraw(number: int, person: Any) -> Second:
    """The first person takes it back. Raises Closed."""
    with transaction.atomic():
        one = _locked(number)
        if one.person_id != person.id:
            raise Closed("只有提交的人能撤回。")
        _finish(one, person, Second.State.WITHDRAWN, "撤回了等复核的提交")
        return one


def _checked(number: int, person: Any, mode: str, decide: Callable[[Second], None]) -> Second:
    with transaction.atomic():
        one = _locked(number)
        if not may_check(one, person) or (mode and one.mode != mode):
            raise Closed("这件事不归你复核。")
        decide(one)
        return one


def _locked(number: int) -> Second:
    one = Second.objects.select_for_update(of=("self",)).select_related("held").filter(pk=number).first()
    if one is None:
        raise Closed("没有这件待复核的事。")
    if one.state != Second.State.OPEN:
        raise Closed(f"已经有结果了：{one.get_state_display()}。")
    return one


def _release(one: Second, checker: Any) -> None:
    """Perform the run as its first person, naming the second; or say why not."""
    try:
        outcome = held.release(one.held, actor_of, "second")
    except held.NotDone as error:
        _finish(one, checker, Second.State.FAILED, "复核一致，但没有办成", str(error))
        return
    except TooSlow as error:
        raise Closed(str(error)) from None
    names = site().names("people.person", [one.person_id, checker.id])
    words = {"words": f"{names[one.person_id]} 录入，{names[checker.id]} 复核", "checker": checker.id}
    action = action_of(one)
    if outcome.run:
        told = [(f"{action.code}.seconded", i, None, None, words) for i in outcome.done]
        history.add_events(outcome.run, action.kind, told)
    _finish(one, checker, Second.State.DONE, "")


def _finish(one: Second, by: Any, state: str, words: str, reason: str = "") -> None:
    """Close it: state, event on the records, and the first person is told."""
    action, now = action_of(one), clock.now()
    run = history.begin("checks.second", by=by, source="web")
    one.state, one.reason, one.checked_at = state, reason, now
    one.checker_id = None if by.id == one.person_id else by.id
    one.save()
    if words:
        data = {"words": f"{words}{'：' + reason if reason and reason not in words else ''}"}
        told = [(f"{action.code}.stopped", int(i), None, None, data) for i in one.held.versions]
        history.add_events(run, action.kind, told)
    if state != Second.State.DONE:
        held.close(one.held)
    if by.id != one.person_id:
        title = f"{one.get_state_display()}：{action.label} {title_of(one)}"[:200]
        text = reason or (words and f"{words}。") or f"{site().names('people.person', [by.id])[by.id]} 复核一致。"
        tell([one.person_id], title, text, url=url_of(one), kind=TOLD.name, key=f"second-{one.pk}")
