"""What opens personal columns, and what finds them.

Neither table may be captured by the audit: a copy of a key or of a blind index in the append-only history would outlive
the erasure of the person (docs/decisions/0005-personal-columns.md). The installer of the audit triggers passes over
models that say `audited = False`.
"""

from django.db import models
from django.db.models.functions import Now


class PersonalKey(models.Model):
    """The data key of one subject (one natural person), wrapped by the master key; empty once destroyed."""

    audited = False

    # A uuid, not the bigint of the row: values are encrypted before their row exists, keep their subject when contacts
    # are merged or moved, and have it bound into the ciphertext. Random, so it tells nothing about when or how many.
    subject = models.UUIDField(primary_key=True, editable=False)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="personal_key_present_or_destroyed",
                condition=models.Q(destroyed_at__isnull=True) ^ models.Q(wrapped=b""),
            )
        ]

    def __str__(self) -> str:
        return str(self.subject)


class BlindIndex(models.Model):
    """Finds the subject of a known value (whole, last four) without opening any: HMACs, deleted with the subject."""

    audited = False

    subject = models.UUIDField()
    purpose = models.CharField(max_length=60)
    # Purposes have keys of their own, so one column of hashes holds them all without meeting.
    digest = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "purpose"], name="personal_blindindex_once")]
        indexes = [models.Index(fields=["digest"], name="personal_blindindex_digest")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.subject}"
