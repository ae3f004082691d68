"""Screens and API of units, positions, roles and persons."""

from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.people import actions, appointments, duties, fields, helping, leaving, panels, rights
from neiqin.kernel.people.models import (
    Appointment,
    Delegation,
    Grant,
    Person,
    Position,
    Role,
    Unit,
    UnitPlace,
    WorksFor,
)
from neiqin.kernel.resources.resource import Related, Resource

unit = Resource(
    Unit,
    "部门",
    noun="个",
    icon="building",
    section="管理",
    fields=fields.UNIT,
    shape=actions.UNIT,
    create=actions.create_unit,
    edit=actions.edit_unit,
    fast_sorts=("pinyin",),
    number="code",
    related=(
        Related("人员", "people.person", "unit", ("name", "staff_no", "position", "left_on")),
        Related("下级部门", "people.unit", "parent", ("name", "code", "leader")),
    ),
    kept=(Lines("places", "隶属", UnitPlace, "unit", fields.UNIT_PLACE),),
)
position = Resource(
    Position,
    "岗位",
    noun="个",
    icon="flag",
    section="管理",
    tucked=True,
    fields=fields.POSITION,
    shape=actions.POSITION,
    create=actions.create_position,
    edit=actions.edit_position,
    actions=(duties.publish_duty,),
    fast_sorts=("pinyin",),
    number="code",
    related=(Related("人员", "people.person", "position", ("name", "staff_no", "unit", "left_on")),),
)
role = Resource(
    Role,
    "角色",
    noun="个",
    icon="shield-lock",
    fields=fields.ROLE,
    shape=actions.ROLE,
    create=actions.create_role,
    edit=actions.edit_role,
    fast_sorts=("pinyin",),
    number="code",
    kept=(Lines("grants", "权限", Grant, "role", rights.GRANT),),
)
person = Resource(
    Person,
    "人员",
    noun="人",
    icon="user",
    section="管理",
    fields=fields.PERSON,
    shape=actions.PERSON,
    create=actions.create_person,
    edit=actions.edit_person,
    actions=(
        appointments.transfer,
        appointments.appoint,
        appointments.dismiss,
        helping.assist,
        helping.stop_assisting,
        helping.delegate,
        helping.recall,
        helping.delegate_mine,
        helping.recall_mine,
        leaving.leave,
        leaving.rejoin,
    ),
    kept=(
        Lines("appointments", "任职", Appointment, "person", fields.APPOINTMENT),
        Lines("works_for", "协助", WorksFor, "assistant", fields.WORKS_FOR),
        Lines("delegations", "委托", Delegation, "giver", fields.DELEGATION),
    ),
    notes=panels.notes_on,
    related=(Related("交接", "handover.package", "owner", ("number", "reason", "return_on", "done_at", "state")),),
    fast_sorts=("pinyin",),
    number="staff_no",
    slug="people",
)
