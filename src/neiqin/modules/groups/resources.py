"""Screens and API of groups and of who is in them."""

from typing import Any

from neiqin.kernel.fields.field import state_of
from neiqin.kernel.resources.listing import Query
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Related, Resource
from neiqin.modules.groups import actions, fields
from neiqin.modules.groups.models import Group, Membership
from neiqin.modules.groups.states import IN

membership = Resource(
    Membership,
    "分组成员",
    noun="家",
    icon="users",
    section="业务",
    slug="group-members",
    fields=fields.MEMBER,
    fast_sorts=("-joined_at",),
    tucked=True,
)


def notes(record: Group, person: Any) -> list[Bag]:
    """The way to the list of who is in it now, of those one sees."""
    if not person.may(membership.view_permission):
        return []
    conditions = ({"field": "group", "op": "in", "value": str(record.pk)}, {"field": "state", "op": "in", "value": IN})
    link = Bag(label="现在在组里的客户", url=Query(conditions=conditions).address(membership.url))
    text = "成员随订单和档案自己进出，每晚再全部核一遍；刚建或刚改的分组要等一会儿。"
    return [Bag(tone="", bold="", text=text, links=[link], named=[])]


group = Resource(
    Group,
    "客户分组",
    noun="组",
    icon="adjustments-horizontal",
    section="业务",
    slug="groups",
    fields=(*fields.FORM, *fields.KEPT),
    shape=actions.GROUP,
    fast_sorts=("-updated_at",),
    create=actions.create,
    edit=actions.edit,
    actions=(actions.stop, actions.resume),
    related=(Related("成员", membership.key, "group", ("customer", "owner", "joined_at", "left_at", "state")),),
    notes=notes,
    tucked=True,
)


def panel(record: Any, person: Any) -> Bag | None:
    """分组 on the customer's page: where it is in, and was."""
    if not person.may(group.view_permission):
        return None
    found = Membership.objects.filter(customer_id=record.pk).select_related("group").order_by("state", "-joined_at")
    rows = [
        panels.line([m.group.name, m.joined_at, m.left_at, state_of(Membership.STATES, m.state)],
                    group.url_of(m.group_id), m.group.name, muted=m.state != IN)
        for m in found[:50]
    ]  # fmt: skip
    known = {f.name: f for f in fields.MEMBER}
    columns = [known["group"].but(kind="text"), known["joined_at"], known["left_at"], known["state"]]
    inside = sum(not r.muted for r in rows)
    return panels.table("groups", "分组", columns, rows, count=inside, empty="不在任何分组里。")
