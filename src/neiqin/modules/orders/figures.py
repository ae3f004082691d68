"""What orders count; each figure opens its list."""

from typing import Any

from neiqin.kernel.figures.figure import counting
from neiqin.kernel.figures.periods import Period
from neiqin.modules.orders.resources import order
from neiqin.modules.orders.states import ALIVE, DRAFT, SUBMITTED


def _in(*states: str) -> Any:
    def conditions(person: Any, period: Period | None) -> list[dict[str, str]]:
        return [{"field": "state", "op": "in", "value": ",".join(states)}]

    return conditions


def _this_month(person: Any, period: Period | None) -> list[dict[str, str]]:
    assert period is not None
    return [{"field": "doc_date", "op": "span", "value": period.span}]


FIGURES = [
    counting("orders.drafts", "草稿订单", order, "还没有提交的订单", _in(DRAFT), queue=True),
    counting("orders.to_audit", "待审订单", order, "提交了、等审核的订单", _in(SUBMITTED), queue=True),
    counting("orders.to_ship", "待发订单", order, "审核了、还没有关闭的订单", _in(*ALIVE), queue=True),
    counting("orders.month", "本月订单", order, "日期在本月的订单", _this_month, period="month", home=True),
]
