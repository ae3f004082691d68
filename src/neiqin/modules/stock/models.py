"""Warehouses, what lies in them, and every movement that brought it there (C-ORD-11, decision 0016)."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Line, Record
from neiqin.kernel.fields.field import Choice, label_of
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Named
from neiqin.modules.catalog.models import Product

VIEW, KEEP, SETUP = "stock.view", "stock.keep", "stock.setup"
OPEN, SHUT = "open", "shut"
WAREHOUSE_STATES = (Choice(OPEN, "使用中", "ok", "100"), Choice(SHUT, "已停用", "off", "x"))
POSTED, VOID = "posted", "void"
ENTRY_STATES = (Choice(POSTED, "已记账", "ok", "100"), Choice(VOID, "已作废", "off", "x"))
COUNT, TRANSFER = "count", "transfer"
IN, OUT = 1, -1
# What an entry does with its quantities: brings them in, takes them out; 盘点 says what is there, 调拨 does both.
DIRECTIONS = {
    "opening": IN, "bought": IN, "made": IN, "returned": IN, "other_in": IN,
    "used": OUT, "spoilt": OUT, "other_out": OUT, TRANSFER: OUT, COUNT: 0,
}  # fmt: skip
KINDS = (
    Choice("opening", "期初"), Choice("bought", "采购入库"), Choice("made", "生产入库"), Choice("returned", "退货入库"),
    Choice("other_in", "其他入库"), Choice("used", "领用出库"), Choice("spoilt", "报损出库"),
    Choice("other_out", "其他出库"), Choice(TRANSFER, "调拨"), Choice(COUNT, "盘点"),
)  # fmt: skip
NUMBERS = Numbers("number", Pattern("KC", by_day=True))


class Warehouse(Named):
    """A place where goods lie. main: what is shipped comes from here unless another is said; at most one is. bad: what
    lies there is not sold: it is promised to nobody and nothing is shipped from it."""

    VIEW: ClassVar[str] = VIEW
    STATES: ClassVar[tuple[Choice, ...]] = WAREHOUSE_STATES

    code = models.CharField(max_length=30)
    place = models.CharField(max_length=200, default="", blank=True)
    main = models.BooleanField(default=False)
    bad = models.BooleanField(default=False)
    state = models.CharField(max_length=10, default=OPEN)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code"], name="stock_warehouse_code"),
            models.CheckConstraint(condition=Q(state__in=[OPEN, SHUT]), name="stock_warehouse_state"),
        ]


class Entry(Record):
    """What somebody writes down about goods that came, went, moved or were counted, orders apart (入库单, 出库单,
    调拨单, 盘点单). name: its kind and warehouse."""

    VIEW: ClassVar[str] = VIEW
    STATES: ClassVar[tuple[Choice, ...]] = ENTRY_STATES

    number = models.CharField(max_length=20, default="")
    name = models.CharField(max_length=130, default="")
    kind = models.CharField(max_length=10)
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+")
    to = models.ForeignKey(Warehouse, models.PROTECT, null=True, related_name="+")
    done_on = models.DateField(default=clock.today)
    source = models.CharField(max_length=100, default="", blank=True)
    remark = models.CharField(max_length=200, default="", blank=True)
    state = models.CharField(max_length=10, default=POSTED)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="stock_entry_number"),
            models.CheckConstraint(condition=Q(state__in=[POSTED, VOID]), name="stock_entry_state"),
            models.CheckConstraint(condition=Q(kind__in=list(DIRECTIONS)), name="stock_entry_kind"),
            models.CheckConstraint(
                condition=Q(kind=TRANSFER, to__isnull=False) & ~Q(to=F("warehouse")) | ~Q(kind=TRANSFER) & Q(to=None),
                name="stock_entry_to",
            ),
        ]
        indexes = [models.Index(fields=["done_on", "id"], name="stock_entry_day")]

    def __str__(self) -> str:
        return self.number or self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """The name."""
        names = dict(Warehouse.objects.filter(pk__in={r.warehouse_id for r in records}).values_list("pk", "name"))
        for record in records:
            record.name = f"{label_of(KINDS, record.kind)} {names.get(record.warehouse_id, '')}".strip()
        return super().derive(records, batch)


class EntryLine(Line):
    """quantity: in this unit (empty: the base unit); of a 盘点 what was counted."""

    parent = "entry"

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.PROTECT, related_name="+")
    unit_name = models.CharField(max_length=20, default="", blank=True)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    remark = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gte=0), name="stock_entryline_quantity")]


class Stock(Record):
    """How much of a product lies in a warehouse, in its base unit: the sum of its movements, and never below zero.
    Only `moving.move` writes it. name, code: the product's, which follow it."""

    audited: ClassVar[bool] = False  # the movements are its history
    VIEW: ClassVar[str] = VIEW

    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+")
    product = models.ForeignKey(Product, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100, default="")
    code = models.CharField(max_length=40, default="")
    on_hand = models.DecimalField(max_digits=20, decimal_places=6, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["warehouse", "product"], name="stock_stock_once"),
            models.CheckConstraint(condition=Q(on_hand__gte=0), name="stock_stock_not_negative"),
        ]
        indexes = [models.Index(fields=["code", "id"], name="stock_stock_code")]

    def __str__(self) -> str:
        return self.name


class Movement(models.Model):
    """One change of a stock, in the base unit, by a document; never changed and never deleted (a trigger refuses it):
    what was wrong is taken back by another one."""

    audited: ClassVar[bool] = False

    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey(Product, models.PROTECT, related_name="+", db_index=False)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    model = models.CharField(max_length=60)
    record = models.BigIntegerField()
    at = models.DateTimeField()
    run = models.BigIntegerField()
    person = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(quantity=0), name="stock_movement_moves")]
        indexes = [
            models.Index(fields=["product", "warehouse", "id"], name="stock_movement_of"),
            models.Index(fields=["model", "record"], name="stock_movement_by"),
        ]
