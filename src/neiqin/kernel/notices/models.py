"""What somebody is told, how it reaches him outside of this system, and what he wishes in that. All of it technical."""

from datetime import time
from typing import ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.people.models import Person, Unit

WAITING, SENT, GIVEN_UP = "waiting", "sent", "given_up"


class Notice(models.Model):
    """Something that one person is told. `key`: told once a person, however often it is asked for."""

    audited: ClassVar[bool] = False

    person = models.ForeignKey(Person, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    text = models.CharField(max_length=1000, default="")
    url = models.CharField(max_length=300, default="")
    urgent = models.BooleanField(default=False)
    model = models.CharField(max_length=80, default="")  # the record it is about
    record_id = models.BigIntegerField(null=True)
    run_id = models.BigIntegerField(null=True)
    key = models.CharField(max_length=160, null=True)
    digest = models.BooleanField(default=False)  # goes into the next mail that sums up
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)  # what it asks for has been done by somebody

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="notices_notice_once")]
        indexes = [
            models.Index(fields=["person", "-id"], name="notices_notice_of"),
            models.Index(fields=["person"], condition=Q(read_at=None), name="notices_notice_unread"),
            models.Index(fields=["person"], condition=Q(digest=True, read_at=None), name="notices_notice_digest"),
            models.Index(fields=["model", "record_id"], condition=Q(done_at=None), name="notices_notice_about"),
        ]


class Wishes(models.Model):
    """What a person wishes: kind -> mode where it is not the kind's own; the hours in which nothing is sent."""

    audited: ClassVar[bool] = False

    person = models.OneToOneField(Person, models.CASCADE, related_name="+")
    modes = models.JSONField(default=dict)
    quiet_from = models.TimeField(default=time(21))
    quiet_until = models.TimeField(default=time(8))


class Channel(models.Model):
    """A way out: mail, or the robot of a group chat. A robot's address is sealed: who knows it can write there.

    failures, rests_until, problem: after a failure the whole way rests, longer each time, so that a way that hangs
    costs one attempt and not one a message.
    """

    sealed: ClassVar = ("address", "secret")

    audited: ClassVar[bool] = False

    code = models.CharField(max_length=20, unique=True)  # "mail", "robot-7"
    form = models.CharField(max_length=10)
    name = models.CharField(max_length=60)
    address = models.BinaryField(default=b"")
    secret = models.BinaryField(default=b"")
    kinds = models.JSONField(default=list)  # what a robot says; nothing unless chosen
    unit = models.ForeignKey(Unit, models.CASCADE, null=True, related_name="+")  # only what people there are told
    on = models.BooleanField(default=True)
    failures = models.IntegerField(default=0)
    rests_until = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(form__in=["mail", "wecom", "dingtalk", "feishu"]), name="notices_form")
        ]


class Delivery(models.Model):
    """One message on its way: a notice to a person's mailbox or to a robot, or (slot set) the mail that sums up."""

    audited: ClassVar[bool] = False

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="+")
    notice = models.ForeignKey(Notice, models.CASCADE, null=True, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="+")
    slot = models.CharField(max_length=20, null=True)
    state = models.CharField(max_length=10, default=WAITING)
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    message = models.BigIntegerField(null=True)  # deliveries that left in one message have the same number
    error = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[WAITING, SENT, GIVEN_UP]), name="notices_delivery_state"),
            models.UniqueConstraint(fields=["person", "slot"], name="notices_delivery_slot"),
        ]
        indexes = [
            models.Index(fields=["channel", "next_at"], condition=Q(state=WAITING), name="notices_delivery_due"),
            models.Index(fields=["channel", "sent_at"], condition=Q(state=SENT), name="notices_delivery_sent"),
        ]
