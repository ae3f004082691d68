"""Screens and API of returns and exchanges."""

from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.returns import asking, fields, guest, inspecting, looking
from neiqin.modules.returns.models import Ticket, TicketLine

ticket = Resource(
    Ticket,
    "退换货",
    noun="笔",
    icon="truck-return",
    section="业务",
    slug="return-tickets",
    fields=(*fields.KEPT[:2], *fields.TICKET, *fields.KEPT[2:]),
    shape=asking.TICKET,
    fast_sorts=("-created_at",),
    found=("number", "name", "order__number"),
    title="name",
    number="number",
    create=asking.create,
    edit=asking.edit,
    actions=(asking.approve, inspecting.settle, asking.refuse, asking.withdraw),
    kept=(Lines("shown", "退换明细", TicketLine, "ticket", fields.LINE_SHOWN),),
    notes=looking.notes,
    steps=guest.steps,
)  # fmt: skip
