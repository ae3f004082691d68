"""Retention of a year, per class, beside the industry's; who did not stay; what key customers contribute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, Sum
from django.http import HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.fields.field import Field, state_of
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.rules.decide import Undecided, decide
from neiqin.modules.customers.fields import KEY, LEVELS
from neiqin.modules.customers.models import Customer
from neiqin.modules.customers.resources import customer
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import IN_FORCE
from neiqin.modules.retention import following, losses
from neiqin.modules.retention.models import Dealing, Loss
from neiqin.modules.retention.states import AT_RISK, LOST, POTENTIAL, STATUSES

VIEW = "retention.view"
MOST, TOP = 200, 10
WHOLE = "全部"
FIRST_YEAR = 2000
COLUMNS = (
    Field("status", "成交状态", "state"), Field("since", "从哪天", "date"), Field("last", "最后订单", "date"),
    Field("words", "说明"),
)  # fmt: skip


def percent(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """A share in percent to two places, half up; None of nothing."""
    return (Decimal(part) * 100 / whole).quantize(Decimal("0.01"), ROUND_HALF_UP) if whole else None


@dataclass(frozen=True)
class Kept:
    """Customers of a class that had orders in the year before (`active`), and those of them that have some in the year
    (`stayed`)."""

    label: str
    active: int
    stayed: int

    @property
    def rate(self) -> Decimal | None:
        return percent(self.stayed, self.active)


def _held(year: int) -> Any:
    """Orders that hold with their day in a year."""
    return Order.objects.filter(state__in=IN_FORCE, doc_date__range=(date(year, 1, 1), date(year, 12, 31)))


def _active_before(person: Any, year: int) -> Any:
    """The customers this person may see that had orders in the year before; `stayed`: they have some in the year."""
    seen = Customer.objects.filter(Customer.visible_to(person, VIEW))
    of = {"customer_id": OuterRef("pk")}
    return seen.filter(Exists(_held(year - 1).filter(**of))).annotate(stayed=Exists(_held(year).filter(**of)))


def kept(person: Any, year: int) -> list[Kept]:
    """Retention of a year inside the person's scope: of all, then per class as customers are classed today."""
    rows = _active_before(person, year).order_by().values_list("level")
    counted = {
        level: (n, stayed) for level, n, stayed in rows.annotate(n=Count("pk"), m=Count("pk", filter=Q(stayed=True)))
    }
    levels = [Kept(c.label, *counted.get(c.value, (0, 0))) for c in LEVELS]
    return [Kept(WHOLE, sum(k.active for k in levels), sum(k.stayed for k in levels)), *levels]


def gone(person: Any, year: int) -> list[Customer]:
    """Those that had orders in the year before and have none in the year, by name; at most MOST and one."""
    return list(_active_before(person, year).filter(stayed=False).order_by("pinyin", "pk")[: MOST + 1])


def _benchmarks(labels: Sequence[str]) -> list[Bag]:
    """What was entered of the industry for each class; nothing where it was not."""
    try:
        made = [d.outputs for d in decide("retention.benchmark", [{"level": x} for x in labels], clock.today())]
    except Undecided:
        made = [{"average": 0, "top": 0, "source": ""} for _ in labels]
    return [Bag(average=m["average"] or None, top=m["top"] or None, source=m["source"]) for m in made]


@screen(VIEW)
def page(request: Any) -> HttpResponse:
    """GET `?year=`: this year unless another one is asked for."""
    this = clock.today().year
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isdecimal() and len(asked) == 4 and FIRST_YEAR < int(asked) <= this else this
    found = kept(request.person, year)
    rows = [
        Bag(label=k.label, active=k.active, stayed=k.stayed, rate=k.rate, average=b.average, top=b.top, source=b.source,
            good=None if k.rate is None or not b.top else k.rate >= b.top)
        for k, b in zip(found, _benchmarks([k.label for k in found]), strict=True)
    ]  # fmt: skip
    missing = gone(request.person, year)
    last = _last_orders([c.pk for c in missing])
    statuses = _statuses(request.person)
    return render(request, "retention/kept.html", Bag(
        year=year, this=this, rows=rows, statuses=statuses, losses=losses.resource.url, most=MOST,
        more=len(missing) > MOST,
        gone=[Bag(name=c.name, url=customer.url_of(c.pk), level=_level(c.level), last=last.get(c.pk))
              for c in missing[:MOST]],
        **_contributions(request.person, year),
    ))  # fmt: skip


def _level(value: str) -> str:
    return next((c.label for c in LEVELS if c.value == value), value)


def _last_orders(ids: Sequence[int]) -> dict[int, date]:
    rows = Order.objects.filter(customer_id__in=ids, state__in=IN_FORCE).order_by()
    return dict(rows.values_list("customer_id").annotate(Max("doc_date")))


def _statuses(person: Any) -> list[Bag]:
    seen = Customer.objects.filter(Customer.visible_to(person, VIEW))
    counted = dict(Dealing.objects.filter(customer__in=seen).order_by().values_list("status").annotate(Count("pk")))
    return [Bag(label=s.label, count=counted.get(s.value, 0)) for s in STATUSES if s.value != POTENTIAL]


def _contributions(person: Any, year: int) -> dict[str, Any]:
    """Amounts incl. tax of the year's orders that hold, in yuan: of all, of key customers, and the ten largest."""
    rows = _held(year).filter(customer__in=Customer.objects.filter(Customer.visible_to(person, VIEW))).order_by()
    sums = rows.aggregate(all=Sum("amount"), key=Sum("amount", filter=Q(customer__level=KEY)))
    total, key = sums["all"] or Decimal(0), sums["key"] or Decimal(0)
    largest = rows.values_list("customer_id", "customer__name", "customer__level").annotate(amount=Sum("amount"))
    top = [
        Bag(name=name, url=customer.url_of(pk), level=_level(level), amount=amount, share=percent(amount, total))
        for pk, name, level, amount in largest.order_by("-amount", "customer_id")[:TOP]
    ]
    return {"total": total, "key": key, "key_share": percent(key, total), "top": top}


def panel(record: Any, person: Any) -> Bag | None:
    """成交状态 on the customer's page: how it stands now, and its losses."""
    if not person.may(VIEW):
        return None
    now = Dealing.objects.filter(customer=record.pk).first()
    last = _last_orders([record.pk]).get(record.pk)
    limits = following.limits_on(clock.today())[record.level]
    words = ""
    if now and last and limits.lost and now.status != LOST:
        due = last + timedelta(days=limits.lost)
        words = f"到 {due} 还没有订单就算流失" + ("，已提醒负责人" if now.status == AT_RISK else "")
    status = state_of(STATUSES, now.status if now else POTENTIAL)
    rows = [panels.line([status, now.since if now else None, last, words])]
    for loss in Loss.objects.filter(customer=record.pk).order_by("-lost_on"):
        said = losses.REASON.choice(loss.reason).label if loss.reason else "没有写原因"
        back = f"，{loss.regained_on} 挽回" if loss.regained_on else ""
        cells = [state_of(STATUSES, LOST), loss.lost_on, loss.last_on, f"{said}{back}"]
        rows.append(panels.line(cells, losses.resource.url_of(loss.pk), "流失", muted=bool(loss.regained_on)))
    return panels.table("dealing", "成交状态", COLUMNS, rows, count=None)
