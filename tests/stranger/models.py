from typing import ClassVar

from django.db import models

from neiqin.kernel.actions.models import Line
from neiqin.kernel.fields.field import Field
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes


class Sample(OwnedRecord):
    """样品: what was lent to try out."""

    name = models.CharField(max_length=100)
    quantity = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    back_on = models.DateField(null=True)

    class Meta:
        indexes = scoped_indexes("stranger", "name")

    def __str__(self):
        return self.name


class Receipt(OwnedRecord):
    """到款: what a payer paid, for which orders, and at which price."""

    VIEW: ClassVar[str] = "stranger.view"

    name = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    amount = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta:
        indexes = scoped_indexes("receipt", "name")

    def __str__(self):
        return self.name


class Part(Line):
    """One order that is paid by it."""

    parent: ClassVar[str] = "receipt"

    receipt = models.ForeignKey(Receipt, models.CASCADE, related_name="parts")
    part = models.DecimalField(max_digits=18, decimal_places=2)


FIELDS = (
    Field("name", "样品名称", required=True, list=True, filter=True, role="name"),
    Field("quantity", "数量", "quantity", list=True, sortable=True),
    Field("back_on", "归还日期", "date", list=True, filter=True),
    Field("owner", "负责人", "person", ref="people.person", list=True, filter=True, role="who"),
)
