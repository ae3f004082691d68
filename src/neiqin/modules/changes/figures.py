"""变更与版本: how many changes there were, and how often somebody worked by a version that held no more (C-FLOW-09:
42 % before)."""

from collections import Counter
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.http import HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.modules.changes.models import Change
from neiqin.modules.orders.models import Order, Part, VersionError

VIEW, DAYS, MOST = "changes.view", 30, 200
URL = "/changes/figures/"
REPORTS = ("orders.part.reported", "orders.part.done")
TENTH = Decimal("0.1")


@screen(VIEW)
def page(request: Any) -> HttpResponse:
    """The last thirty days, of the orders this person sees: changes by state; reports and version errors by department;
    `?department=` opens the errors of one."""
    since = clock.now() - timedelta(days=DAYS)
    seen = Order.objects.filter(Order.visible_to(request.person))
    changes = Change.objects.filter(Change.visible_to(request.person), created_at__gte=since)
    states = Counter(changes.values_list("state", flat=True))
    wrong = VersionError.objects.filter(at__gte=since, part__order__in=seen)
    right = Event.objects.filter(name__in=REPORTS, at__gte=since).values_list("record_id", flat=True)
    parts = dict(Part.objects.filter(pk__in=set(right), order__in=seen).values_list("pk", "department"))
    reports = Counter(parts[part] for part in right if part in parts)
    errors = Counter(wrong.values_list("part__department", flat=True))
    rows = [
        Bag(department=d, reports=reports[d], errors=errors[d], share=share(errors[d], reports[d]),
            url=f"{URL}?department={d}")
        for d in sorted(reports.keys() | errors.keys())
    ]  # fmt: skip
    asked = request.GET.get("department", "")
    chosen = asked if asked in reports or asked in errors else ""
    listed = wrong.select_related("part__order", "person").order_by("-pk")
    if chosen:
        listed = listed.filter(part__department=chosen)
    shown = Bag(
        days=DAYS, states=[Bag(label=s.label, count=states[s.value]) for s in Change.STATES if states[s.value]],
        rows=rows, total=Bag(reports=sum(reports.values()), errors=sum(errors.values()),
                             share=share(sum(errors.values()), sum(reports.values()))),
        chosen=chosen, listed=list(listed[:MOST]),
    )  # fmt: skip
    return render(request, "changes_figures.html", shown)


def share(errors: int, reports: int) -> Decimal | None:
    """Of all reports, those by an old version, in percent; None where there were none at all."""
    tried = errors + reports
    return (Decimal(errors * 100) / tried).quantize(TENTH, ROUND_HALF_UP) if tried else None
