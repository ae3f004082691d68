"""What quotes count; each figure opens its list."""

from typing import Any

from neiqin.kernel.figures.figure import counting
from neiqin.kernel.figures.periods import Period
from neiqin.modules.quotes.resources import quote
from neiqin.modules.quotes.states import SENT


def _waiting(person: Any, period: Period | None) -> list[dict[str, str]]:
    return [{"field": "state", "op": "in", "value": SENT}]


FIGURES = [
    counting(
        "quotes.waiting", "待答复报价", quote, "发给了客户、还在有效期里、客户没有答复的报价单", _waiting, queue=True
    )
]
