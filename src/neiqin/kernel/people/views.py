"""Pages of the organisation that are not list, record or form. Each is thin: what changes goes through perform()."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions.declare import Action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, Outcome, Refusal, TooSlow
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.people import actions, logins, safety
from neiqin.kernel.people import duties as written
from neiqin.kernel.people import home as workbench
from neiqin.kernel.people import rights as matrix
from neiqin.kernel.people.actors import in_force
from neiqin.kernel.people.checks import RIGHTS
from neiqin.kernel.people.models import (
    Appointment,
    Delegation,
    Duty,
    DutyReading,
    Login,
    Person,
    Position,
    PositionRole,
    Role,
    Safety,
)
from neiqin.kernel.resources.pages.forms import form_field
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.resource import site
from neiqin.kernel.resources.shell import tucked


@screen("")
def home(request: Any) -> HttpResponse:
    """The workbench."""
    return render(request, "home.html", workbench.page_for(request.person))


@screen("")
def settings(request: Any) -> HttpResponse:
    """One's own settings: colours, density; what one has delegated."""
    person = request.person
    given = {f.name: request.POST.get(f.name, getattr(person, f.name)) for f in actions.set_preferences.shape.fields}
    problem = ""
    if request.method == "POST":
        _, problem = _done(request, actions.set_preferences, [person.id], given)
        if not problem:
            messages.success(request, "设置存好了。")
            return HttpResponseRedirect("/settings/")
    given_away = (
        Delegation.objects.filter(giver_id=person.id, until_on__gt=clock.today())
        .select_related("taker")
        .order_by("from_on")
    )
    labels = [Bag(d=d, what="、".join(map(matrix.label_of, d.permissions)) or "全部权限") for d in given_away]
    return render(
        request,
        "settings.html",
        Bag(
            fields=[form_field(f, given[f.name]) for f in actions.set_preferences.shape.fields],
            problem=problem,
            delegations=labels,
            places=tucked(person),
            me_url=f"/people/person/{person.id}/" if person.may("people.view") else "",
            request_key=uuid.uuid4().hex,
        ),
        status=422 if problem else 200,
    )


@screen("people.manage")
def login(request: Any, person_id: int) -> HttpResponse:
    """The login of somebody: create, reset, unlock. A new password is shown on the answer, once, and never again."""
    person = Person.objects.filter(pk=person_id).first() if person_id < 2**63 else None
    if person is None:
        raise Http404
    shown, problem = "", ""
    if request.method == "POST":
        verb = {"create": logins.create_login, "reset": logins.reset_password, "unlock": logins.unlock}.get(
            request.POST.get("do", "")
        )
        if verb is None:
            raise Http404
        password = "" if verb is logins.unlock else logins.one_time_password()
        params = {"username": request.POST.get("username", "")} if verb is logins.create_login else {}
        outcome, problem = _done(request, verb, [person.pk], params | ({"password": password} if password else {}))
        shown = password if outcome is not None and not problem and not outcome.held else ""
    found = Login.objects.filter(person=person).first()
    locked = bool(found and found.locked_until and found.locked_until > clock.now())
    page = Bag(
        person=person,
        url=request.path,
        person_url=f"/people/person/{person.pk}/",
        login=found,
        locked=locked,
        password=shown,
        problem=problem,
        username=request.POST.get("username", ""),
        request_key=uuid.uuid4().hex,
    )
    response = render(request, "login_admin.html", page, status=409 if problem else 200)
    response["Cache-Control"] = "no-store"
    return response


@screen("people.duties")
def duties(request: Any) -> HttpResponse:
    """Who has not signed: one row a position."""
    found = written.sheets()
    if request.GET.get("only") == "unsigned":
        found = [sheet for sheet in found if sheet.unsigned]
    waiting = sum(len(sheet.unsigned) for sheet in found)
    return render(
        request, "duties.html", Bag(sheets=found, waiting=waiting, only=request.GET.get("only") == "unsigned")
    )


@screen("")
def duty(request: Any, duty_id: int) -> HttpResponse:
    """One version to read; a holder signs it here, 看完签收."""
    person, found = request.person, Duty.objects.select_related("position").filter(pk=min(duty_id, 2**63 - 1)).first()
    mine = found is not None and found.position_id in written.positions_of(person.id)
    if found is None or not (mine or person.may("people.view") or person.may("people.duties")):
        raise Http404
    problem = ""
    if request.method == "POST":
        _, problem = _done(request, written.sign_duty, [person.id], {"duty": found.pk})
        if not problem:
            messages.success(request, f"{found.position.name}岗位职责第 {found.number} 版已签收。")
            return HttpResponseRedirect("/")
    signed = DutyReading.objects.filter(duty=found, person_id=person.id).first()
    return render(
        request,
        "duty.html",
        Bag(
            duty=found,
            url=request.path,
            mine=mine,
            signed=signed,
            problem=problem,
            request_key=uuid.uuid4().hex,
            waiting=found.pk in {d.pk for d in written.unsigned_of(person.id)},
            newer=Duty.objects.filter(position=found.position, number__gt=found.number).order_by("-number").first(),
        ),
        status=409 if problem else 200,
    )


@screen(RIGHTS)
def rights(request: Any) -> HttpResponse:
    """The matrix of roles and permissions."""
    problem = ""
    if request.method == "POST":
        now = matrix.grants()
        posted = matrix.cells_of(f"{name}={request.POST.getlist(name)[-1]}" for name in request.POST if ":" in name)
        changed = [c for c in posted if now.get((c.permission, c.role), "") != c.scope]
        if changed:
            cells = "\n".join(map(str, changed))
            _, problem = _done(request, matrix.set_grants, sorted({c.role for c in changed}), {"cells": cells})
        if not problem:
            messages.success(request, f"改了 {len(changed)} 处权限，下一次点击就生效。" if changed else "没有改动。")
            return HttpResponseRedirect("/people/rights/")
    return render(request, "matrix.html", _matrix(problem), status=409 if problem else 200)


def _matrix(problem: str) -> Bag:
    now = matrix.grants()
    roles = list(Role.objects.order_by("pk"))
    holding = _people_by_role()
    groups = [
        Bag(
            label=module,
            permissions=[
                Bag(
                    codename=p,
                    label=label,
                    help="",
                    scoped=matrix.scoped(p),
                    cells=[Bag(role_id=r.pk, role=r.name, value=now.get((p, r.pk), "")) for r in roles],
                )
                for p, label in labels.items()
            ],
        )
        for module, labels in site().permissions
    ]
    return Bag(
        title="权限",
        url="/people/rights/",
        request_key=uuid.uuid4().hex,
        editable=True,
        problem=problem,
        groups=groups,
        roles=[
            Bag(id=r.pk, name=r.name, people=len(holding.get(r.pk, ())), url=f"/people/role/{r.pk}/") for r in roles
        ],
        scopes=matrix.SCOPES,
        new_url="/people/role/new/",
    )


def _people_by_role() -> dict[int, set[int]]:
    """role -> persons who have it today, by any of their positions."""
    roles: dict[int, list[int]] = {}
    for position, role in PositionRole.objects.values_list("position_id", "role_id"):
        roles.setdefault(position, []).append(role)
    found: dict[int, set[int]] = {}
    holding = Appointment.objects.filter(in_force(clock.today()), person__left_on=None)
    for person, position in holding.values_list("person_id", "position_id"):
        for role in roles.get(position, ()):
            found.setdefault(role, set()).add(person)
    return found


@screen(RIGHTS)
def secure(request: Any) -> HttpResponse:
    """Settings of safety."""
    row, verb = Safety.objects.get(), safety.set_safety
    given = {f.name: request.POST.get(f.name, getattr(row, f.name)) for f in verb.shape.fields}
    problem = ""
    if request.method == "POST":
        _, problem = _done(request, verb, [row.pk], given)
        if not problem:
            messages.success(request, "登录安全存好了。")
            return HttpResponseRedirect("/people/safety/")
    page = Bag(
        fields=[form_field(f, given[f.name]) for f in verb.shape.fields], problem=problem, due=safety.review_due(),
        request_key=uuid.uuid4().hex, reviewed=row.reviewed_on, address=request.person.address,
        sensitive=list(Position.objects.filter(sensitive=True).order_by("rank")),
    )  # fmt: skip
    return render(request, "safety.html", page, status=422 if problem else 200)


@screen(RIGHTS)
def review(request: Any) -> HttpResponse:
    """Who holds which right today; POST closes the review."""
    problem, note = "", request.POST.get("note", "")
    if request.method == "POST":
        _, problem = _done(request, safety.close_review, [Safety.objects.get().pk], {"note": note})
        if not problem:
            messages.success(request, "权限复核完成，结论记在操作日志里。")
            return HttpResponseRedirect("/people/review/")
    row = Safety.objects.get()
    page = Bag(
        holdings=safety.holdings(site().permissions), weighty=safety.WEIGHTY, reviewed=row.reviewed_on, note=note,
        due=safety.review_due(), today=clock.today(), problem=problem, request_key=uuid.uuid4().hex,
    )  # fmt: skip
    return render(request, "review.html", page, status=422 if problem else 200)


def _done(request: Any, verb: Action, ids: list[int], params: dict[str, Any]) -> tuple[Outcome | None, str]:
    """Perform under the form's request key; (outcome, the sentence of the first problem or "")."""
    key = sent_key(request.POST)
    try:
        outcome = perform(verb, ids, by=request.person, params=params, key=key, source="web")
    except Invalid as error:
        return None, str(error)
    except (KeyReused, NotAllowed, TooSlow) as error:
        return None, str(error)
    refusal: Refusal | None = next(iter(outcome.refused.values()), None)
    return outcome, refusal.text if refusal else ""
