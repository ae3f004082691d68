"""Screens and API of loans."""

from neiqin.kernel.resources.resource import Resource
from neiqin.modules.helpers import actions, fields, looking
from neiqin.modules.helpers.models import Loan

loan = Resource(
    Loan,
    "增派与借调",
    noun="条",
    icon="users",
    section="业务",
    tucked=True,
    fields=(*fields.KEPT[:2], *fields.LOAN, *fields.KEPT[2:]),
    shape=actions.LOAN,
    fast_sorts=("-from_on",),
    found=("number", "name"),
    title="name",
    number="number",
    create=actions.create,
    actions=(actions.agree, actions.refuse, actions.withdraw, actions.end),
    notes=looking.notes,
)
