"""Screens and API of changes, assessments and acknowledgements."""

from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.changes import changing, departments, fields, looking
from neiqin.modules.changes.models import Assessment, Change, ChangeLine, Knowing

change = Resource(
    Change,
    "订单变更",
    noun="张",
    icon="edit",
    section="业务",
    slug="order-changes",
    fields=(*fields.KEPT[:2], *fields.CHANGE, *fields.KEPT[2:]),
    shape=Shape(fields.CHANGE),
    fast_sorts=("-created_at",),
    found=("number", "name", "order__number"),
    title="name",
    number="number",
    actions=(changing.pass_on, changing.agree, changing.apply, changing.refuse, changing.withdraw),
    kept=(Lines("lines", "变更前后", ChangeLine, "change", fields.SHOWN_LINE),),
    notes=looking.notes,
)
assessment = Resource(
    Assessment,
    "变更评估",
    noun="项",
    icon="help",
    section="业务",
    slug="change-assessments",
    fields=fields.ASSESSMENT,
    fast_sorts=("-created_at",),
    title="name",
    actions=(departments.answer,),
    tucked=True,
)
knowing = Resource(
    Knowing,
    "变更知会",
    noun="项",
    icon="bell",
    section="业务",
    slug="change-knowings",
    fields=fields.KNOWING,
    fast_sorts=("-created_at",),
    title="name",
    actions=(departments.know,),
    tucked=True,
)
