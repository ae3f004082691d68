"""How rows of a file become quotes: one row for each line, a quote's rows one after the other."""

from neiqin.kernel.exchange.plans import Key, Plan
from neiqin.modules.quotes import resources

quotes = Plan(
    resources.quote,
    keys=(Key("number"),),
    synonyms={
        "customer": ("客户", "客户名称", "询价单位", "Customer Name"),
        "doc_date": ("日期", "报价时间"),
        "valid_until": ("有效期", "有效期限", "有效日期"),
        "contact": ("联系人", "收件人"),
        "contact_phone": ("电话", "手机"),
        "place": ("交货地点", "送货地点"),
        "lines.product": ("产品", "产品编码", "物料编码", "存货编码", "货号", "SKU"),
        "lines.item_name": ("品名", "产品名称", "商品名称", "存货名称", "Description"),
        "lines.quantity": ("数量", "Quantity", "Qty"),
        "lines.unit_name": ("计量单位",),
        "lines.price": ("单价", "含税单价", "报价", "Unit Price"),
        "lines.factor": ("折扣率",),
        "lines.days": ("交期", "货期", "Lead Time"),
    },
    line_keys={"lines": ("product", "item_name", "spec")},
)
