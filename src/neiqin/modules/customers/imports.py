"""How rows of a file become customers: which columns find a file that is there, and what shops and ERPs call them."""

from neiqin.kernel.exchange.plans import Key, Plan
from neiqin.kernel.fields.formats import company_name_key
from neiqin.modules.customers import resources

customers = Plan(
    resources.customer,
    keys=(Key("number"), Key("uscc"), Key("name", "name_key", company_name_key)),
    synonyms={
        "name": ("买家公司名", "店铺名称", "Store Name", "Account Name"),
        "number": ("客户编码", "客户代码", "会员编号", "Customer ID"),
        "owner": ("业务员", "销售员", "所属业务员", "跟进人", "Sales Person"),
        "credit_days": ("账期", "信用天数"),
        "size_band": ("人员规模", "公司规模", "员工人数"),
        "obtained_on": ("获取日期", "首次接触日期"),
        "varieties": ("使用产品", "在用品种"),
        "settlement_method": ("付款方式", "结算类型"),
        "price_level": ("价格级别", "价格类别"),
        "parent": ("上级单位", "母公司"),
        "invoices.title": ("发票抬头", "开票名称"),
        "invoices.tax_no": ("税号", "纳税人识别号", "税务登记号"),
        "invoices.bank": ("开户行", "开户银行"),
        "invoices.account": ("账号", "银行账号", "银行账户"),
        "invoices.email": ("收票邮箱",),
        "licences.number": ("证号", "证照编号", "许可证号"),
        "licences.expires_on": ("有效期至", "有效期限"),
        "aliases.name": ("曾用名", "原名称", "别名"),
        "contacts.name": ("联系人", "收货人姓名", "Contact Name"),
        "contacts.title": ("联系人职务", "岗位", "Contact Title"),
    },
    line_keys={
        "contacts": ("name",),
        "addresses": ("street",),
        "invoices": ("title",),
        "licences": ("number",),
        "aliases": ("name",),
    },
)
