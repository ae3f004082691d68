"""Who looks after the customer while an order is on its way, and when they last spoke (C-ORD-12)."""

from datetime import timedelta
from typing import Annotated, Any

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.fields.field import Field
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Todo, site
from neiqin.kernel.rules.decide import Undecided, decide
from neiqin.modules.orders.models import Order, Progress
from neiqin.modules.orders.states import ALIVE

URL = "/orders/service/"
FIRST, MOST = 5, 200


@action(Order, "记客户沟通", may="orders.answer", from_=ALIVE, event="talked", icon="phone", bulk=False)
def talk(
    orders: Batch[Order],
    *,
    text: Annotated[str, Field("text", "问了什么，怎么答的", "long", required=True, maxlength=500)],
) -> None:
    """What the customer asked and was told; kept on the order's timeline. The order itself stays as it is."""
    Progress.objects.filter(order_id__in=orders.ids).update(contacted_at=orders.now)
    orders.tell({i: {"note": text} for i in orders.ids})
    orders.unchanged_but_told()


def days() -> int:
    """After how many days without a word the customer is to be told how his order stands; 0 for never."""
    try:
        (made,) = decide("order_contact", [{"what": "订单"}], clock.today())
    except Undecided:
        return 0
    return int(made.outputs["days"])


def quiet(person: Any) -> Any:
    """The open orders of this service person whose customer has not heard of them for the set days, longest first."""
    limit = days()
    rows = Order.objects.filter(service_id=person.id, state__in=ALIVE).exclude(progress__signed_on__isnull=False)
    last = rows.annotate(last=Coalesce("progress__contacted_at", "approved_at", "created_at"))
    if not limit:
        return last.none()
    return last.filter(last__lte=clock.now() - timedelta(days=limit)).order_by("last", "pk")


def todos(person: Any) -> list[Todo]:
    """On the workbench."""
    if person.id is None or not person.may("orders.view"):
        return []
    return [
        Todo(
            f"联系客户：{o.number} {o.name}", f"/orders/order/{o.pk}/", f"上次 {clock.local(o.last):%m-%d}", "phone",
            tone="warn",
        )
        for o in quiet(person)[:FIRST]
    ]  # fmt: skip


@screen("orders.view")
def page(request: Any) -> HttpResponse:
    """All orders that this service person follows, those that are due first."""
    due = {o.pk for o in quiet(request.person)[:MOST]}
    mine = Order.objects.filter(Q(service_id=request.person.id), state__in=ALIVE)
    rows = mine.annotate(last=Coalesce("progress__contacted_at", "approved_at", "created_at")).order_by("last", "pk")
    listed = list(rows[:MOST])
    marks = site().marks("orders.order", [o.pk for o in listed])
    found = [
        Bag(url=f"/orders/order/{o.pk}/", number=o.number, name=o.name, last=o.last, due=o.pk in due, on=o.required_on,
            marks=marks.get(o.pk, ()))
        for o in listed
    ]  # fmt: skip
    return render(request, "orders_service.html", Bag(rows=found, days=days()))
