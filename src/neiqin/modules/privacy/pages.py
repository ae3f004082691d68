"""The page on which a person is chosen and cleared."""

import uuid
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, TooSlow
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.files.models import Attachment
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.resource import Resource, Tool
from neiqin.modules.customers import fields
from neiqin.modules.customers.models import Address, Contact, Customer
from neiqin.modules.customers.resources import customer
from neiqin.modules.privacy import clearing

SECONDS = 120
SEEN: dict[Any, tuple[str, str, str]] = {
    Contact: ("contact", fields.CONTACTS, "name"),
    Address: ("address", fields.ADDRESSES, "consignee"),
}


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """清除个人信息, in a customer's menu."""
    may = resource is customer and person.may(clearing.MAY)
    return [Tool("清除个人信息", "/privacy/?", "user-off", rows=True)] if may else []


@screen(clearing.MAY)
def clear(request: Any) -> HttpResponse:
    """GET: whose information of this customer is to be cleared, and what that means; POST: clear it."""
    asked = request.POST.get("id") or request.GET.get("id", "")
    reach = Customer.objects.filter(Customer.visible_to(request.person))
    reach = reach.filter(Customer.visible_to(request.person, clearing.MAY))
    record = reach.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 19 else None
    if record is None:
        raise Http404
    problem = _cleared(request, record) if request.method == "POST" else ""
    if request.method == "POST" and not problem:
        return HttpResponseRedirect(customer.url_of(record.pk))
    papers = Attachment.objects.filter(kind=clearing.CUSTOMERS, record_id=record.pk, removed_at=None).order_by("id")
    page = Bag(
        id=record.pk,
        name=record.name,
        url=customer.url_of(record.pk),
        people=_people(record, request.person),
        reasons=clearing.REASONS,
        papers=[Bag(id=a.pk, name=a.name, filed=a.filed_at is not None) for a in papers],
        many=len(request.GET.getlist("id")) > 1,
        problem=problem,
        request_key=uuid.uuid4().hex,
    )
    return render(request, "privacy/clear.html", page, status=409 if problem else 200)


def _people(record: Customer, person: Any) -> list[Bag]:
    """Contacts and consignees that are not cleared, of the kinds this person may see."""
    found = []
    for model, (kind, right, name) in SEEN.items():
        rows = list(model.objects.filter(customer=record, erased_at=None).order_by("id")) if person.may(right) else []
        for row, texts in zip(rows, open_columns(rows, [name]), strict=True):
            said = getattr(row, "title", "") or getattr(row, "street", "")
            found.append(Bag(value=f"{kind}-{row.pk}", name=texts[name] or "没写姓名", said=said))
    return found


def _cleared(request: Any, record: Customer) -> str:
    """Perform; returns why it was not done, or nothing."""
    kind, _, number = request.POST.get("who", "").partition("-")
    if kind not in ("contact", "address") or not (number.isdecimal() and len(number) < 19):
        return "先选一位联系人或收货人。"
    chosen = [i for i in request.POST.getlist("file") if i.isdecimal() and len(i) < 19]
    params = {"contact": 0, "address": 0, "reason": request.POST.get("reason", ""), "files": ",".join(chosen[:50])}
    params[kind] = int(number)
    key = sent_key(request.POST)
    try:
        outcome = perform(
            clearing.clear, [record.pk], by=request.person, params=params, key=key, source="web", seconds=SECONDS
        )
    except Invalid as error:
        return "".join(f"「{p.label}」{p.message}" if p.label else p.message for p in error.problems)
    except (KeyReused, TooSlow) as error:
        return str(error)
    return next((r.text for r in outcome.refused.values()), "")
