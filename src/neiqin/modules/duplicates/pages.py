"""The pages: what looks twice, choosing what stays field by field, and undoing a merge."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import Count
from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel.actions.declare import Action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, TooSlow
from neiqin.kernel.fields.field import Field
from neiqin.kernel.resources import masks
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.resource import Resource, Tool, site
from neiqin.modules.customers.models import Customer
from neiqin.modules.customers.resources import customer
from neiqin.modules.duplicates import merging
from neiqin.modules.duplicates.finding import WHY
from neiqin.modules.duplicates.models import Looked, Merged, Suspect

GROUPS = 50
CAME = (Field("name", "原档案", "ref"), Field("at", "合并时间", "moment"), Field("undo", "撤销", "ref"))


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """合并, over chosen customers and on one."""
    may = resource is customer and person.may(merging.MAY)
    return [Tool("合并", "/duplicates/merge/?", "copy", rows=True)] if may else []


def gone_to(record_id: int) -> int | None:
    """Where a merged customer is now."""
    seen, found = {record_id}, None
    while into := Merged.objects.filter(gone_id=found or record_id).values_list("into_id", flat=True).first():
        if into in seen:
            break
        seen.add(into)
        found = into
    return found


def merged_into(record: Customer, by: Any) -> Bag | None:
    """What was merged into a customer, each with the way to its own history and back."""
    rows = Merged.objects.filter(into=record).select_related("gone").order_by("-id")
    cells = [
        [
            Bag(label=f"{m.gone.number} {m.gone.name}".strip(), url=f"{customer.url_of(m.gone_id)}?old=1"),
            m.merged_at,
            Bag(label="撤销合并", url=f"/duplicates/part/{m.run}/" if by.may(merging.MAY) else ""),
        ]
        for m in rows
    ]
    if not cells:
        return None
    return panels.table("merged", "合并自", CAME, map(panels.line, cells))


@screen(merging.MAY)
def suspects(request: Any) -> HttpResponse:
    """Groups of customers that share a name or a phone, of which this person may merge at least two."""
    mine = Suspect.objects.filter(customer__in=_reach(request.person))
    groups = mine.values("pair").annotate(n=Count("id")).filter(n__gt=1)
    after = request.GET.get("after", "")
    if after.lstrip("-").isdecimal() and len(after) < 20:
        groups = groups.filter(pair__gt=int(after))
    pairs = list(groups.order_by("pair").values_list("pair", flat=True)[: GROUPS + 1])
    shown: dict[int, Bag] = {}
    rows = mine.filter(pair__in=pairs[:GROUPS]).select_related("customer__owner").order_by("pair", "customer_id")
    for row in rows:
        group = shown.setdefault(row.pair, Bag(why=WHY[row.why], customers=[]))
        group.customers.append(_line(row.customer))
    page = Bag(
        groups=list(shown.values()),
        more=f"?after={pairs[GROUPS - 1]}" if len(pairs) > GROUPS else "",
        looked=Looked.objects.order_by("-day").first(),
    )
    return render(request, "duplicates/suspects.html", page)


def _line(record: Customer) -> Bag:
    place = "".join(dict.fromkeys((record.province, record.city)))
    owner = record.owner.name if record.owner else "公海"
    said = " · ".join(x for x in (record.number, place, owner) if x)
    return Bag(id=record.pk, name=record.name, url=customer.url_of(record.pk), said=said)


def _reach(person: Any) -> Any:
    seen = Customer.objects.filter(Customer.visible_to(person), state="active")
    return seen.filter(Customer.visible_to(person, merging.MAY))


@screen(merging.MAY)
def merge(request: Any) -> HttpResponse:
    """GET: the customers side by side, what stays preset; POST: merge them."""
    asked = request.POST.getlist("id") or request.GET.getlist("id")
    ids = {int(i) for i in asked[: merging.MOST] if i.isdecimal() and len(i) < 19}
    found = list(_reach(request.person).filter(pk__in=ids).select_related("owner").order_by("-updated_at", "id"))
    if not found:
        raise Http404
    if len(found) == 1:
        alike = Suspect.objects.filter(pair__in=Suspect.objects.filter(customer=found[0]).values("pair"))
        found += list(_reach(request.person).filter(pk__in=alike.values("customer")).exclude(pk=found[0].pk)[:9])
    kept = request.POST.get("keep") or request.GET.get("keep", "")
    stays = next((c for c in found if str(c.pk) == kept), found[0])
    problem = ""
    if request.method == "POST" and len(found) > 1:
        values = ",".join(
            f"{f.name}={request.POST[f'v-{f.name}']}" for f in merging.CHOSEN if f"v-{f.name}" in request.POST
        )
        params = {"keep": stays.pk, "values": values}
        problem = _done(request, merging.merge, [c.pk for c in found], params)
        if not problem:
            return HttpResponseRedirect(customer.url_of(stays.pk))
    page = _side_by_side(request.person, stays, [c for c in found if c is not stays])
    page.problem, page.request_key = problem, uuid.uuid4().hex
    return render(request, "duplicates/merge.html", page, status=409 if problem else 200)


def _side_by_side(person: Any, stays: Customer, others: Sequence[Customer]) -> Bag:
    known = customer.fields_for(person)
    chosen = [f for f in merging.CHOSEN if f.name in known]
    columns = [stays, *others]
    pairs = [(f, getattr(c, merging.attribute(f))) for f in chosen for c in columns]
    names, fields = masks.names_for(pairs), []
    for field in chosen:
        values = [getattr(c, merging.attribute(field)) for c in columns]
        if len({v for v in values if v not in (None, "")}) == 0 or (len(set(values)) == 1):
            continue
        taken = merging.offered(stays, others, field)
        cells = [
            Bag(id=c.pk, text=masks.text(field, v, names) or "空", on=c is taken)
            for c, v in zip(columns, values, strict=True)
        ]
        fields.append(Bag(name=field.name, label=field.label, cells=cells))
    return Bag(customers=[_line(c) for c in columns], fields=fields, keep=stays.pk, one=len(columns) == 1)


def _done(request: Any, action: Action, ids: list[int], params: dict[str, Any]) -> str:
    """Perform; returns why it was not done, or nothing."""
    key = sent_key(request.POST)
    try:
        outcome = perform(action, ids, by=request.person, params=params, key=key, source="web")
    except (KeyReused, TooSlow) as error:
        return str(error)
    return next((r.text for r in outcome.refused.values()), "")


@screen(merging.MAY)
def part(request: Any, run_id: int) -> HttpResponse:
    """Undo a merge: GET asks, POST does."""
    rows = list(Merged.objects.filter(run=run_id).select_related("gone", "into")) if run_id < 2**63 else []
    ids = sorted({i for m in rows for i in (m.gone_id, m.into_id)})
    seen = Customer.objects.filter(Customer.visible_to(request.person, merging.MAY), pk__in=ids)
    if not rows or seen.count() < len(ids):
        raise Http404
    problem = ""
    if request.method == "POST":
        problem = _done(request, merging.part, ids, {})
        if not problem:
            return HttpResponseRedirect(customer.url_of(rows[0].into_id))
    page = Bag(
        into=_line(rows[0].into),
        gone=[_line(m.gone) for m in rows],
        at=rows[0].merged_at,
        who=site().names("people.person", [rows[0].merged_by_id]).get(rows[0].merged_by_id, "系统"),
        run=run_id,
        days=merging.KEEPS.days,
        problem=problem,
        request_key=uuid.uuid4().hex,
    )
    return render(request, "duplicates/part.html", page, status=409 if problem else 200)
