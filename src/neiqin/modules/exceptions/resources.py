"""Screens and API of order exceptions."""

from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.exceptions import exceptions, fields, granting, looking
from neiqin.modules.exceptions.models import OrderException, Told

exception = Resource(
    OrderException,
    "订单异常",
    noun="件",
    icon="alert-triangle",
    section="业务",
    slug="order-exceptions",
    fields=(*fields.KEPT[:2], *fields.EXCEPTION, *fields.KEPT[2:]),
    shape=exceptions.EXCEPTION,
    fast_sorts=("-created_at",),
    found=("number", "name", "order__number"),
    title="name",
    number="number",
    create=exceptions.create,
    edit=exceptions.edit,
    actions=(
        exceptions.start, exceptions.solve, exceptions.close, granting.grant, exceptions.tell, exceptions.relevel,
        exceptions.send_back, exceptions.void,
    ),
    kept=(Lines("told", "沟通记录", Told, "exception", fields.TOLD),),
    notes=looking.notes,
)  # fmt: skip
