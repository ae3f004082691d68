"""Ask: something an outside contact may confirm or answer about a record; and its verbs: invite, revoke, answer.

Each verb is an action on the record, so lock, scope, right, timeline and log are those of any action. The answer is
performed by the system for the guest: the run's source is "guest", its parameters name guest and invitation.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import Action, action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.guests.models import ANSWERED, OPEN, Door, Guest, Invitation
from neiqin.kernel.notices.tell import MAIL, Kind, tell
from neiqin.kernel.personal.columns import open_columns, seal_columns
from neiqin.kernel.personal.keys import Erased, blind
from neiqin.kernel.resources.resource import Resource, site

INVITE = "guests.invite"
NOBODY = "guests.answer"  # in no manifest: only the system has it
REPLIED = Kind("guests.replied", "客户回复", MAIL)
ASKS: dict[str, "Ask"] = {}
MOST_DAYS = 90
CHANGED = "这件事刚有变化，没有记下您的回复。"


@dataclass(frozen=True)
class Contact:
    """Somebody who may be asked: kind and id of the contact's row, the key of its personal columns, its name."""

    kind: str
    record_id: int
    subject: UUID
    name: str

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.record_id}"


@dataclass(frozen=True)
class Answer:
    """A choice. text: "" (none), "optional" or "required"."""

    value: str
    label: str
    text: str = ""


@dataclass(frozen=True)
class Shown:
    """All that a guest sees of a record: a title, facts, and rows under a head. closed: why it can no longer be
    answered, in a sentence, "" while it can."""

    title: str
    facts: Sequence[tuple[str, str]] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    closed: str = ""


@dataclass(frozen=True)
class Given:
    """What the guest answered; text may be personal and must not go into events."""

    choice: str
    text: str
    guest: int
    invitation: int


@dataclass(frozen=True, eq=False)
class Ask:
    """Plugged in by the manifest (`plugs=[Ask(…)]`).

    contacts: record -> who may be asked (whoever is no longer among them loses the access); show: record -> what they
    see; done: what the answer does to the record (batch of one, Given), or None; states: in which it may be answered;
    not_yet: record -> why nobody is asked now, in a sentence, "" where somebody may be.
    """

    name: str
    label: str
    model: Any
    contacts: Callable[[Any], Sequence[Contact]]
    show: Callable[[Any], Shown]
    answers: tuple[Answer, ...]
    done: Callable[[Batch[Any], Given], None] | None = None
    states: tuple[str, ...] = ()
    not_yet: Callable[[Any], str] = lambda record: ""
    verbs: dict[str, Action] = field(default_factory=dict)

    def plug(self) -> None:
        if self.name in ASKS:
            raise ValueError(f"ask {self.name} is declared twice")
        ASKS[self.name] = self
        short = self.name.replace(".", "_")
        for body, verb, label, may, states in (
            (invite, "invite", f"请客户{self.label}", INVITE, ()),
            (revoke, "revoke", f"收回客户{self.label}的链接", INVITE, ()),
            (answer, "answer", f"客户回复「{self.label}」", NOBODY, self.states),
        ):
            bound = _bound(body, self, f"{verb}_{short}")
            declare = action(
                self.model, label, may=may, event=f"{short}_{verb}", from_=states, shape=SHAPES[verb],
                button=False, bulk=False, icon="user-check",
            )  # fmt: skip
            self.verbs[verb] = declare(bound)

    def answer(self, value: str) -> Answer:
        """The choice of this value; one that is no longer offered stands as it is."""
        return next((a for a in self.answers if a.value == value), Answer(value, value))

    @property
    def resource(self) -> Resource:
        return site().resources[self.model._meta.label_lower]


def _bound(body: Callable[..., None], ask: Ask, name: str) -> Callable[..., None]:
    made = partial(body, ask)
    made.__name__ = name  # type: ignore[attr-defined]
    return made


def asks_of(model: str) -> list[Ask]:
    """What can be asked about records of a kind."""
    site()
    return [a for a in ASKS.values() if a.model._meta.label_lower == model]


def token_hash(token: str) -> bytes:
    """What is stored of a token (192 random bits, so a plain digest is enough)."""
    return hashlib.sha256(token.encode()).digest()


def code_hash(token: bytes, code: str) -> bytes:
    """What is stored of a code: keyed by the master key, since six digits could be tried out."""
    return blind(f"{token.hex()}/{code}", "guests.code")


def same(one: bytes, other: bytes) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(bytes(one), bytes(other))


def masked(name: str) -> str:
    """A name in a timeline: 潘工 -> 潘*."""
    return name[:1] + "*" if name else "客户"


TOKEN = Field("token", "链接", required=True, personal=True, maxlength=64)
CODE = Field("code", "验证码", default="", personal=True, maxlength=64)
WHO = Field("contact", "联系人", required=True, maxlength=120)
DAYS = Field("days", "几天内有效", "number", default=7, min=1, max=MOST_DAYS)
WHICH = Field("invitation", "邀请", "number", required=True, min=1, max=2**63 - 1)
CHOICE = Field("choice", "回复", required=True, maxlength=40)
GUEST = Field("guest", "外部联系人", "number", required=True, min=1, max=2**63 - 1)
TEXT = Field("text", "说明", "long", default="", personal=True, maxlength=1000)
SHAPES = {
    "invite": Shape((WHO, DAYS, TOKEN, CODE)),
    "revoke": Shape((WHICH,)),
    "answer": Shape((WHICH, GUEST, CHOICE, TEXT)),
}


def invite(ask: Ask, batch: Batch[Any], *, contact: str, days: int | None = 7, token: str, code: str = "") -> None:
    """Ask a contact. token, code: hexadecimal hashes, the plain ones are nobody's but the guest's. A question to the
    same contact about the same that is still open is revoked: its link is dead."""
    for record in list(batch.records):
        if words := ask.not_yet(record):
            batch.refuse({record.pk: words})
            continue
        who = next((c for c in ask.contacts(record) if c.key == contact), None)
        if who is None:
            batch.refuse({record.pk: Refusal("这个联系人不在了，选一位现在的。", "contact")})
            continue
        try:
            guest = _guest(who, batch.now)
        except Erased:
            batch.refuse({record.pk: Refusal("这个联系人的个人信息已抹去，不能再发。", "contact")})
            continue
        mine = Invitation.objects.filter(guest=guest, ask=ask.name, record_id=record.pk)
        mine.filter(answered_at=None, revoked_at=None).update(revoked_at=batch.now)
        made = Invitation.objects.create(
            guest=guest, subject=guest.subject, ask=ask.name, model=type(record)._meta.label_lower,
            record_id=record.pk, token_hash=bytes.fromhex(token), code_hash=bytes.fromhex(code),
            invited_by=batch.by.id, created_at=batch.now, expires_at=batch.now + timedelta(days=days or 7),
        )  # fmt: skip
        Door.objects.create(invitation=made)
        _say(batch, record.pk, made, f"请客户{masked(who.name)}{ask.label}")


def _guest(who: Contact, now: Any) -> Guest:
    """The one identity of this contact, made at its first question. Raises Erased."""
    guest = Guest.objects.filter(kind=who.kind, record_id=who.record_id).first()
    guest = guest or Guest(kind=who.kind, record_id=who.record_id, created_at=now)
    known = guest.pk and guest.subject == who.subject and open_columns([guest], ["name"])[0]["name"] == who.name[:40]
    if not known:
        guest.subject = who.subject
        seal_columns([guest], [{"name": who.name[:40]}])
        guest.save()
    return guest


def revoke(ask: Ask, batch: Batch[Any], *, invitation: int) -> None:
    """The link is dead from now on."""
    for record in batch.records:
        row = _lock(ask, record, invitation)
        if row is None or row.state_at(batch.now) != OPEN:
            batch.refuse({record.pk: "客户已经回复，或链接已经失效，不用收回。"})
            continue
        row.revoked_at = batch.now
        row.save(update_fields=["revoked_at"])
        _say(batch, record.pk, row, f"收回客户{ask.label}的链接")


def answer(ask: Ask, batch: Batch[Any], *, invitation: int, guest: int, choice: str, text: str = "") -> None:
    """Take down what the guest answered, once; do what follows; tell who asked and the owner."""
    for record in list(batch.records):
        row = _lock(ask, record, invitation)
        offered = choice in [a.value for a in ask.answers]
        if row is None or row.guest_id != guest or not offered or row.state_at(batch.now) not in (OPEN, ANSWERED):
            batch.refuse({record.pk: CHANGED})
            continue
        if row.answered_at is not None:
            batch.leave([record.pk])
            continue
        row.answered_at, row.choice = batch.now, choice
        seal_columns([row], [{"text": text}])
        row.save(update_fields=["answered_at", "choice", "text"])
        said = ask.answer(choice).label
        if ask.done is not None:
            ask.done(batch, Given(choice, text, guest, invitation))
        _say(batch, record.pk, row, f"客户回复「{ask.label}」：{said}", changes=ask.done is not None)
        tell(
            [getattr(record, "owner_id", None), row.invited_by],
            f"{ask.label}：{getattr(record, ask.resource.number or ask.resource.title)}，客户回复「{said}」",
            "带说明，打开看。" if text else "", url=ask.resource.url_of(record.pk), kind=REPLIED.name,
            key=f"guest-{row.pk}", about=(row.model, record.pk), run=batch.run,
        )  # fmt: skip


def _lock(ask: Ask, record: Any, invitation: int) -> Invitation | None:
    rows = Invitation.objects.select_for_update().filter(ask=ask.name, record_id=record.pk)
    return rows.filter(pk=invitation).first()


def _say(batch: Batch[Any], record: int, row: Invitation, words: str, *, changes: bool = False) -> None:
    if not changes:
        batch.unchanged_but_told()
    batch.tell({record: {"words": words, "guest": row.guest_id, "invitation": row.pk, "choice": row.choice}})
