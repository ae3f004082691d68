"""What is done with groups; who is in them nobody says, it follows (following.py)."""

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import creating, editing
from neiqin.kernel.fields.shape import Shape
from neiqin.modules.groups import fields
from neiqin.modules.groups.models import Group
from neiqin.modules.groups.states import ACTIVE, STOPPED

EDIT = "groups.edit"
GROUP = Shape(fields.FORM)
create = creating(Group, GROUP, label="新建分组")
edit = editing(Group, GROUP, label="修改分组", from_=frozenset({ACTIVE}))


@action(Group, "停用", may=EDIT, from_=ACTIVE, to=STOPPED, event="stopped", icon="circle-x", danger=True)
def stop(groups: Batch[Group]) -> None:
    """Nobody is in it any more; who was stays readable."""


@action(Group, "恢复使用", may=EDIT, from_=STOPPED, to=ACTIVE, event="resumed", icon="rotate")
def resume(groups: Batch[Group]) -> None:
    """Customers that fulfil the conditions come in again."""
