"""What order exceptions plug into the system."""

from pathlib import Path
from typing import Any

from django.urls import path

from neiqin.kernel.figures.figure import counting
from neiqin.kernel.resources.resource import Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.exceptions import exceptions, granting, looking, resources
from neiqin.modules.exceptions.models import OPEN

RULES = Path(__file__).parent / "rules"
OPEN_ONES = [{"field": "state", "op": "in", "value": ",".join(OPEN)}]


def _open(person: Any, period: Any) -> list[dict[str, str]]:
    return OPEN_ONES


module = Module(
    label="订单异常",
    resources=[resources.exception],
    marks={looking.ORDERS: looking.marks},
    panels={looking.ORDERS: [looking.panel], exceptions.KEY: [looking.told]},
    tools=[looking.tools],
    home=[looking.todos],
    figures=[counting("exceptions.open", "未关闭的异常", resources.exception, "还没有关闭的订单异常", _open, queue=True,
                      good=False)],
    plugs=[exceptions.OPENED, exceptions.NEWS, granting.ASKS],
    rules=[RuleFile(RULES / f"{name}.json") for name in ("exception_levels", "exception_plans")],
    clocks=exceptions.CLOCKS,
    urls=[path(looking.NEW.lstrip("/"), looking.begin, name="exceptions_new")],
    permissions={
        exceptions.VIEW: "看订单异常",
        exceptions.CREATE: "登记订单异常",
        exceptions.HANDLE: "处理、定级、关闭订单异常",
        granting.CLERK: "批赔付：内勤的比例",
        granting.MANAGER: "批赔付：经理的比例",
        granting.DIRECTOR: "批赔付：不限比例",
    },
    carries={"C-ORD-16": resources.exception.url, "C-ORD-17": resources.exception.url},
)  # fmt: skip
