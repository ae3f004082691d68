"""What quotes plug into the system."""

from django.urls import path

from neiqin.kernel.resources.resource import Module
from neiqin.modules.quotes import (
    actions,
    confirming,
    drafting,
    entering,
    figures,
    imports,
    looking,
    measures,
    pages,
    printed,
    pushing,
    resources,
)

KEY = resources.quote.key

module = Module(
    label="报价",
    resources=[resources.quote, resources.template],
    figures=figures.FIGURES,
    imports=[imports.quotes],
    panels={
        KEY: [looking.remaining, looking.orders, looking.versions, looking.compared],
        "orders.order": [looking.of_order],
        "customers.customer": [looking.of_customer],
    },
    tools=[looking.tools],
    home=[looking.todos],
    plugs=[*measures.ASKS, confirming.ASK],
    forms=printed.FORMS,
    effects={
        "orders.order.voided": pushing.of_voided,
        "customers.customer.merged": actions.of_merged,
    },
    urls=[
        path("quotes/begin/", pages.start, name="quotes_begin"),
        path("quotes/check/", entering.check, name="quotes_check"),
        path("quotes/push/", pages.push, name="quotes_push"),
        path("quotes/text/", pages.text, name="quotes_text"),
    ],
    carries={
        "C-LEAD-10": (resources.quote.url, "转成合同"),
        "C-LEAD-12": (resources.quote.url, "合同"),
    },
    permissions={
        actions.VIEW: "看报价单",
        actions.CREATE: "新建报价单",
        actions.EDIT: "修改、发送、作废报价单，登记客户答复，下推订单",
        drafting.TEMPLATES: "建和改报价模板",
    },
)
