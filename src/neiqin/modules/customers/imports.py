"""How rows of a file become customers: which columns find a file that is there, and what shops and ERPs call them."""

from neiqin.kernel.exchange.plans import Key, Plan
from neiqin.kernel.fields.formats import company_name_key
from neiqin.modules.customers import pool, resources

customers = Plan(
    resources.customer,
    keys=(Key("number"), Key("uscc"), Key("name", "name_key", company_name_key)),
    synonyms={
        "name": ("买家公司名", "店铺名称", "Store Name", "Account Name"),
        "number": ("客户编码", "客户代码", "会员编号", "Customer ID"),
        "owner": ("业务员", "销售员", "所属业务员", "跟进人", "Sales Person"),
        "credit_days": ("账期", "信用天数"),
        "contacts.name": ("联系人", "收货人姓名", "Contact Name"),
        "contacts.title": ("联系人职务", "岗位", "Contact Title"),
    },
    line_keys={"contacts": ("name",), "addresses": ("street",)},
    pool=pool.create,
)
