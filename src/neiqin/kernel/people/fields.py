"""What is known of units, positions, roles and persons, and of the lines that actions write for them."""

from neiqin.kernel.fields.field import Choice, Field

UNIT = (
    Field("name", "部门名称", required=True, list=True, role="name", filter=True, sort="pinyin"),
    Field("code", "部门编码", "code", required=True, maxlength=30, list=True, role="id", filter=True),
    Field("parent", "上级部门", "unit", ref="people.unit", list=True, filter=True),
    Field("leader", "负责人", "person", ref="people.person", list=True, role="who"),
)
POSITION = (
    Field("name", "岗位名称", required=True, list=True, role="name", filter=True, sort="pinyin"),
    Field("code", "岗位编码", "code", required=True, maxlength=30, list=True, role="id"),
    Field("rank", "级别", "number", default=50, list=True, help="数字越小级别越高"),
    Field("owns_key_customers", "可负责重点客户", "bool", list=True),
    Field("sensitive", "登录要动态码", "bool", list=True, help="敏感岗位：没有设动态码的人登录后先去设"),
)
POSITION_ROLE = (Field("role", "角色", "ref", ref="people.role", required=True),)
ROLE = (
    Field("name", "角色名称", required=True, list=True, role="name", filter=True, sort="pinyin"),
    Field("code", "角色编码", "code", required=True, maxlength=30, list=True, role="id"),
)
PERSON = (
    Field("name", "姓名", required=True, maxlength=40, list=True, role="name", filter=True, sort="pinyin"),
    Field("staff_no", "工号", "code", required=True, maxlength=30, list=True, role="id", filter=True),
    Field("unit", "部门", "unit", ref="people.unit", required=True, list=True, filter=True, role="who"),
    Field("position", "岗位", "ref", ref="people.position", required=True, list=True, filter=True),
    Field("left_on", "离职日期", "date", form=False, list=True, filter=True, pri=3),
)
NAME, STAFF_NO, UNIT_OF, POSITION_OF, _ = PERSON
FROM_ON = Field("from_on", "从哪天起", "date", help="空着就是今天")
UNTIL_ON = Field("until_on", "到哪天止", "date", help="当天起就不算了")

APPOINTMENT = (
    UNIT_OF,
    POSITION_OF,
    FROM_ON.but(required=True),
    UNTIL_ON,
    Field("main", "主岗", "bool"),
)
WORKS_FOR = (
    Field("person", "协助谁", "person", ref="people.person", required=True),
    FROM_ON.but(required=True),
    UNTIL_ON,
)
DELEGATION = (
    Field("taker", "委托给谁", "person", ref="people.person", required=True),
    FROM_ON.but(required=True),
    UNTIL_ON.but(required=True),
    Field("reason", "原因", maxlength=200),
    Field("most", "审批金额上限", "money", min=0, help="只管代批：超过这个金额仍由本人批，空着不限"),
)
UNIT_PLACE = (
    Field("above", "上级部门", "unit", ref="people.unit"),
    FROM_ON,
    UNTIL_ON,
)
THEMES = (Choice("auto", "跟随系统"), Choice("light", "浅色"), Choice("dark", "深色"))
DENSITIES = (Choice("compact", "紧凑"), Choice("normal", "适中"), Choice("roomy", "宽松"))
