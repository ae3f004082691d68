"""记跟进: one page and dialog for a customer or several, with big fields for the phone."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, TooSlow
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.resources.pages.forms import form_field
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.quick import carried
from neiqin.kernel.resources.resource import Resource, Tool
from neiqin.modules.customers.models import Contact, Customer, FollowUp
from neiqin.modules.customers.resources import customer
from neiqin.modules.followups import followups

MOST = 200
WEEKDAYS = 7


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """记跟进, on a customer and over chosen rows of the list."""
    may = resource is customer and person.may(followups.MAY)
    return [Tool("记跟进", "/customers/follow/?", "message", dialog=True, rows=True, primary=True)] if may else []


@screen(followups.MAY)
def follow(request: Any) -> HttpResponse:
    """GET: what to write down about one customer or several; POST: a follow-up for each."""
    asked = request.POST.getlist("id") or request.GET.getlist("id")
    ids = [int(i) for i in asked[:MOST] if i.isdecimal() and len(i) < 19]
    rows = Customer.objects.filter(Customer.visible_to(request.person, followups.MAY), pk__in=ids).order_by("pk")
    customers = list(rows.only("pk", "name"))
    if not customers:
        raise Http404
    if request.method != "POST":
        return _answer(request, _page(request, customers, carried(request), []))
    given = {name: request.POST.get(name, "") for name in [f.name for f in followups.SAID]}
    given["next_on"] = given["next_on"] or request.POST.get("quick", "")
    rows_given = [given | {"customer": c.pk} for c in customers]
    key = sent_key(request.POST)
    try:
        outcome = perform(followups.create, by=request.person, rows=rows_given, key=key, source="web")
    except Invalid as error:
        return _answer(request, _page(request, customers, given, error.problems), 422)
    except (KeyReused, TooSlow) as error:
        return _answer(request, _page(request, customers, given, [Problem("", "", str(error))]), 409)
    if not outcome.done:
        refused = next(iter(outcome.refused.values()))
        label = next((f.label for f in followups.FOLLOWUP.fields if f.name == refused.field), "")
        return _answer(request, _page(request, customers, given, [Problem(refused.field, label, refused.text)]), 422)
    page = _page(request, customers, given, [])
    page.saved, page.refused = len(outcome.done), [r.text for r in outcome.refused.values()]
    page.next_on = FollowUp.objects.filter(pk=outcome.done[0]).values_list("next_on", flat=True).first()
    return _answer(request, page)


def _answer(request: Any, page: Bag, status: int = 200) -> HttpResponse:
    block = "dialog" if request.headers.get("HX-Request") == "true" else None
    return render(request, "followups/follow.html", page, block=block, status=status)


def _page(request: Any, customers: Sequence[Customer], given: dict[str, str], problems: Sequence[Problem]) -> Bag:
    one = customers[0].pk if len(customers) == 1 else 0
    last = FollowUp.objects.filter(customer_id=one).order_by("-happened_at", "-id").first()
    contacts = list(Contact.objects.filter(customer_id=one, erased_at=None).order_by("id"))
    names = [texts["name"] for texts in open_columns(contacts, ["name"])]
    said = open_columns([last], ["contact"])[0]["contact"] if last else ""
    first = {
        "way": "",
        "contact": said if said in names else names[0] if len(names) == 1 else "",
        "happened_at": f"{clock.local(clock.now()):%Y-%m-%dT%H:%M}",
        "next_on": "",
    }
    shown = first | given
    quick = quick_days(clock.today())
    picked = shown["next_on"] if shown["next_on"] in dict(quick) else ""
    return Bag(
        request_key=uuid.uuid4().hex,
        ids=[c.pk for c in customers],
        customers=[Bag(name=c.name, url=customer.url_of(c.pk)) for c in customers],
        last=last,
        contacts=names,
        ways=[(w.value, w.label) for w in followups.WAYS],
        quick=quick,
        given=shown | {"quick": picked, "next_on": "" if picked else shown["next_on"]},
        fields={f.name: form_field(f, shown.get(f.name, ""), errors=problems) for f in followups.SAID},
        today=clock.today().isoformat(),
        errors=list(problems),
        back=customer.url_of(one) if one else customer.url,
        saved=None,
        next_on=None,
        refused=[],
    )


def quick_days(today: date) -> list[tuple[str, str]]:
    """(day in ISO, what it is called): the days most next steps are on."""
    monday = today + timedelta(days=WEEKDAYS - today.weekday())
    days = {today + timedelta(days=1): "明天", today + timedelta(days=3): "3天后", monday: "下周一"}
    return [(day.isoformat(), label) for day, label in sorted(days.items())]
