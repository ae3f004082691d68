"""What is known of a legal entity and its accounts."""

from neiqin.kernel.fields.field import Choice, Field

TAXPAYERS = (Choice("general", "一般纳税人"), Choice("small", "小规模纳税人"))

NAME = Field("name", "名称", required=True, maxlength=100, span=2, list=True, role="name", filter=True, sort="pinyin",
             help="照营业执照写全称")  # fmt: skip
USCC = Field("uscc", "统一社会信用代码", "uscc", required=True, list=True, role="id", filter=True)
ENTITY = (
    NAME,
    Field("short_name", "简称", maxlength=40),
    USCC,
    Field("taxpayer", "纳税人类型", "choice", choices=TAXPAYERS, required=True, default="general", list=True),
    Field("legal_person", "法定代表人", maxlength=40),
    Field("phone", "开票电话", "phone", maxlength=30),
    Field("address", "开票地址", maxlength=200, span=2),
)
ACCOUNT = (
    Field("bank_name", "开户行", required=True, maxlength=100),
    Field("number", "账号", "account", required=True, maxlength=40),
    Field("purpose", "用途", maxlength=40, help="例如 收款、基本户"),
)
