"""Screens and API of clauses: everybody reads, the company's keeper of regulations rewrites and takes out of use."""

from collections.abc import Sequence
from typing import Annotated, Any

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import Changes, editing
from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.policy import places, shipped
from neiqin.modules.policy.models import Clause
from neiqin.modules.policy.shipped import DONE, OFF, OPEN, PART

MANAGE = "policy.manage"
CHAPTERS = (
    Choice("ORG", "组织与岗位"),
    Choice("CUS", "客户"),
    Choice("LEAD", "线索与商机"),
    Choice("ORD", "订单"),
    Choice("CON", "合同"),
    Choice("FIN", "结算与费用"),
    Choice("DOC", "档案"),
    Choice("BI", "数据与报表"),
    Choice("KPI", "目标与绩效"),
    Choice("OFF", "会议、用品与办公"),
    Choice("TRV", "差旅"),
    Choice("TRN", "培训"),
    Choice("SVC", "服务与投诉"),
    Choice("FLOW", "审批与协作"),
    Choice("DATA", "数据质量"),
    Choice("SEC", "保密与合规"),
)
KINDS = (
    Choice("block", "拦截"),
    Choice("limit", "时限"),
    Choice("approve", "审批"),
    Choice("check", "抽查"),
    Choice("remind", "提醒"),
    Choice("record", "记录"),
    Choice("compute", "计算"),
    Choice("report", "报表"),
    Choice("connect", "对接"),
    Choice("protect", "保护"),
)
STATES = (
    Choice(DONE, "已落实", "ok", "100"),
    Choice(PART, "部分", "warn", "50"),
    Choice(OPEN, "未落实", "off", "0"),
    Choice(OFF, "不适用", "off", "x"),
)
CODE = Field("code", "条款号", "code", list=True, role="id", sort="position")
NAME = Field("name", "标题", list=True, role="name")
CHAPTER = Field("chapter", "章", "choice", choices=CHAPTERS, list=True, filter=True)
TEXT = Field("text", "条文", "long", required=True, maxlength=600, span=2)
ORIGINAL = Field("original", "原文", "long", span=2)
KIND = Field("kind", "怎么管住", "choice", choices=KINDS, list=True, filter=True)
SOURCES = Field("sources", "出处", list=True, filter=True, pri=3, width=280)
STATE = Field("state", "状态", "state", choices=STATES, list=True, filter=True, role="st")
FIELDS = (CODE, NAME, CHAPTER, KIND, SOURCES, TEXT, ORIGINAL, STATE)


def keep_original(clauses: Batch[Clause], changes: Changes) -> None:
    """The shipped words stay beside the company's own; who writes them again has no wording of his own any more."""
    given = {c.pk: shipped.clauses().get(c.code, {}).get("text", c.original) for c in clauses}
    clauses.set_each("original", {c.pk: "" if c.text == given[c.pk] else given[c.pk] for c in clauses})


edit = editing(Clause, Shape((TEXT,)), after=keep_original, label="改写条文", may=MANAGE)


@action(Clause, "不适用", may=MANAGE, from_=(DONE, PART, OPEN), to=OFF, event="excluded", icon="ban", bulk=False)
def exclude(
    clauses: Batch[Clause],
    *,
    reason: Annotated[str, Field("reason", "为什么不适用", "long", required=True, maxlength=300)],
) -> None:
    """The clause does not apply to this company. It stays in the book, with the reason; screens work as before."""
    clauses.tell({c.pk: {"reason": reason} for c in clauses})
    clauses.set(reason=reason)


@action(Clause, "恢复适用", may=MANAGE, from_=OFF, event="included", icon="rotate", bulk=False)
def include(clauses: Batch[Clause]) -> None:
    """The clause applies again, in the state the modules give it."""
    clauses.set(reason="")
    clauses.set_each("state", {c.pk: shipped.state_of(c.code) for c in clauses})


def notes(clause: Clause, person: Any) -> Sequence[Bag]:
    """Where it is carried out and what is missing, or why it does not apply; whether the words are the company's."""
    found = []
    if clause.state == OFF:
        found.append(Bag(tone="warn", bold="本公司不适用。", text=clause.reason, links=[]))
    elif place := places.of(clause.code, person):
        bold = f"在「{place.label}」里办。"
        links = [Bag(label=f"去{place.label}", url=place.url)] if place.url else []
        found.append(Bag(tone="warn" if place.missing else "", bold=bold, text=_missing(place.missing), links=links))
    else:
        found.append(Bag(tone="", bold="系统还没有做到这一条。", text="照条文人工执行。", links=[]))
    if clause.original:
        found.append(Bag(tone="", bold="条文由公司改写。", text="原文在下面，谁改的看动态。", links=[]))
    return found


def _missing(text: str) -> str:
    return f"还差：{text}。" if text else ""


clause = Resource(
    Clause,
    "制度条款",
    noun="条",
    icon="scale",
    fields=FIELDS,
    shape=Shape((TEXT,)),
    fast_sorts=("position",),
    found=("name", "code", "text"),
    number="code",
    edit=edit,
    actions=(exclude, include),
    notes=notes,
)
