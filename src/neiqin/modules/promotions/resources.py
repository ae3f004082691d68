"""Screens and API of promotions."""

from neiqin.kernel.resources.resource import Resource
from neiqin.modules.promotions import actions, fields, looking
from neiqin.modules.promotions.models import Promotion

promotion = Resource(
    Promotion,
    "促销活动",
    noun="个",
    icon="flag",
    section="业务",
    tucked=True,
    fields=(fields.KEPT[0], *fields.PROMOTION, *fields.KEPT[1:]),
    shape=actions.PLAN,
    fast_sorts=("-from_on", "until_on"),
    found=("number", "name"),
    title="name",
    number="number",
    create=actions.create,
    edit=actions.edit,
    actions=(actions.launch, actions.stop),
    notes=looking.notes,
)
