"""A verb of the stranger that asks a table: which sample is lent at which discount."""

from decimal import Decimal
from typing import Annotated

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.fields.field import Field
from neiqin.kernel.rules.decide import decide
from tests.stranger.models import Sample

LEVEL = Field("level", "客户等级", default="A")


@action(Sample, "定折扣", may="stranger.edit", event="priced")
def price(samples: Batch[Sample], *, level: Annotated[str, LEVEL] = "A") -> None:
    asked = [{"level": level, "amount": s.quantity} for s in samples]
    made = decide("stranger.lending", asked, clock.today(), samples)
    factors = {s.pk: d.outputs["factor"] for s, d in zip(samples, made, strict=True)}
    samples.set_each("quantity", {i: Decimal(f) for i, f in factors.items()})
    samples.tell({i: {"note": f"{f}"} for i, f in factors.items()})
