"""Screens and API of units, positions and persons."""

from neiqin.kernel.people import fields
from neiqin.kernel.people.models import Person, Position, Unit
from neiqin.kernel.resources.resource import Resource

unit = Resource(Unit, "部门", noun="个", icon="building", section="管理", fields=fields.UNIT, fast_sorts=("pinyin",),
                search_fields=("name", "code"), number="code")  # fmt: skip
position = Resource(Position, "岗位", noun="个", icon="flag", section="管理", fields=fields.POSITION, fast_sorts=("pinyin",),
                    search_fields=("name", "code"), number="code")  # fmt: skip
person = Resource(Person, "人员", noun="人", icon="user", section="管理", fields=fields.PERSON, fast_sorts=("pinyin",),
                  search_fields=("name", "staff_no", "pinyin"), number="staff_no", slug="people")  # fmt: skip
