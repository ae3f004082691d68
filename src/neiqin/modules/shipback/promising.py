"""承诺发货时间: how many hours after payment a platform expects the goods to go, and what must go today."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, Q, Value, When
from django.db.models.functions import Coalesce

from neiqin.kernel import clock
from neiqin.kernel.resources.resource import Mark
from neiqin.kernel.rules.decide import decide
from neiqin.modules.orders import platforms
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import ALIVE

TABLE = "shipback_promises"
CHANNELS = tuple(sorted({channel for channel, _ in platforms.MARKS}))
OTHER = "别的平台"


def promised(channels: Sequence[str]) -> dict[str, timedelta]:
    """platform -> after payment, by the clock: nights and days of rest count, as platforms count them."""
    made = decide(TABLE, [{"channel": c} for c in channels], clock.today())
    return {c: timedelta(seconds=float(d.outputs["hours"] * 3600)) for c, d in zip(channels, made, strict=True)}


def _open(rows: Any) -> Any:
    """Of orders those from a platform that have not all gone out, with `due`. Some platforms' files do not say when it
    was paid; there it is when it was placed."""
    paid = rows.filter(state__in=ALIVE, progress__shipped__lt=100).exclude(channel="")
    paid = paid.annotate(begun=Coalesce("paid_at", "placed_at")).filter(begun__isnull=False)
    lengths = promised([*CHANNELS, OTHER])
    whens = [When(channel=c, then=Value(lengths[c])) for c in CHANNELS]
    hours = Case(*whens, default=Value(lengths[OTHER]), output_field=DurationField())
    return paid.annotate(due=ExpressionWrapper(F("begun") + hours, output_field=DateTimeField()))


def due_before(person: Any, moment: datetime, permission: str = "") -> Any:
    """The orders this person may see that a platform expects to go before a moment, the most urgent first."""
    seen = Order.objects.filter(Order.visible_to(person, permission) if permission else Order.visible_to(person))
    return _open(seen).filter(due__lt=moment).order_by("due", "pk")


def tomorrow() -> datetime:
    """The end of today."""
    return clock.midnight(clock.today() + timedelta(days=1))


def marks(ids: Sequence[int]) -> Mapping[int, Mark]:
    """order -> that it must go today, or should have gone."""
    now = clock.now()
    rows = _open(Order.objects.filter(Q(pk__in=list(ids)))).filter(due__lt=tomorrow()).values_list("pk", "due")
    return {
        pk: Mark("发货超时" if due < now else "今天发", f"平台要求 {clock.local(due):%m-%d %H:%M} 前发货",
                 "bad" if due < now else "warn")
        for pk, due in rows
    }  # fmt: skip
