"""录入体检: which warnings of a customer's own past were passed over, and how often."""

from typing import ClassVar

from django.db import models

from neiqin.modules.catalog.models import Product
from neiqin.modules.customers.models import Customer

QUANTITY, TWICE = "quantity", "twice"


class PassedOver(models.Model):
    """An order was saved although a warning stood there. product: null where it is about the whole order; after
    `advice.USELESS` times the warning is not given again."""

    audited: ClassVar[bool] = False

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+", db_index=False)
    product = models.ForeignKey(Product, models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=10)
    times = models.IntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "product", "kind"], name="habits_once", nulls_distinct=False),
        ]
