"""Screens and API of orders and deliveries."""

from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.resources.resource import Related, Resource
from neiqin.modules.orders import (
    actions,
    assigning,
    confirming,
    contacting,
    delivering,
    fields,
    looking,
    parts,
    progress,
    renewing,
)
from neiqin.modules.orders.models import Delivery, DeliveryLine, Order, Query

order = Resource(
    Order,
    "订单",
    noun="单",
    icon="clipboard-list",
    section="业务",
    phone=True,
    new_key="O",
    slug="orders",
    fields=(*fields.KEPT[:2], *fields.HEAD, *fields.KEPT[2:]),
    shape=actions.ORDER,
    fast_sorts=("-doc_date", "-number"),
    found=("number", "name", "customer_po", "platform_number"),
    title="name",
    number="number",
    create=actions.create,
    edit=actions.edit,
    actions=(
        actions.submit, actions.approve, confirming.confirm, parts.hand_over, assigning.assign, contacting.talk,
        renewing.renew, renewing.keep,
        progress.answer, actions.doubt, actions.explain, actions.send_back, actions.unapprove, actions.close,
        actions.void,
    ),
    kept=(Lines("queries", "疑问", Query, "order", fields.QUERY),),
    related=(
        Related("发货", "orders.delivery", "order", ("number", "shipped_on", "carrier", "waybill", "state")),
        Related("开票", "orders.invoicing", "order", ("number", "issued_on", "amount", "state")),
        Related("收款", "orders.collection", "order", ("number", "received_on", "amount", "state")),
        Related("退货", "orders.return", "order", ("number", "returned_on", "reason", "state")),
    ),
    notes=looking.notes,
    steps=looking.steps,
    figure="amount",
)  # fmt: skip
delivery = Resource(
    Delivery,
    "发货单",
    noun="单",
    icon="truck-delivery",
    section="业务",
    slug="deliveries",
    fields=(*fields.DELIVERY_KEPT[:2], *fields.DELIVERY, *fields.DELIVERY_KEPT[2:]),
    shape=delivering.DELIVERY,
    fast_sorts=("-shipped_on",),
    title="name",
    number="number",
    actions=(delivering.sign, delivering.void),
    kept=(Lines("lines", "发货明细", DeliveryLine, "delivery", looking.GOODS),),
)
