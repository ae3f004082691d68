"""Outside contacts, what they were asked, and how often somebody knocked."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.personal.columns import PersonalText, subject_field

OPEN, ANSWERED, REVOKED, EXPIRED = "open", "answered", "revoked", "expired"


class Guest(models.Model):
    """One outside contact, for all that it is asked. kind and record_id: the contact's own row in its module;
    subject: the key of that row, so that erasing the person erases name and answers here too."""

    audited: ClassVar[bool] = True

    subject = subject_field()
    kind = models.CharField(max_length=80)
    record_id = models.BigIntegerField()
    name = PersonalText(40, "guest.name")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "record_id"], name="guests_guest_once")]


class Invitation(models.Model):
    """One question to one guest about one record. Only hashes of token and code are kept: the link is shown once."""

    audited: ClassVar[bool] = True

    guest = models.ForeignKey(Guest, models.PROTECT, related_name="invitations")
    subject = subject_field()
    ask = models.CharField(max_length=80)
    model = models.CharField(max_length=80)
    record_id = models.BigIntegerField()
    token_hash = models.BinaryField(unique=True)
    code_hash = models.BinaryField(default=b"")
    invited_by = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    choice = models.CharField(max_length=40, default="")
    text = PersonalText(1000, "guest.answer")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None, choice="") | (Q(answered_at__isnull=False) & ~Q(choice="")),
                name="guests_invitation_answer",
            )
        ]
        indexes = [
            models.Index(fields=["model", "record_id"], name="guests_invitation_of"),
            models.Index(fields=["invited_by", "-id"], name="guests_invitation_by"),
        ]

    def state_at(self, moment: datetime) -> str:
        """open, answered, revoked or expired."""
        if self.answered_at is not None:
            return ANSWERED
        return REVOKED if self.revoked_at is not None else OPEN if moment < self.expires_at else EXPIRED


class Door(models.Model):
    """Wrong codes at one invitation, and when it was first opened."""

    audited: ClassVar[bool] = False

    invitation = models.OneToOneField(Invitation, models.CASCADE, related_name="door")
    tries = models.IntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)


class Knock(models.Model):
    """How often an address came in one span of time."""

    audited: ClassVar[bool] = False

    key = models.CharField(max_length=80)
    span = models.BigIntegerField()
    count = models.IntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "span"], name="guests_knock_once")]
        indexes = [models.Index(fields=["span"], name="guests_knock_span")]
