"""The trace of a request on paper: who decided what and when (practice.md 4.3)."""

from collections.abc import Sequence
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.approvals.models import Request, Task
from neiqin.kernel.fields.field import label_of
from neiqin.kernel.printing.amounts import amount_in_words
from neiqin.kernel.resources.subjects import title_of

HEAD = ["节点", "审批人", "意见", "结果", "时间"]


def trace(request: Request) -> list[list[str]]:
    """The rows of the trace, in the order they were decided; also for the foot of other forms."""
    rows = Task.objects.filter(request=request).select_related("node", "person", "stands_for")
    decided = rows.exclude(decided_at=None).exclude(state__in=("others", "closed")).order_by("decided_at", "pk")
    return [
        [
            t.node.label, t.person.name + (f"（代{t.stands_for.name}）" if t.stands_for else ""), t.opinion,
            t.get_state_display(), f"{clock.local(t.decided_at):%Y-%m-%d %H:%M}" if t.decided_at else "",
        ]
        for t in decided
    ]  # fmt: skip


def sheets(records: Sequence[Request], person: Any) -> list[dict[str, Any]]:
    """What the printed 审批单 says of each request."""
    return [_sheet(r) for r in records]


def _sheet(one: Request) -> dict[str, Any]:
    state = label_of(Request.STATES, one.state)
    facts = [
        ("事项", title_of(one.held)),
        ("提交人", one.owner.name),
        ("提交时间", f"{clock.local(one.created_at):%Y-%m-%d %H:%M}"),
    ]
    if one.amount:
        facts += [("金额", f"{one.amount:,.2f}"), ("大写", amount_in_words(one.amount))]
    facts += [("路线", one.route), ("按哪条", one.rule), ("结果", f"{state} {one.reason}".strip())]
    return {"title": one.name, "facts": facts, "head": HEAD, "rows": trace(one)}
