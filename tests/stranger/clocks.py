"""A lent sample comes back within eight working hours, the clock standing still while the customer is asked."""

from typing import Annotated

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.deadlines.clocks import Clock
from neiqin.kernel.fields.field import Field
from tests.stranger.models import Sample

NOTE = Field("note", "说明", default="")


@action(Sample, "借出", may="stranger.edit", event="lent")
def lend(samples: Batch[Sample]) -> None: ...


@action(Sample, "等客户", may="stranger.edit", event="waiting")
def wait(samples: Batch[Sample], *, note: Annotated[str, NOTE] = "") -> None:
    samples.tell({i: {"note": note} for i in samples.ids})


@action(Sample, "客户已回复", may="stranger.edit", event="answered")
def go_on(samples: Batch[Sample]) -> None: ...


@action(Sample, "归还", may="stranger.edit", event="returned")
def give_back(samples: Batch[Sample]) -> None: ...


@action(Sample, "遗失", may="stranger.edit", event="lost")
def lose(samples: Batch[Sample]) -> None: ...


CLOCKS = [
    Clock(
        "stranger.give_back",
        "归还样品",
        on="stranger.sample.lent",
        until=("stranger.sample.returned",),
        cancel=("stranger.sample.lost",),
        hold=("stranger.sample.waiting",),
        resume=("stranger.sample.answered",),
        minutes=480,
    ),
    Clock(
        "stranger.check",
        "清点",
        on="stranger.sample.returned",
        until=("stranger.sample.lost",),
        working_days=3,
        remind=(1.0,),
    ),
    Clock(
        "stranger.thank",
        "致谢",
        on="stranger.sample.answered",
        until=("stranger.sample.lost",),
        allowed=lambda happened: dict.fromkeys(happened.ids[:1], 60),
        responsible=lambda ids: dict.fromkeys(ids, (None, None)),
    ),
]
