"""Legal entities (我方主体) with their bank accounts; which steps of the first day are behind us."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.people.models import Named


class Entity(Named):
    """One of our own companies: the party of contracts, invoices and receipts."""

    VIEW: ClassVar[str] = "company.view"

    short_name = models.CharField(max_length=40, default="")
    uscc = models.CharField(max_length=20)
    taxpayer = models.CharField(max_length=10, default="general")
    legal_person = models.CharField(max_length=40, default="")
    address = models.CharField(max_length=200, default="")
    phone = models.CharField(max_length=30, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uscc"], name="company_entity_uscc"),
            models.CheckConstraint(condition=Q(taxpayer__in=["general", "small"]), name="company_entity_taxpayer"),
        ]


class Account(Line):
    """A bank account of an entity. A company's account number is printed on every statement: it is no secret."""

    parent = "entity"

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="accounts")
    bank_name = models.CharField(max_length=100)
    number = models.CharField(max_length=32)
    purpose = models.CharField(max_length=40, default="")


class Step(models.Model):
    """A step of the first day that somebody has closed: done, or left for later."""

    audited: ClassVar[bool] = False

    code = models.CharField(max_length=20, unique=True)
    done = models.BooleanField()
    at = models.DateTimeField()
