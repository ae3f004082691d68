"""退货单 on A4, two copies: what comes back of which order, what was found, the money. practice.md 2.6."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.fields.field import label_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.people.company import company_name
from neiqin.kernel.printing.amounts import amount_in_words
from neiqin.kernel.printing.forms import Form
from neiqin.kernel.resources.resource import site
from neiqin.modules.orders.models import Order
from neiqin.modules.returns.models import DROPPED, KINDS, PARTIES, REASONS, Ticket, TicketLine

HEAD = ["序号", "品名", "规格型号", "单位", "申请数量", "良品", "不良品", "报废", "认可数量", "金额"]
PARTS = ["no", "name", "name", "unit", "quantity", "", "", "", "", "amount"]


def sheets(records: Sequence[Ticket], person: Any) -> list[dict[str, Any]]:
    """What each says on paper; three queries for any number."""
    lines: dict[int, list[TicketLine]] = defaultdict(list)
    rows = TicketLine.objects.filter(ticket__in=[t.pk for t in records]).select_related("order_line")
    for line in rows.order_by("pk"):
        lines[line.ticket_id].append(line)
    orders = Order.objects.in_bulk({t.order_id for t in records})
    names = site().names("people.person", [t.owner_id for t in records])
    return [_sheet(t, lines[t.pk], orders[t.order_id], names.get(t.owner_id, "")) for t in records]


def _sheet(ticket: Ticket, lines: Sequence[TicketLine], order: Order, rep: str) -> dict[str, Any]:
    known = ticket.inspected_at is not None

    def found(quantity: Any) -> str:
        return plain(quantity) if known else ""

    rows = [
        [str(n), x.order_line.item_name, x.order_line.spec, x.order_line.unit_name, plain(x.quantity), found(x.good),
         found(x.bad), found(x.scrap), found(x.accepted), f"{x.credit if known else x.amount:,.2f}"]
        for n, x in enumerate(lines, 1)
    ]  # fmt: skip
    facts = [
        ("客户", ticket.name), ("原订单", order.number), ("日期", f"{clock.local(ticket.created_at):%Y-%m-%d}"),
        ("类型", label_of(KINDS, ticket.kind)), ("原因", label_of(REASONS, ticket.reason)),
        ("责任方", label_of(PARTIES, ticket.party) if ticket.party else ""), ("退回运单", ticket.waybill),
        ("业务员", rep), ("验货说明", ticket.finding),
    ]  # fmt: skip
    amount = ticket.credit if known else ticket.amount
    return {
        "company": company_name(), "facts": [f for f in facts if f[1]], "head": HEAD, "parts": PARTS,
        "rows": rows, "total": ("退款" if known else "申请金额", f"{amount:,.2f}", f"人民币{amount_in_words(amount)}"),
    }  # fmt: skip


def _mark(ticket: Ticket) -> str:
    return label_of(Ticket.STATES, ticket.state) if ticket.state in DROPPED else ""


FORMS = [
    Form("returns.ticket", "退货单", Path(__file__).parent / "forms/ticket.typ", sheets, kind="returns.ticket",
         mark=_mark),
]  # fmt: skip
