"""Clauses of the regulations: shipped with the system, in words that the company may change."""

from django.db import models

from neiqin.kernel.actions.models import Record


class Clause(Record):
    """One rule of the regulations. text: what holds here; original: as it was shipped, where the company has rewritten
    it; position: its place in the book."""

    code = models.CharField(max_length=20, unique=True)
    position = models.IntegerField(db_index=True)
    chapter = models.CharField(max_length=10)
    name = models.CharField(max_length=100)
    text = models.CharField(max_length=600)
    original = models.CharField(max_length=600, default="")
    kind = models.CharField(max_length=10)
    sources = models.CharField(max_length=200)
    state = models.CharField(max_length=10)
    reason = models.CharField(max_length=300, default="")

    @classmethod
    def view_permission(cls) -> str:
        """Nobody is bound by rules he may not read: everybody who can sign in sees them."""
        return ""

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
