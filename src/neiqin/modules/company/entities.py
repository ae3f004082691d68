"""Making and changing legal entities."""

from collections.abc import Mapping

from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.people.checks import taken
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.company import fields
from neiqin.modules.company.models import Account, Entity

MANAGE = "company.manage"
ACCOUNTS = Lines("accounts", "银行账户", Account, "entity", fields.ACCOUNT, add_label="加账户")
ENTITY = Shape(fields.ENTITY, (ACCOUNTS,))


def _once(batch: NewBatch[Entity]) -> Mapping[int, Refusal]:
    return taken(Entity, fields.USCC, {p: row["uscc"] for p, row in batch.rows.items()}, editing=False)


def _still_once(batch: Batch[Entity], changes: Changes) -> Mapping[int, Refusal]:
    return taken(Entity, fields.USCC, {i: c["uscc"] for i, c in changes.items() if "uscc" in c}, editing=True)


create = creating(Entity, ENTITY, check=_once, label="新建我方主体", may=MANAGE)
edit = editing(Entity, ENTITY, check=_still_once, label="修改我方主体", may=MANAGE)

entity = Resource(
    Entity,
    "我方主体",
    noun="家",
    icon="building",
    section="管理",
    tucked=True,
    fields=fields.ENTITY,
    shape=ENTITY,
    create=create,
    edit=edit,
    fast_sorts=("pinyin",),
    found=("name", "short_name", "uscc"),
    number="uscc",
)
