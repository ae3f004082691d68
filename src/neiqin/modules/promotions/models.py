"""促销活动: a plan with dates, prices and a budget; what of the budget orders have used (C-LEAD-15, C-FLOW-02)."""

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Line
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.catalog.models import PriceList, Product
from neiqin.modules.orders.models import Order

DRAFT, RUNNING, STOPPED = "draft", "running", "stopped"
STATES = (
    Choice(DRAFT, "方案", "off", "0"), Choice(RUNNING, "已批准", "ok", "100"), Choice(STOPPED, "已停止", "off", "x"),
)  # fmt: skip
NUMBERS = Numbers("number", Pattern("CX", by_day=True))
MONEY = models.DecimalField(max_digits=18, decimal_places=2)


class PromotionManager(models.Manager["Promotion"]):
    def get_queryset(self) -> models.QuerySet["Promotion"]:
        spent = Use.objects.filter(promotion=OuterRef("pk")).order_by().values("promotion").annotate(s=Sum("amount"))
        used = Coalesce(Subquery(spent.values("s")), Value(Decimal(0)), output_field=MONEY)
        return super().get_queryset().annotate(used=used).annotate(left=F("budget") - F("used"))


class Promotion(OwnedRecord):
    """A plan and what became of it. budget: in yuan incl. tax, of what the prices give away against the standard
    price; price_list: what makes it hold on documents, made when it is approved; stop_note: why it was stopped."""

    STATES: ClassVar[tuple[Choice, ...]] = STATES

    number = models.CharField(max_length=20, default="")
    name = models.CharField(max_length=60)
    goal = models.TextField(default="", blank=True)
    from_on = models.DateField()
    until_on = models.DateField()
    level = models.CharField(max_length=10, default="", blank=True)
    region = models.CharField(max_length=20, default="", blank=True)
    channel = models.CharField(max_length=20, default="", blank=True)
    budget = models.DecimalField(max_digits=18, decimal_places=2)
    price_list = models.ForeignKey(PriceList, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    stop_note = models.CharField(max_length=200, default="", blank=True)
    state = models.CharField(max_length=10, default=DRAFT)

    objects = PromotionManager()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="promotions_state"),
            models.CheckConstraint(condition=Q(until_on__gte=F("from_on")), name="promotions_span"),
            models.CheckConstraint(condition=Q(budget__gt=0), name="promotions_budget"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="promotions_number"),
        ]
        indexes = [*scoped_indexes("promotion", "from_on", "until_on")]

    def __str__(self) -> str:
        return self.number or self.name

    @property
    def holds(self) -> bool:
        """Whether it gives prices today."""
        return self.state == RUNNING and self.from_on <= clock.today() <= self.until_on

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        problems = {
            p: Refusal(f"「最后一天」早于第一天 {r.from_on}，改其中一个。", "until_on")
            for p, r in enumerate(records) if r.until_on < r.from_on
        }  # fmt: skip
        return problems | super().derive(records, batch)


class Deal(Line):
    """What a product costs in the promotion: incl. tax, of one unit (empty: the base unit), from a quantity on."""

    parent = "promotion"

    promotion = models.ForeignKey(Promotion, models.CASCADE, related_name="deals")
    product = models.ForeignKey(Product, models.PROTECT, related_name="+")
    unit_name = models.CharField(max_length=20, default="", blank=True)
    min_quantity = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    price = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "product", "unit_name", "min_quantity"], name="promotions_deal_once"
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="promotions_deal_price"),
        ]


class Use(models.Model):
    """What a line of an order has used of a budget, or given back (below zero). Only ever added to: the budget used is
    their sum."""

    promotion = models.ForeignKey(Promotion, models.PROTECT, related_name="uses")
    order = models.ForeignKey(Order, models.PROTECT, related_name="+")
    line = models.BigIntegerField()  # of the order; it may be gone by now
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["order", "line"], name="promotions_use_line")]
