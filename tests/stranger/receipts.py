"""A receipt with its parts and the price it was for: key fields that are checked, and by rule typed twice."""

from neiqin.kernel.actions.records import creating, editing
from neiqin.kernel.checks.declare import Checks, adds_up, times, value
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.resources.resource import Resource
from tests.stranger.models import Part, Receipt

FIELDS = (
    Field("name", "付款方", required=True, list=True, filter=True, role="name"),
    Field("price", "单价", "quantity", list=True),
    Field("amount", "金额", "money", required=True, list=True),
    Field("owner", "负责人", "person", ref="people.person", list=True, filter=True, role="who"),
)
SHAPE = Shape(FIELDS, (Lines("parts", "分配", Part, "receipt", (Field("part", "分配金额", "money", required=True),)),))
receipt = Resource(
    Receipt,
    "到款",
    noun="笔",
    fields=FIELDS,
    shape=SHAPE,
    fast_sorts=("name",),
    create=creating(Receipt, SHAPE),
    edit=editing(Receipt, SHAPE),
)
CHECKS = Checks("stranger.receipt", times("price", "name"), adds_up("amount", "parts", "part"), value("amount"))
