"""The list of requests, for who looks after them; what one looks like is pages.show."""

from neiqin.kernel.approvals import actions, pages
from neiqin.kernel.approvals.models import STATES, Request
from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.resources.resource import Resource

RISKS = tuple(Choice(r, r) for r in ("低", "一般", "高"))

request = Resource(
    Request,
    "审批",
    noun="件",
    icon="rubber-stamp",
    slug="approvals",
    fields=(
        Field("number", "编号", "code", list=True, filter=True, role="id"),
        Field("name", "事项", list=True, role="name"),
        Field("owner", "提交人", "person", ref="people.person", list=True, filter=True, role="who"),
        Field("amount", "金额", "money", list=True, filter=True, role="amt"),
        Field("route", "路线", list=True, pri=3),
        Field("rule", "按哪条", pri=3),
        Field("risk", "风险", "choice", choices=RISKS, filter=True),
        Field("urgent", "加急", "bool", filter=True),
        Field("created_at", "提交时间", "moment", list=True, filter=True, role="due"),
        Field("closed_at", "办完时间", "moment", list=True, filter=True, pri=2),
        Field("reason", "说明", pri=3),
        Field("state", "状态", "state", choices=STATES, list=True, filter=True, role="st"),
    ),
    fast_sorts=("-created_at",),
    number="number",
    actions=(
        actions.agree, actions.agree_safely, actions.refuse,
        actions.pass_on, actions.lend, actions.add_before, actions.add_after,
        actions.remove, actions.take_back, actions.urge, actions.hurry, actions.withdraw, actions.end,
    ),
    page=pages.show,
)  # fmt: skip
