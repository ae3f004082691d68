"""What has been shipped is written into a platform's own file for shipping in bulk, each delivery once."""

from collections.abc import Mapping
from typing import Annotated, Any

from django.db import connection
from django.db.models import Count

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import insert
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Shape
from neiqin.modules.orders.models import SHIP, Delivery
from neiqin.modules.orders.states import VOID as DELIVERY_VOID
from neiqin.modules.shipback import layouts
from neiqin.modules.shipback.models import NUMBERS, OUT, VOID, Handout, Told, live_told

VIEW, CREATE = "shipback.view", "shipback.create"
KEY, URL = "shipback.handout", "/shipback/handout/"
MOST = 1000  # what platforms take in one file
ASKED = Shape((Field("channel", "平台", required=True),))


def waiting(person: Any) -> Any:
    """The deliveries of platform orders that a platform has not been told of, of what this person may ship."""
    seen = Delivery.objects.filter(Delivery.visible_to(person, SHIP), order__channel__in=list(layouts.layouts()))
    told = live_told().values("delivery_id")
    return seen.exclude(waybill="").exclude(state=DELIVERY_VOID).exclude(order__platform_number="").exclude(pk__in=told)


def counts(person: Any) -> dict[str, int]:
    """platform -> how many wait, in one query."""
    return dict(waiting(person).order_by().values_list("order__channel").annotate(Count("pk")))


@action(Handout, "写回传文件", may=CREATE, event="written", creates=True, shape=ASKED, numbers=NUMBERS, button=False,
        bulk=False, icon="download")  # fmt: skip
def write(batch: NewBatch[Handout]) -> None:
    """All that waits for a platform goes into one file, up to what it takes. Two who ask at once come one after the
    other, and the second finds what the first has left."""
    unknown = {p: Refusal("没有这个平台的文件格式。", "channel") for p, row in batch.rows.items()
               if row["channel"] not in layouts.layouts()}  # fmt: skip
    batch.refuse(unknown)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('shipback.write', 0))")
    ready: dict[str, list[Delivery]] = {}
    for row in batch.rows.values():
        rows = waiting(batch.by).filter(order__channel=row["channel"]).select_related("order").order_by("pk")
        ready.setdefault(row["channel"], list(rows[:MOST]))
    nothing = Refusal("没有等着回传的发货单。", "channel")
    batch.refuse({p: nothing for p, row in batch.rows.items() if not ready[row["channel"]]})
    insert(batch, Handout, ASKED, NUMBERS)
    for one in batch.records:
        _fill(one, ready.pop(one.channel, []))


def _fill(handout: Handout, deliveries: list[Delivery]) -> None:
    handout.count, handout.name = len(deliveries), f"{handout.channel} {len(deliveries)} 单"
    Handout.objects.filter(pk=handout.pk).update(count=handout.count, name=handout.name)
    Told.objects.bulk_create([
        Told(handout=handout, delivery=d, platform_number=d.order.platform_number, carrier=d.carrier,
             waybill=d.waybill.split(",")[0])
        for d in deliveries
    ])  # fmt: skip


@action(
    Handout, "作废，重新写", may=CREATE, from_=OUT, to=VOID, event="voided", icon="circle-x", danger=True, bulk=False
)
def void(
    handouts: Batch[Handout], *, reason: Annotated[str, Field("reason", "原因", required=True, maxlength=200, span=2)]
) -> None:
    """The platform has not taken it: its deliveries may go into another."""
    Told.objects.filter(handout__in=handouts.ids).update(live=False)
    handouts.tell({i: {"reason": reason} for i in handouts.ids})


def file_of(handout: Handout) -> tuple[str, bytes]:
    """Name and content, the same at every call."""
    layout = layouts.layouts()[handout.channel]
    rows: list[Mapping[str, str]] = [
        {"number": t.platform_number, "carrier": t.carrier, "waybill": t.waybill}
        for t in Told.objects.filter(handout=handout).order_by("pk")
    ]
    day = clock.local(handout.created_at)
    name = f"{handout.channel.replace('/', '')}批量发货 {day:%Y-%m-%d %H%M}.{layout.format}"
    return name, layouts.written(layout, rows)
