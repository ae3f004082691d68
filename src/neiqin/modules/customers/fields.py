"""What is known of a customer and its lines: one description for forms, lists, API and actions.

The rights are groups of information: each department sees what its duties need (C-CUS-13).
"""

from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.fields.formats import mask_email, mask_mobile, whole
from neiqin.modules.customers.states import STATES

PROFILE, PREFERENCES, CREDIT = "customers.profile", "customers.preferences", "customers.credit"
CONTACTS, ADDRESSES, INVOICES = "customers.contacts", "customers.addresses", "customers.invoices"


def _choices(**labels: str) -> tuple[Choice, ...]:
    return tuple(Choice(value, label) for value, label in labels.items())


KEY, ORDINARY, PROSPECT = "key", "ordinary", "prospect"
LEVELS = (
    Choice(KEY, "重点", "warn", "100"),
    Choice(ORDINARY, "一般", "run", "50"),
    Choice(PROSPECT, "潜在", "off", "0"),
)
KINDS = _choices(dealer="经销商", end_user="终端", platform="电商", government="政府", person="个人")
SIZES = _choices(micro="20 人以下", small="20–99 人", medium="100–499 人", large="500 人以上")
SOURCES = _choices(  # C-CUS-02
    search="网络搜索",
    web="网络渠道",
    exhibition="行业展会",
    referral="转介绍",
    research="市场调研",
    social="社交媒体",
    phone="电话",
    mail="邮件",
    talks="商务洽谈",
    cold_call="陌拜",
    platform="平台",
    other="其他",
)
SETTLEMENTS = _choices(
    prepaid="款到发货", on_delivery="货到付款", monthly="月结", credit="按账期", instalments="分期付款"
)
PRICE_LEVELS = _choices(list="标准价", a="A 级价", b="B 级价", c="C 级价")
LICENCE_KINDS = _choices(
    business="营业执照", permit="经营许可证", production="生产许可证", authorization="经销授权书", other="其他证照"
)
SMS, MAIL, WECHAT, NO_NEWS = "sms", "mail", "wechat", "none"
NEWS = _choices(sms="短信", mail="邮件", wechat="微信", none="不通知")  # how a contact wants to hear of orders
CONSENTS = _choices(  # what a person's data may be kept for: 个人信息保护法 第十三条
    consent="本人同意", contract="订立或履行合同", public="本人已公开"
)

number = Field("number", "客户编号", "code", form=False, list=True, role="id", filter=True)
name = Field(
    "name", "客户名称", required=True, maxlength=100, span=2, list=True, filter=True, role="name", sort="pinyin"
)
level = Field(
    "level",
    "等级",
    "choice",
    choices=LEVELS,
    form=False,
    list=True,
    filter=True,
    role="st",
    sortable=True,
    right=PROFILE,
)
kind = Field("kind", "客户类型", "choice", choices=KINDS, list=True, filter=True, pri=3, right=PROFILE)
source = Field("source", "来源", "choice", choices=SOURCES, filter=True, right=PROFILE, section="来源")
obtained_on = Field(
    "obtained_on", "获得日期", "date", filter=True, right=PROFILE, section="来源", help="空着就是今天，保存后不能改"
)
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
industry = Field("industry", "行业", maxlength=40, list=True, filter=True, pri=3, right=PROFILE)
province = Field("province", "省份", maxlength=20, filter=True)
city = Field("city", "城市", maxlength=30, list=True, filter=True, pri=3)
business_scope = Field("business_scope", "经营范围", "long", maxlength=1000, span=2, right=PROFILE, section="经营情况")
unit = Field("unit", "部门", "unit", ref="people.unit", form=False, filter=True)
state = Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True)

followed_at = Field(
    "followed_at", "最近跟进", "moment", column="standing__followed_at", form=False, list=True, filter=True, pri=2
)
next_on = Field("next_on", "下次跟进", "date", column="standing__next_on", form=False, list=True, filter=True, pri=1)
quiet_since = Field("quiet_since", "最后动静", "moment", column="standing__quiet_since", form=False, filter=True)
owned_since = Field("owned_since", "归现负责人", "moment", column="standing__owned_since", form=False, filter=True)

FORM = (
    name,
    Field("short_name", "简称", maxlength=40, help="用在表格和聊天里"),
    kind,
    Field("uscc", "统一社会信用代码", "uscc", span=2, filter=True),
    industry,
    Field("size_band", "规模", "choice", choices=SIZES, filter=True, right=PROFILE),
    province,
    city,
    Field("district", "区县", maxlength=30, filter=True),
    owner,
    Field("address", "经营地址", maxlength=200, span=2),
    Field("parent", "上级客户", "ref", ref="customers.customer", filter=True, span=2, right=PROFILE),
    source,
    Field("referrer", "转介绍人", "ref", ref="customers.customer", filter=True, right=PROFILE, section="来源"),
    obtained_on,
    business_scope,
    Field("varieties", "使用品种", "long", maxlength=1000, span=2, right=PREFERENCES, section="经营情况"),
    Field("intention", "采购意向", "long", maxlength=1000, span=2, right=PREFERENCES, section="经营情况"),
    Field("remark", "备注", "long", maxlength=1000, span=2, right=PROFILE, section="经营情况"),
    Field("settlement_method", "结算方式", "choice", choices=SETTLEMENTS, filter=True, right=CREDIT, section="结算"),
    Field(
        "credit_limit", "信用额度", "money", right=CREDIT, list=True, filter=True, sortable=True, min=0, section="结算"
    ),
    Field("credit_days", "账期（天）", "number", right=CREDIT, filter=True, min=0, section="结算"),
    Field("statement_day", "对账日", "number", help="每月几号，1 到 31", right=CREDIT, min=1, max=31, section="结算"),
    Field("price_level", "价格等级", "choice", choices=PRICE_LEVELS, filter=True, right=PREFERENCES, section="结算"),
)
EFFECTIVE = Field(  # of a change, not of the customer: C-CUS-05
    "effective_on", "变动生效日期", "date", section="这次变动", help="换电话、换人从哪天起，空着就是保存那天"
)
KEPT = (  # by the system
    unit,
    Field("completeness", "完整度（%）", "number", form=False, filter=True, sortable=True, right=PROFILE),
    Field("reviewed_on", "上次核对", "date", form=False, filter=True, right=PROFILE),
    Field("licence_until", "证照到期", "date", form=False, filter=True, sortable=True, right=PROFILE),
    Field("late", "迟录", "bool", form=False, filter=True, right=PROFILE),
    Field("entered_by", "录入人", "person", ref="people.person", form=False, filter=True),
    followed_at,
    next_on,
    quiet_since,
    owned_since,
    Field("created_at", "建档时间", "moment", form=False, filter=True),
    Field("updated_at", "更新", "moment", form=False, list=True, filter=True, role="due"),
)
ALL = (number, name, level, state, *FORM[1:], *KEPT)

CONTACT = (
    Field("name", "姓名", required=True, personal=True, mask=whole, maxlength=40),
    Field("title", "职务", maxlength=40),
    Field("mobile", "手机", "mobile", personal=True, mask=mask_mobile, maxlength=20),
    Field("phone", "电话", "phone", personal=True, mask=mask_mobile, maxlength=30),
    Field("wechat", "微信", personal=True, mask=lambda text: text[:1] + "***", maxlength=60),
    Field("email", "邮箱", "email", personal=True, mask=mask_email, maxlength=100),
    Field("decides", "决策人", "bool"),
    Field("department", "部门", maxlength=40, fold=True),
    Field("qq", "QQ", personal=True, mask=lambda text: text[:2] + "***", maxlength=20, fold=True),
    Field("receives_goods", "收货", "bool", fold=True),
    Field("receives_invoices", "收票", "bool", fold=True),
    Field("receives_statements", "对账", "bool", fold=True),
    Field("order_news", "订单进度通知", "choice", choices=NEWS, fold=True),
    Field("consent_basis", "告知同意依据", "choice", choices=CONSENTS, fold=True),
    Field("consent_on", "告知日期", "date", fold=True),
    Field("left", "已离职", "bool", fold=True),
)
ADDRESS = (
    Field("consignee", "收货人", personal=True, mask=whole, maxlength=40),
    Field("mobile", "收货手机", "mobile", personal=True, mask=mask_mobile, maxlength=20),
    Field("region", "省市区", maxlength=60),
    Field("street", "详细地址", required=True, maxlength=200),
    Field("is_default", "默认", "bool"),
)
INVOICE = (
    Field("title", "抬头", required=True, maxlength=100),
    Field("tax_no", "税号", "tax_no", maxlength=30),
    Field("bank", "开户行", maxlength=100),
    Field("account", "账号", "account", maxlength=40),
    Field("is_default", "默认", "bool"),
    Field("address", "地址", maxlength=200, fold=True),
    Field("phone", "电话", "phone", maxlength=30, fold=True),
    Field("email", "收票邮箱", "email", maxlength=100, fold=True),
)
LICENCE = (
    Field("kind", "种类", "choice", required=True, choices=LICENCE_KINDS),
    Field("number", "证号", "code", required=True, maxlength=60),
    Field("issuer", "发证机关", maxlength=100),
    Field("expires_on", "有效期至", "date"),
    Field("permanent", "长期", "bool"),
)
ALIAS = (
    Field("name", "曾用名", required=True, maxlength=100),
    Field("until_on", "用到", "date"),
)
