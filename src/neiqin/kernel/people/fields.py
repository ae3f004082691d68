"""What is known of units, positions and persons."""

from neiqin.kernel.fields.field import Field

UNIT = (
    Field("name", "部门名称", required=True, list=True, role="name", filter=True, sort="pinyin"),
    Field("code", "部门编码", "code", required=True, maxlength=30, list=True, role="id", filter=True),
    Field("parent", "上级部门", "unit", ref="people.unit", list=True, filter=True),
    Field("leader", "负责人", "person", ref="people.person", list=True, role="who"),
)
POSITION = (
    Field("name", "岗位名称", required=True, list=True, role="name", filter=True, sort="pinyin"),
    Field("code", "岗位编码", "code", required=True, maxlength=30, list=True, role="id"),
    Field("rank", "级别", "number", list=True, help="数字越小级别越高"),
    Field("owns_key_customers", "可负责重点客户", "bool", list=True),
)
PERSON = (
    Field("name", "姓名", required=True, maxlength=40, list=True, role="name", filter=True, sort="pinyin"),
    Field("staff_no", "工号", "code", required=True, maxlength=30, list=True, role="id", filter=True),
    Field("unit", "部门", "unit", ref="people.unit", required=True, list=True, filter=True, role="who"),
    Field("position", "岗位", "ref", ref="people.position", required=True, list=True, filter=True),
    Field("left_on", "离职日期", "date", form=False, list=True, filter=True, pri=3),
)
