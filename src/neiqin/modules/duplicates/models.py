"""Which customer went into which, and which look as if they were one."""

from typing import ClassVar

from django.db import models

from neiqin.kernel.actions.models import Line
from neiqin.kernel.people.models import Person
from neiqin.modules.customers.models import Customer


class Merged(Line):
    """A customer that was merged into another. run: of the merge; undoing it deletes the row."""

    parent = "into"

    gone = models.OneToOneField(Customer, models.PROTECT, related_name="+")
    into = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    run = models.BigIntegerField(db_index=True)
    merged_at = models.DateTimeField()
    merged_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")


class Suspect(models.Model):
    """A customer in a group of those that share something; made anew every night. pair: what the group shares."""

    audited: ClassVar[bool] = False

    pair = models.BigIntegerField()
    why = models.CharField(max_length=10)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["pair"], name="duplicates_suspect_pair")]


class Looked(models.Model):
    """A day on which the search for duplicates is done, and how many groups there were."""

    audited: ClassVar[bool] = False

    day = models.DateField(primary_key=True)
    groups = models.IntegerField()
    done_at = models.DateTimeField()
