"""Pages: what waits for a second person, one such matter, the record of all checks; the panel 校验 on a record."""

from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel.actions import held
from neiqin.kernel.actions.perform import preview
from neiqin.kernel.actions.refusals import NotAllowed, TooSlow
from neiqin.kernel.checks import second
from neiqin.kernel.checks.declare import WATCHED, field_of, resource_of
from neiqin.kernel.checks.models import VIEW, Result, Second
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.resources import masks
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.forms import form_field
from neiqin.kernel.resources.pages.runs import visible_changes
from neiqin.kernel.resources.pages.screen import Bag, person_field, render, screen
from neiqin.kernel.resources.resource import Todo, site

NEWEST, ON_A_RECORD = 200, 20
REASON = Field("reason", "不通过的原因", required=True, maxlength=300)
COLUMNS = (
    Field("at", "时间", "moment"), Field("who", "谁"), Field("field", "字段"), Field("value", "这次"),
    Field("against", "比较"), Field("fate", "结果"), Field("rule", "按哪条"),
)  # fmt: skip
TONES = {"done": "ok", "different": "bad", "refused": "bad", "failed": "warn", "open": "run"}


@screen("")
def queue(request: Any) -> HttpResponse:
    """What this person may check, and what he has asked for himself."""
    page = Bag(waiting=_told(second.waiting_for(request.person)), mine=_told(second.asked_by(request.person)))
    return render(request, "seconds.html", page)


def _told(rows: Iterable[Second]) -> list[Bag]:
    found = list(rows)
    names = site().names("people.person", [one.person_id for one in found])
    return [
        Bag(url=second.url_of(one), title=second.title_of(one), label=second.action_of(one).label,
            who=names.get(one.person_id, ""), at=one.held.held_at, fields=_labels(one), rule=one.rule,
            state=one.get_state_display(), tone=TONES.get(one.state, ""))
        for one in found
    ]  # fmt: skip


def _labels(one: Second) -> str:
    return "、".join(f.label for f in second.fields_of(one))


@screen("")
def show(request: Any, number: int) -> HttpResponse:
    """One matter, for the first person, whoever checked it and, while it is open, whoever may. POST `do`: enter,
    approve, refuse, withdraw."""
    person = request.person
    one = Second.objects.select_related("held").filter(pk=number).first() if number < 2**63 else None
    checks = one is not None and one.state == Second.State.OPEN and second.may_check(one, person)
    if one is None or not (checks or person.id in (one.person_id, one.checker_id)):
        raise Http404
    problems: list[Problem] = []
    if request.method == "POST":
        problems = _post(request, one)
        if not problems:
            return HttpResponseRedirect(second.url_of(one))
        one.refresh_from_db()
        checks = checks and one.state == Second.State.OPEN
    return render(request, "second.html", _page(request, one, problems, checks=checks), status=422 if problems else 200)


def _post(request: Any, one: Second) -> list[Problem]:
    given, person = request.POST, request.person
    try:
        if given.get("do") == "enter":
            second.enter(one.pk, person, given)
        elif given.get("do") == "approve":
            second.approve(one.pk, person)
        elif given.get("do") == "refuse":
            second.refuse(one.pk, person, REASON.parse(given.get("reason", "")))
        elif given.get("do") == "withdraw":
            second.withdraw(one.pk, person)
        else:
            raise Http404
    except Invalid as error:
        return error.problems
    except BadFormat as error:
        return [Problem("reason", REASON.label, str(error))]
    except second.Closed as error:
        return [Problem("", "", str(error))]
    return []


def _page(request: Any, one: Second, problems: list[Problem], *, checks: bool) -> Bag:
    action, person, given = second.action_of(one), request.person, request.POST
    ids = [int(i) for i in one.held.versions]
    resource = resource_of(action.kind)
    seen = set(
        resource.model.objects.filter(resource.model.visible_to(person), pk__in=ids).values_list("pk", flat=True)
    )
    blind = one.mode == Second.BLIND
    return Bag(
        told=_told([one])[0],
        one=one,
        url=resource.url_of(ids[0]) if len(ids) == 1 and ids[0] in seen else "",
        again=f"{resource.url_of(ids[0])}edit/" if len(ids) == 1 and ids[0] in seen else f"{resource.url}new/",
        checks=checks,
        blind=blind,
        mine=person.id == one.person_id,
        checker=person_field(one.checker_id) if one.checker_id else "",
        fields=[form_field(f, given.get(f.name, ""), errors=problems) for f in second.fields_of(one)],
        reason=form_field(REASON, given.get("reason", ""), errors=problems),
        values=[] if checks and blind else _values(one, person),
        changes=_changes(one, person) if checks and not blind else [],
        errors=problems,
    )


def _values(one: Second, person: Any) -> list[Bag]:
    """The key fields as both typed them, to those who have the right for them."""
    first, again = second.first_values(one), second.second_values(one)
    fields = [f for f in second.fields_of(one) if person.may(f.right)]
    return [
        Bag(label=f.label, first=masks.text(f, first[f.name], {}), second=masks.text(f, again.get(f.name), {}),
            differs=bool(again) and first[f.name] != again.get(f.name))
        for f in fields
    ]  # fmt: skip


def _changes(one: Second, person: Any) -> list[Bag]:
    """What the run would change, as the second person may see it."""
    raw = held.raw_of(one.held)
    try:
        outcome = preview(second.action_of(one), [int(i) for i in one.held.versions], by=actor_of(one.person_id), **raw)
    except (NotAllowed, TooSlow, Invalid):
        return []
    return visible_changes(outcome, person)


@screen(VIEW)
def results(request: Any) -> HttpResponse:
    """The newest results of the kinds and records this person may see."""
    found: list[Result] = []
    for kind in WATCHED:
        model = resource_of(kind).model
        if request.person.may(model.view_permission()):
            mine = Result.objects.filter(model=kind).order_by("-pk")[: NEWEST * 5]
            ids = {r.record_id for r in mine if r.record_id}
            seen = set(model.objects.filter(model.visible_to(request.person), pk__in=ids).values_list("pk", flat=True))
            found += [r for r in mine if r.record_id in seen or (not r.record_id and r.person_id == request.person.id)]
    found = sorted(found, key=lambda r: -r.pk)[:NEWEST]
    rows = [
        Bag(cells=cells, url=resource_of(r.model).url_of(r.record_id) if r.record_id else "", title=t)
        for r, cells, t in zip(found, _cells(found, request.person), _titles(found), strict=True)
    ]
    return render(request, "checks.html", Bag(rows=rows, heads=[f.label for f in COLUMNS]))


def _titles(found: Iterable[Result]) -> list[str]:
    rows = list(found)
    names = {kind: site().names(kind, [r.record_id for r in rows if r.model == kind]) for kind in WATCHED}
    return [names[r.model].get(r.record_id) or f"没有建成的{resource_of(r.model).label}" for r in rows]


def _cells(found: Iterable[Result], person: Any) -> list[list[Any]]:
    """What the columns say; a value shows only to who has the right for the field and is not to type it unseen."""
    rows, unseen = list(found), _unseen_by(person)
    names = site().names("people.person", [r.person_id for r in rows])
    cells = []
    for r in rows:
        field = field_of(r.model, r.field)
        shown = person.may(field.right) and (r.model, r.record_id, r.field) not in unseen
        said = [r.value, r.against] if shown else ["···", "···"]
        cells.append([r.at, names.get(r.person_id, ""), field.label, *said, r.get_fate_display(), r.rule])
    return cells


def _unseen_by(person: Any) -> set[tuple[str, int | None, str]]:
    """Kind, record and field of what still waits to be typed again by somebody other than its first person."""
    waiting = Second.objects.filter(state=Second.State.OPEN, mode=Second.BLIND).exclude(person_id=person.id)
    held = Result.objects.filter(held__in=waiting.values("held_id"))
    return set(held.values_list("model", "record_id", "field"))


def panel(record: Any, person: Any) -> Bag | None:
    """校验 on a record's page: what the checks found, newest first."""
    kind = type(record)._meta.concrete_model._meta.label_lower
    if kind not in WATCHED or not person.may(VIEW):
        return None
    found = list(Result.objects.filter(model=kind, record_id=record.pk).order_by("-pk")[:ON_A_RECORD])
    rows = map(panels.line, _cells(found, person))
    return panels.table("checks", "校验", COLUMNS, rows, empty="校验没有拦下或提醒过什么。")


def todos(person: Any) -> list[Todo]:
    """待复核, for whoever may check."""
    waiting = _told(second.waiting_for(person)[:20])
    return [Todo(f"待复核：{w.label} {w.title}", w.url, f"{w.who} 提交，{w.fields}", "checkbox") for w in waiting]
