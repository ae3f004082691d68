"""What is known of a customer, its contacts and addresses: one description for forms, lists, API and actions."""

from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.fields.formats import mask_email, mask_mobile
from neiqin.modules.customers.states import STATES

KEY, ORDINARY, PROSPECT = "key", "ordinary", "prospect"

LEVELS = (
    Choice(KEY, "重点", "warn", "100"),
    Choice(ORDINARY, "一般", "run", "50"),
    Choice(PROSPECT, "潜在", "off", "0"),
)
KINDS = tuple(
    Choice(value, label)
    for value, label in (
        ("dealer", "经销商"),
        ("end_user", "终端"),
        ("platform", "电商"),
        ("government", "政府"),
        ("person", "个人"),
    )
)
SOURCES = tuple(
    Choice(value, label)
    for value, label in (
        ("referral", "转介绍"),
        ("exhibition", "展会"),
        ("web", "网络"),
        ("phone", "电话"),
        ("cold_call", "陌拜"),
        ("platform", "平台"),
        ("other", "其他"),
    )
)

number = Field("number", "客户编号", "code", form=False, list=True, role="id", filter=True)
name = Field(
    "name", "客户名称", required=True, maxlength=100, span=2, list=True, filter=True, role="name", sort="pinyin"
)
short_name = Field("short_name", "简称", maxlength=40, help="用在表格和聊天里")
uscc = Field("uscc", "统一社会信用代码", "uscc", span=2, filter=True)
level = Field("level", "等级", "choice", choices=LEVELS, form=False, list=True, filter=True, role="st", sortable=True)
kind = Field("kind", "客户类型", "choice", choices=KINDS, list=True, filter=True, pri=3)
industry = Field("industry", "行业", maxlength=40, list=True, filter=True, pri=3)
source = Field("source", "来源", "choice", choices=SOURCES, filter=True)
province = Field("province", "省份", maxlength=20, filter=True)
city = Field("city", "城市", maxlength=30, list=True, filter=True, pri=3)
address = Field("address", "经营地址", maxlength=200, span=3)
business_scope = Field("business_scope", "经营范围", "long", maxlength=1000, span=3, section="经营情况")
intention = Field("intention", "采购意向", "long", maxlength=1000, span=3, section="经营情况")
credit_limit = Field(
    "credit_limit",
    "信用额度",
    "money",
    right="customers.credit",
    list=True,
    filter=True,
    sortable=True,
    min=0,
    section="结算",
)
credit_days = Field("credit_days", "账期（天）", "number", right="customers.credit", filter=True, min=0, section="结算")
statement_day = Field("statement_day", "对账日", "number", help="每月几号，1 到 31", min=1, max=31, section="结算")
owner = Field(
    "owner",
    "负责人",
    "person",
    ref="people.person",
    list=True,
    filter=True,
    role="who",
    help="空着就是自己",
    empty="公海",
)
unit = Field("unit", "部门", "unit", ref="people.unit", form=False, filter=True)
state = Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True)
created_at = Field("created_at", "建档时间", "moment", form=False, filter=True)
updated_at = Field("updated_at", "更新", "moment", form=False, list=True, filter=True, role="due")
remark = Field("remark", "备注", "long", maxlength=1000, span=3, section="经营情况")

followed_at = Field(
    "followed_at", "最近跟进", "moment", column="standing__followed_at", form=False, list=True, filter=True, pri=2
)
next_on = Field("next_on", "下次跟进", "date", column="standing__next_on", form=False, list=True, filter=True, pri=1)
quiet_since = Field("quiet_since", "没动静起", "moment", column="standing__quiet_since", form=False, filter=True)
owned_since = Field("owned_since", "归现负责人", "moment", column="standing__owned_since", form=False, filter=True)

FORM = (
    name,
    short_name,
    kind,
    uscc,
    industry,
    source,
    province,
    city,
    address,
    owner,
    credit_limit,
    credit_days,
    statement_day,
    business_scope,
    intention,
    remark,
)
ALL = (
    number,
    *FORM[:1],
    level,
    state,
    *FORM[1:],
    unit,
    followed_at,
    next_on,
    quiet_since,
    owned_since,
    created_at,
    updated_at,
)

CONTACT = (
    Field("name", "姓名", required=True, maxlength=40),
    Field("title", "职务", maxlength=40),
    Field("mobile", "手机", "mobile", personal=True, mask=mask_mobile, maxlength=20),
    Field("phone", "电话", "phone", personal=True, mask=mask_mobile, maxlength=30),
    Field("wechat", "微信", personal=True, mask=lambda text: text[:1] + "***", maxlength=60),
    Field("email", "邮箱", "email", personal=True, mask=mask_email, maxlength=100),
    Field("decides", "决策人", "bool"),
)
ADDRESS = (
    Field("consignee", "收货人", maxlength=40),
    Field("mobile", "收货手机", "mobile", personal=True, mask=mask_mobile, maxlength=20),
    Field("region", "省市区", maxlength=60),
    Field("street", "详细地址", required=True, maxlength=200),
)
