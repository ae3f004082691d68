"""Losses of customers: the list, the reason of each, the figure of today, what waits on the workbench."""

from typing import Annotated, Any

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.figures.figure import counting
from neiqin.kernel.figures.periods import Period
from neiqin.kernel.resources.listing import Query
from neiqin.kernel.resources.resource import Resource, Todo
from neiqin.modules.customers import fields as customers
from neiqin.modules.retention.models import Loss
from neiqin.modules.retention.states import EXPLAINED, LOSS_STATES, UNEXPLAINED

EXPLAIN = "retention.explain"
OTHER = "other"
REASONS = (
    Choice("price", "价格"), Choice("quality", "质量"), Choice("service", "交期和服务"), Choice("rival", "换了供应商"),
    Choice("demand", "没有需求了"), Choice("closed", "停产、注销或搬走"), Choice("credit", "欠款停供"),
    Choice(OTHER, "其他"),
)  # fmt: skip
REASON = Field("reason", "流失原因", "choice", choices=REASONS, required=True)
NOTE = Field("note", "说明", maxlength=200, span=2, help="选「其他」要写")
FIELDS = (
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("customer", "客户", "ref", ref="customers.customer", form=False, filter=True),
    Field("level", "等级", "choice", choices=customers.LEVELS, form=False, list=True, filter=True, role="id"),
    Field("last_on", "最后订单", "date", form=False, list=True, filter=True),
    Field("lost_on", "流失日期", "date", form=False, list=True, filter=True, role="due"),
    REASON.but(required=False, form=False, list=True, filter=True),
    Field("note", "说明", form=False, list=True),
    Field("regained_on", "挽回日期", "date", form=False, list=True, filter=True),
    customers.owner.but(form=False, help=""),
    Field("state", "状态", "state", choices=LOSS_STATES, form=False, list=True, filter=True, role="st"),
)


@action(Loss, "登记流失原因", may=EXPLAIN, to=EXPLAINED, event="explained", icon="edit", primary=True)
def explain(losses: Batch[Loss], *, cause: Annotated[str, REASON], note: Annotated[str, NOTE] = "") -> None:
    """Why the customer went; a better reason may replace the first."""
    if cause == OTHER and not note:
        losses.refuse(dict.fromkeys(losses.ids, Refusal("选了「其他」，写一句说明。", "note")))
    losses.set(reason=cause, note=note)
    label = REASON.choice(cause).label
    losses.tell({i: {"reason": f"{label}，{note}" if note else label} for i in losses.ids})


resource = Resource(
    Loss, "流失客户", noun="家", icon="user-off", section="业务", slug="losses", fields=FIELDS,
    fast_sorts=("-lost_on",), actions=(explain,), tucked=True,
)  # fmt: skip


def _on(person: Any, period: Period | None) -> list[dict[str, str]]:
    assert period is not None
    return [{"field": "lost_on", "op": "span", "value": period.span}]


today = counting(
    "retention.lost_today", "今日流失", resource, "今天到了《流失期限》的客户，当天又下单的也算", _on, period="day",
    good=False, home=True,
)  # fmt: skip


def todos(person: Any) -> list[Todo]:
    """One thing to do for all losses of hers whose reason nobody knows."""
    if person.id is None or not person.may(EXPLAIN):
        return []
    count = Loss.objects.filter(owner_id=person.id, state=UNEXPLAINED, regained_on=None).count()
    conditions = (
        {"field": "owner", "op": "in", "value": str(person.id)},
        {"field": "state", "op": "in", "value": UNEXPLAINED}, {"field": "regained_on", "op": "empty", "value": ""},
    )  # fmt: skip
    url = Query(conditions=conditions).address(resource.url)
    return [Todo(f"{count} 家流失客户没有写原因", url, "问一句为什么，选一个原因", "user-off")] if count else []
