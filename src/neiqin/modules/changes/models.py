"""What is to be different about an order under way (订单变更), what the departments say to it, and who has to know
(C-ORD-13 to 15)."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.kernel.personal.columns import OfPerson, PersonalText, open_columns
from neiqin.modules.catalog.models import Product
from neiqin.modules.orders.models import Order, OrderLine, Part

WITH_REP, ASSESSING, APPLIED, REFUSED, WITHDRAWN = "with_rep", "assessing", "applied", "refused", "withdrawn"
STATES = (
    Choice(WITH_REP, "业务员处理", "warn", "25"), Choice(ASSESSING, "评估协商", "run", "50"),
    Choice(APPLIED, "已生效", "ok", "100"), Choice(REFUSED, "不同意", "off", "x"),
    Choice(WITHDRAWN, "已撤回", "off", "x"),
)  # fmt: skip
OPEN = (WITH_REP, ASSESSING)
ASKED, ANSWERED, VOID = "asked", "answered", "void"
ASSESSMENT_STATES = (
    Choice(ASKED, "待评估", "warn", "0"), Choice(ANSWERED, "已评估", "ok", "100"), Choice(VOID, "不用了", "off", "x"),
)  # fmt: skip
WAITING, KNOWN = "waiting", "known"
KNOWING_STATES = (Choice(WAITING, "待确认", "warn", "0"), Choice(KNOWN, "已知悉", "ok", "100"))
NUMBERS = Numbers("number", Pattern("BG", by_day=True))
Read = Callable[[Any, Collection[int]], dict[int, Any]]
PLACE = ("consignee", "consignee_phone", "address")


class Change(OfPerson, OwnedRecord):
    """It belongs to the order's rep. name: the customer's; base: the version of the order it changes; whole: nothing of
    the order is wanted any more. required_on, consignee, consignee_phone, address: as they are to be, empty where they
    stay; was_*: as they were; amount, new_amount: incl. tax, new_amount since it holds; agreed_*: that the customer
    agreed, how and with which proof."""

    STATES: ClassVar[tuple[Choice, ...]] = STATES

    number = models.CharField(max_length=20, default="")
    order = models.ForeignKey(Order, models.PROTECT, related_name="changes")
    name = models.CharField(max_length=100, default="")
    said_by = models.CharField(max_length=60)
    reason = models.CharField(max_length=200)
    whole = models.BooleanField(default=False)
    base = models.SmallIntegerField(default=1)
    required_on = models.DateField(null=True)
    was_required_on = models.DateField(null=True)
    consignee = PersonalText(40, "change.consignee")
    consignee_phone = PersonalText(30, "change.phone")
    address = PersonalText(200, "change.address")
    was_consignee = PersonalText(40, "change.was_consignee")
    was_consignee_phone = PersonalText(30, "change.was_phone")
    was_address = PersonalText(200, "change.was_address")
    amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    new_amount = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    kinds = models.CharField(max_length=60, default="")
    agreed_at = models.DateTimeField(null=True)
    agreed_by = models.CharField(max_length=10, default="", blank=True)
    agreed_note = models.CharField(max_length=200, default="", blank=True)
    applied_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=WITH_REP)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="changes_change_state"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="changes_change_number"),
            models.UniqueConstraint(fields=["order"], condition=Q(state__in=OPEN), name="changes_change_once"),
        ]
        indexes = scoped_indexes("change", "created_at")

    def __str__(self) -> str:
        return self.number or self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Owner, unit and name are the order's, as is what it was before."""
        new = [r for r in records if r.pk is None]
        orders: dict[int, Order] = batch.read(Order, {r.order_id for r in new})
        for record in new:
            if order := orders.get(record.order_id):
                record.owner_id, record.name, record.base = order.owner_id, order.name, order.revision
                record.amount, record.was_required_on = order.amount, order.required_on
        problems = super().derive(records, batch)
        for record in new:
            if order := orders.get(record.order_id):
                record.unit_id = order.unit_id
        return problems


def places_of(orders: Iterable[Order]) -> dict[int, dict[str, str]]:
    """order -> where its goods go, opened."""
    found = list(orders)
    opened = open_columns(found, list(PLACE))
    return {o.pk: {name: texts[name] or "" for name in PLACE} for o, texts in zip(found, opened, strict=True)}


class ChangeLine(Line):
    """A line of the order as it was and as it is to be; order_line None: a new one; quantity 0: it goes."""

    parent = "change"

    change = models.ForeignKey(Change, models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, models.SET_NULL, null=True, related_name="+")
    product = models.ForeignKey(Product, models.PROTECT, null=True, related_name="+")
    item_name = models.CharField(max_length=120, default="", blank=True)
    spec = models.CharField(max_length=100, default="", blank=True)
    unit_name = models.CharField(max_length=20, default="", blank=True)
    was_quantity = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    quantity = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    was_price = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    price = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    was_promised_on = models.DateField(null=True)
    promised_on = models.DateField(null=True)

    @classmethod
    def derive(cls, rows: Any, batch: Any) -> dict[int, Any]:
        cls.fill(rows, batch.read)
        return {}

    @classmethod
    def fill(cls, rows: Sequence["ChangeLine"], read: Read) -> None:
        """What is not said stays as it is. read: gives records of a model by their ids."""
        lines: dict[int, OrderLine] = read(OrderLine, {r.order_line_id for r in rows if r.order_line_id})
        names: dict[int, Product] = read(Product, {r.product_id for r in rows if r.product_id})
        for row in rows:
            if line := lines.get(row.order_line_id or 0):
                row.product_id, row.item_name, row.spec = line.product_id, line.item_name, line.spec
                row.unit_name, row.was_quantity, row.was_price = line.unit_name, line.quantity, line.price
                row.was_promised_on = line.promised_on
                row.quantity = line.quantity if row.quantity is None else row.quantity
                row.price = line.price if row.price is None else row.price
                row.promised_on = row.promised_on or line.promised_on
            elif product := names.get(row.product_id or 0):
                row.item_name, row.spec = row.item_name or product.name, row.spec or product.spec
                row.unit_name = row.unit_name or product.unit_name

    @property
    def new(self) -> bool:
        return self.was_quantity is None


class _OfDepartment(OwnedRecord):
    """Something asked of a department because of a change; it belongs to who does its work for the order."""

    change = models.ForeignKey(Change, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100, default="")
    department = models.CharField(max_length=20)
    part = models.ForeignKey(Part, models.PROTECT, null=True, related_name="+")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.department} {self.name}"


class Assessment(_OfDepartment):
    """What a change would mean to a department: by when, what has been spent already (incl. tax), and anything else."""

    STATES: ClassVar[tuple[Choice, ...]] = ASSESSMENT_STATES
    LEFT_BEHIND = False

    possible_on = models.DateField(null=True)
    spent = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    note = models.CharField(max_length=200, default="", blank=True)
    answered_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=ASKED)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in ASSESSMENT_STATES]), name="changes_assessment_state"
            ),
            models.UniqueConstraint(fields=["change", "department"], name="changes_assessment_once"),
        ]
        indexes = scoped_indexes("assessment", "created_at")


class Knowing(_OfDepartment):
    """A department has to know that a version holds; revision: which."""

    STATES: ClassVar[tuple[Choice, ...]] = KNOWING_STATES
    LEFT_BEHIND = False

    revision = models.SmallIntegerField()
    known_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=WAITING)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in KNOWING_STATES]), name="changes_knowing_state"
            ),
            models.UniqueConstraint(fields=["change", "department"], name="changes_knowing_once"),
        ]
        indexes = scoped_indexes("knowing", "created_at")
