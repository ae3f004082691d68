"""What orders plug into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.deadlines.clocks import Clock
from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.orders import (
    actions,
    assigning,
    board,
    booking,
    classing,
    confirming,
    contacting,
    daily,
    delivering,
    entering,
    figures,
    imports,
    looking,
    measures,
    parts,
    printed,
    progress,
    pulling,
    renewing,
    resources,
    revising,
    stocking,
    telling,
    times,
    trade,
)
from neiqin.modules.orders.models import SHIP
from neiqin.modules.orders.sources import running

RULES = Path(__file__).parent / "rules"
ORDER = resources.order.key
ORDERS = resources.order.url


def of_approved(happened: Happened) -> None:
    """What follows when an order is taken into execution."""
    assigning.of_approved(happened)
    trade.of_approved(happened)


def of_deliveries(happened: Happened) -> None:
    """What follows when goods go out, arrive, or did not go out after all."""
    if not happened.name.endswith(".signed"):
        stocking.of_deliveries(happened)
    delivering.of_deliveries(happened)
    booking.of_deliveries(happened)
    telling.of_deliveries(happened)


def of_parts(happened: Happened) -> None:
    """What follows when a department answers."""
    parts.of_parts(happened)
    (telling.of_late if happened.name.endswith("rescheduled") else telling.of_begun)(happened)


module = Module(
    label="订单",
    resources=[resources.order, resources.delivery, parts.resource, classing.resource, *booking.RESOURCES],
    figures=figures.FIGURES,
    imports=[imports.orders],
    panels={
        ORDER: [looking.bars_of, looking.open_goods, looking.parts_of, progress.panel],
        "customers.customer": [trade.panel],
        "catalog.product": [stocking.panel],
    },
    tools=[looking.tools, booking.tools, pulling.tools],
    home=[looking.todos, parts.todos, contacting.todos, progress.todos, telling.todos, renewing.todos],
    hourly=[parts.every_hour, classing.every_night],
    minutely=[running.every_minute],
    plugs=[
        *measures.ASKS, confirming.ASK, actions.DOUBT, assigning.TOLD, delivering.TOLD, parts.TOLD, parts.LATE,
        classing.TOLD, telling.TOLD, progress.ASKED, running.TROUBLE,
    ],
    rules=[
        *(RuleFile(RULES / f"order_{n}.json") for n in ("assignment", "confirmation", "parts", "baseline", "contact")),
        RuleFile(RULES / "platform_customers.json"),
        RuleFile(RULES / "customer_classes.json"),
    ],
    forms=printed.FORMS,
    api=["neiqin.modules.orders.endpoints.add_endpoints"],
    clocks=[
        Clock(
            "orders.audit", "审单", on=f"{ORDER}.submitted", until=(f"{ORDER}.approved", f"{ORDER}.sent_back"),
            cancel=(f"{ORDER}.voided",), hold=(f"{ORDER}.doubted",), resume=(f"{ORDER}.explained",), minutes=120,
        ),
        Clock("orders.doubt", "答复订单疑问", on=f"{ORDER}.doubted", until=(f"{ORDER}.explained",),
              cancel=(f"{ORDER}.voided", f"{ORDER}.closed"), minutes=240),
    ],
    effects={
        f"{ORDER}.approved": of_approved,
        f"{ORDER}.confirmed": telling.of_confirmed,
        f"{ORDER}.orders_confirm_answer": telling.of_confirmed,
        "orders.delivery.created": of_deliveries,
        "orders.delivery.signed": of_deliveries,
        "orders.delivery.voided": of_deliveries,
        "orders.part.rescheduled": of_parts,
        "orders.part.reported": of_parts,
        "orders.part.done": telling.of_begun,
        "orders.part.late": telling.of_late,
        **{f"{r.key}.{verb}": booking.of_bookings for r in booking.RESOURCES for verb in ("created", "voided")},
        f"{ORDER}.revised": revising.of_revised,
        f"{ORDER}.closed": parts.of_closed,
        f"{ORDER}.voided": parts.of_closed,
        "customers.customer.merged": trade.of_merged,
        "customers.customer.edited": renewing.of_customers,
    },
    urls=[
        path("orders/ship/", looking.ship, name="orders_ship"),
        path("orders/book/", booking.page, name="orders_book"),
        path("orders/board/", board.page, name="orders_board"),
        path("orders/check/", entering.check, name="orders_check"),
        path("orders/daily/", daily.page, name="orders_daily"),
        path("orders/news/<int:order_id>/", progress.news, name="orders_news"),
        path("g/order/<str:token>/", progress.page, name="guest_order"),
        path("orders/service/", contacting.page, name="orders_service"),
        path("orders/take/", pulling.page, name="orders_take"),
        path("orders/take/<int:pull>/", pulling.errors),
        path("orders/times/", times.page, name="orders_times"),
    ],
    menu=[
        MenuEntry("该联系的订单", contacting.URL, "phone", "业务", "orders.view", tucked=True),
        MenuEntry("取平台订单", pulling.URL, "file-import", "业务", pulling.MAY, tucked=True),
        MenuEntry("订单看板", "/orders/board/", "columns-3", "业务", "orders.view"),
        MenuEntry("订单日报", daily.URL, "chart-bar", "业务", "orders.view"),
        MenuEntry("订单处理时间", "/orders/times/", "clock", "业务", "orders.view", tucked=True),
    ],
    carries={
        "C-CUS-05": (ORDERS, "客户的组织结构"),
        "C-CUS-09": "/orders/classproposal/",
        "C-ORD-01": "/orders/take/",
        "C-ORD-02": ORDERS,
        "C-ORD-03": (ORDERS, "框架合同的自动取用"),
        "C-ORD-04": ORDERS,
        "C-ORD-05": ORDERS,
        "C-ORD-06": ORDERS,
        "C-CUS-06": (ORDERS, "从合同更新"),
        "C-ORD-07": "/orders/part/",
        "C-ORD-08": "/orders/part/",
        "C-ORD-09": ORDERS,
        "C-ORD-11": ORDERS,
        "C-ORD-12": "/orders/service/",
        "C-ORD-19": "/orders/board/",
        "C-ORD-20": "/orders/times/",
        "C-ORG-12": (ORDERS, "线索的分配和按矩阵出报表"),
        "C-LEAD-12": (ORDERS, "报价和合同"),
    },
    permissions={
        "orders.view": "看订单",
        "orders.create": "新建订单",
        actions.EDIT: "修改、提交、作废订单，登记客户确认",
        actions.APPROVE: "审核、反审核、关闭订单",
        actions.ANSWER: "答复订单疑问",
        assigning.ASSIGN: "分配订单",
        SHIP: "发货、登记签收",
        booking.INVOICE: "登记开票",
        booking.COLLECT: "登记收款",
        booking.RETURN: "登记退货",
        parts.DO: "办交付任务：接收、改期、报进度",
    },
)  # fmt: skip
