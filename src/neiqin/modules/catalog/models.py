"""What is sold and at which price: categories, products with their units, price lists with their rows."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Named
from neiqin.modules.customers.models import Customer

VIEW, COST, PRICES = "catalog.view", "catalog.cost", "catalog.prices"
ON_SALE, STOPPED = "on_sale", "stopped"
PRODUCT_STATES = (Choice(ON_SALE, "在售", "ok", "100"), Choice(STOPPED, "停售", "off", "x"))
DRAFT, ACTIVE, ENDED, VOID = "draft", "active", "ended", "void"
NEVER = (DRAFT, VOID)  # give no price on any day
LIST_STATES = (
    Choice(DRAFT, "草稿", "off", "0"), Choice(ACTIVE, "生效", "ok", "100"), Choice(ENDED, "停用", "off", "x"),
    Choice(VOID, "作废", "off", "x"),
)  # fmt: skip
# In the order in which they go before each other (practice.md 3.11).
AGREEMENT, OWN, PROMOTION, LEVEL, STANDARD = "agreement", "customer", "promotion", "level", "standard"
KINDS = (
    Choice(AGREEMENT, "合同协议价"), Choice(OWN, "客户专价"), Choice(PROMOTION, "促销价"),
    Choice(LEVEL, "客户等级价"), Choice(STANDARD, "标准价"),
)  # fmt: skip
TAX_RATES = tuple(Choice(rate, label) for rate, label in (
    ("0.13", "13%"), ("0.09", "9%"), ("0.06", "6%"), ("0.03", "3%"), ("0.01", "1%"), ("0", "0%"),
))  # fmt: skip


class Category(Named):
    """A kind of products (产品类别): what orders are assigned and reports are cut by."""

    VIEW: ClassVar[str] = VIEW

    code = models.CharField(max_length=30)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code"], name="catalog_category_code")]


class Product(Named):
    """Something that is sold, in its base unit. cost: of a base unit, without tax; floor_price: the lowest price of a
    base unit, incl. tax, where it is set by hand; tolerance: by how many percent more may be delivered than ordered."""

    VIEW: ClassVar[str] = VIEW
    STATES: ClassVar[tuple[Choice, ...]] = PRODUCT_STATES

    code = models.CharField(max_length=40)
    spec = models.CharField(max_length=100, default="", blank=True)
    category = models.ForeignKey(Category, models.PROTECT, null=True, related_name="+")
    unit_name = models.CharField(max_length=20)
    barcode = models.CharField(max_length=40, default="", blank=True)
    tax_rate = models.CharField(max_length=5, default="0.13")
    tax_code = models.CharField(max_length=19, default="", blank=True)
    cost = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    floor_price = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    tolerance = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    state = models.CharField(max_length=10, default=ON_SALE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code"], name="catalog_product_code"),
            models.UniqueConstraint(fields=["barcode"], condition=~Q(barcode=""), name="catalog_product_barcode"),
            models.CheckConstraint(condition=Q(state__in=[ON_SALE, STOPPED]), name="catalog_product_state"),
        ]
        indexes = [models.Index(fields=["pinyin", "id"], name="catalog_product_pinyin")]


class ProductUnit(Line):
    """Another unit in which a product is sold (箱 of 24 个)."""

    parent = "product"

    product = models.ForeignKey(Product, models.CASCADE, related_name="units")
    name = models.CharField(max_length=20)
    factor = models.DecimalField(max_digits=20, decimal_places=6)
    barcode = models.CharField(max_length=40, default="", blank=True)


class CustomerItem(Line):
    """What a customer calls a product (客户料号)."""

    parent = "product"

    product = models.ForeignKey(Product, models.CASCADE, related_name="customer_items")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    item_no = models.CharField(max_length=60)
    item_name = models.CharField(max_length=100, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "item_no"], name="catalog_customer_item_once")]


class PriceList(Named):
    """Prices for whom and from when. What is in force never changes again but for its end; a change is a new list."""

    VIEW: ClassVar[str] = VIEW
    STATES: ClassVar[tuple[Choice, ...]] = LIST_STATES

    number = models.CharField(max_length=20, default="")
    kind = models.CharField(max_length=10)
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="+")
    level = models.CharField(max_length=10, default="", blank=True)
    region = models.CharField(max_length=20, default="", blank=True)
    channel = models.CharField(max_length=20, default="", blank=True)
    from_on = models.DateField()
    until_on = models.DateField(null=True)
    state = models.CharField(max_length=10, default=DRAFT)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="catalog_pricelist_number"),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in LIST_STATES]), name="catalog_pricelist_state"
            ),
            models.CheckConstraint(condition=Q(kind__in=[k.value for k in KINDS]), name="catalog_pricelist_kind"),
            models.CheckConstraint(
                condition=Q(until_on=None) | Q(until_on__gte=F("from_on")), name="catalog_pricelist_span"
            ),
        ]
        indexes = [models.Index(fields=["from_on", "id"], name="catalog_pricelist_from")]


class PriceRow(Line):
    """The price of a product in a unit (empty: the base unit) from a quantity on, incl. tax."""

    parent = "price_list"

    price_list = models.ForeignKey(PriceList, models.CASCADE, related_name="rows")
    product = models.ForeignKey(Product, models.PROTECT, related_name="+")
    unit_name = models.CharField(max_length=20, default="", blank=True)
    min_quantity = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    price = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["price_list", "product", "unit_name", "min_quantity"], name="catalog_pricerow_once"
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="catalog_pricerow_price"),
        ]


NUMBERS = Numbers("number", Pattern("JG", digits=6))


def products_by_key(keys: Any, customer: int | None = None) -> dict[str, int]:
    """What shops and customers write for a product -> its id: code, barcode, or this customer's own number. Keys that
    mean several are left out. Three queries."""
    wanted = {k for k in keys if k}
    found: dict[str, set[int]] = {}
    pairs = [
        *Product.objects.filter(code__in=wanted).values_list("code", "pk"),
        *Product.objects.filter(barcode__in=wanted - {""}).values_list("barcode", "pk"),
    ]
    if customer is not None:
        rows = CustomerItem.objects.filter(customer_id=customer, item_no__in=wanted)
        pairs += rows.values_list("item_no", "product_id")
    for key, pk in pairs:
        found.setdefault(key, set()).add(pk)
    return {key: next(iter(ids)) for key, ids in found.items() if len(ids) == 1}
