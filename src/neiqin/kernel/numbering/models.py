"""Where each number series stands."""

from django.db import models


class Series(models.Model):
    """One row per code, our own legal entity (我方主体) and period; `next` is the number that will be given next."""

    audited = True

    code = models.CharField(max_length=24)
    entity_id = models.IntegerField(default=1)
    period = models.CharField(max_length=8, default="", blank=True)
    next = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "entity_id", "period"], name="numbering_series_once"),
            models.CheckConstraint(name="numbering_series_counts_up", condition=models.Q(next__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.code}{self.period}: {self.next}"
