"""Screens and API of orders on their way in."""

from neiqin.kernel.resources.resource import Resource
from neiqin.modules.intake import actions, fields, looking
from neiqin.modules.intake.models import Intake

intake = Resource(
    Intake,
    "来单",
    noun="张",
    icon="message",
    section="业务",
    tucked=True,
    slug="intakes",
    fields=(*fields.KEPT[:2], *fields.INTAKE, *fields.KEPT[2:]),
    shape=actions.INTAKE,
    fast_sorts=("-created_at", "-number"),
    found=("number", "name"),
    title="name",
    number="number",
    create=actions.create,
    edit=actions.edit,
    actions=(actions.take, actions.give_back, actions.hand_again, actions.void),
    notes=looking.notes,
)
