"""Taking deliveries out: one job a channel, never in a request or a transaction, with short timeouts and long rests.

A message may go out twice when its process is killed between sending and noting it; it is never lost.
"""

import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection
from django.db.models import Q
from django.template.loader import render_to_string

from neiqin.kernel import clock
from neiqin.kernel.jobs.queue import job
from neiqin.kernel.notices import robots, times
from neiqin.kernel.notices.models import GIVEN_UP, SENT, WAITING, Channel, Delivery, Notice, Wishes
from neiqin.kernel.notices.robots import Refused
from neiqin.kernel.notices.tell import JOB, ask, begin
from neiqin.kernel.people.company import company_name
from neiqin.kernel.people.models import Login
from neiqin.kernel.personal.blobs import open_blob

MOST = 50  # deliveries of one job; the rest in the next one, so that other jobs have their turn
ATTEMPTS = 8
FIRST_REST, LONGEST_REST = timedelta(minutes=1), timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MOST_IN_MAIL = 100
NEVER = 500  # an SMTP answer from here on is for good; below it one may try again
KEPT = timedelta(days=180)


class Way(Protocol):
    """How one form of channel works."""

    def send(self, channel: Channel, deliveries: Sequence[Delivery]) -> bool:
        """Send what may go now and note it with `sent` or `_failed`; gives whether more may follow at once.

        Raises Refused when the whole way is stuck."""


@job(JOB, attempts=1)
def send(code: str) -> None:
    """Take out what is due on one channel, unless the channel rests. Repeatable."""
    now = clock.now()
    channel = Channel.objects.filter(code=code, on=True).first()
    if channel is None or (channel.rests_until and channel.rests_until > now):
        return
    due = Delivery.objects.filter(channel=channel, state=WAITING, next_at__lte=now).order_by("next_at", "id")
    rows = list(due.select_related("notice")[:MOST])
    if not rows:
        return
    way: Way = Mail() if channel.form == "mail" else Robot()
    try:
        more = way.send(channel, rows)
    except Refused as problem:
        _rest(channel, rows, str(problem))
        return
    Channel.objects.filter(pk=channel.pk).update(failures=0, rests_until=None, problem="")
    if more and len(rows) == MOST:
        ask(code)


def mail_works() -> bool:
    """Has the installation a mail server (NEIQIN_SMTP_URL)?"""
    return bool(settings.EMAIL_HOST)


def sent(rows: Sequence[Delivery]) -> None:
    """These have left, in one message."""
    Delivery.objects.filter(pk__in=[r.pk for r in rows]).update(
        state=SENT, sent_at=clock.now(), message=rows[0].pk, error=""
    )


def _failed(row: Delivery, problem: str, *, final: bool = False) -> None:
    attempts = row.attempts + 1
    state = GIVEN_UP if final or attempts >= ATTEMPTS else WAITING
    Delivery.objects.filter(pk=row.pk).update(
        attempts=attempts, state=state, error=problem[:300], next_at=clock.now() + _pause(attempts)
    )


def _pause(failures: int) -> timedelta:
    return min(LONGEST_REST, FIRST_REST * 2 ** (min(failures, 10) - 1))


def _rest(channel: Channel, rows: Sequence[Delivery], problem: str) -> None:
    """The whole way rests; only the message it stumbled over counts the attempt."""
    left = set(Delivery.objects.filter(pk__in=[r.pk for r in rows], state=WAITING).values_list("pk", flat=True))
    if stumbled := next((r for r in rows if r.pk in left), None):
        _failed(stumbled, problem)
    until = clock.now() + _pause(channel.failures + 1)
    Channel.objects.filter(pk=channel.pk).update(
        failures=channel.failures + 1, rests_until=until, problem=problem[:300]
    )


class Mail:
    """Mails of notices at once, and those that sum up. One connection for all of them."""

    def send(self, channel: Channel, deliveries: Sequence[Delivery]) -> bool:
        people = {d.person_id for d in deliveries if d.person_id}
        logins = Login.objects.filter(person_id__in=people, is_active=True).exclude(email="")
        addresses = dict(logins.values_list("person_id", "email"))
        try:
            with get_connection() as out:
                for row in deliveries:
                    self._one(out, row, addresses.get(row.person_id or 0, ""))
        except (OSError, smtplib.SMTPException) as error:
            raise Refused(f"邮件服务器连不上或不收：{type(error).__name__} {error}") from None
        return True

    def _one(self, out: Any, row: Delivery, address: str) -> None:
        notices = self._notices(row)
        if not notices:
            sent([row])  # read meanwhile
            return
        if not address:
            _failed(row, "没有邮箱地址。", final=True)
            return
        message = letter(notices, address, row)
        message.connection = out
        try:
            message.send()
        except smtplib.SMTPRecipientsRefused as error:
            for_good = all(code >= NEVER for code, _ in error.recipients.values())
            _failed(row, "对方邮箱不收。", final=for_good)
            return
        sent([row])
        if row.slot:
            Notice.objects.filter(pk__in=[n.pk for n in notices]).update(digest=False)

    def _notices(self, row: Delivery) -> list[Notice]:
        if row.notice is not None:
            return [row.notice] if row.notice.read_at is None else []
        return list(Notice.objects.filter(person_id=row.person_id or 0, digest=True, read_at=None).order_by("-id"))


def letter(notices: Sequence[Notice], address: str, row: Delivery) -> EmailMultiAlternatives:
    """The mail about these notices, plain and HTML."""
    title = notices[0].title if row.slot is None else f"{len(notices)} 条消息没看"
    shown = [(n, f"{settings.PUBLIC_URL}/notices/{n.pk}/" if settings.PUBLIC_URL else "") for n in notices]
    about = {
        "title": title, "company": company_name(), "notices": shown[:MOST_IN_MAIL],
        "more": max(0, len(notices) - MOST_IN_MAIL), "home": settings.PUBLIC_URL,
    }  # fmt: skip
    mail = EmailMultiAlternatives(
        f"【{company_name()}】{title}", render_to_string("notices_mail.txt", about), to=[address],
        headers={"Message-ID": f"<notice-{row.pk}@{_domain()}>", "Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    mail.attach_alternative(render_to_string("notices_mail.html", about), "text/html")
    return mail


def _domain() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ") or "localhost"


class Robot:
    """Messages of a group's robot: at most 20 a minute, the rest in one that sums up."""

    def send(self, channel: Channel, deliveries: Sequence[Delivery]) -> bool:
        allowed = robots.A_MINUTE - self._lately(channel)
        if allowed < 1:
            return False
        rows = [d for d in deliveries if d.notice is not None]
        singly = rows if len(rows) <= allowed else rows[: allowed - 1]
        for row in singly:
            self._say(channel, [row])
        if rest := rows[len(singly) :]:
            self._say(channel, rest)
        return False

    def _lately(self, channel: Channel) -> int:
        lately = Delivery.objects.filter(channel=channel, state=SENT, sent_at__gt=clock.now() - MINUTE)
        return lately.values("message").distinct().count()

    def _say(self, channel: Channel, rows: Sequence[Delivery]) -> None:
        notices = [r.notice for r in rows if r.notice is not None]
        titles = [f"【紧急】{n.title}" if n.urgent else n.title for n in notices]
        if len(rows) > 1:
            lines = [f"还有 {len(rows)} 条消息：", *(f"· {title}" for title in titles)]
        else:
            link = f"{settings.PUBLIC_URL}{notices[0].url}" if settings.PUBLIC_URL and notices[0].url else ""
            lines = [titles[0], notices[0].text, link]
        speak(channel, "\n".join(filter(None, lines)))
        sent(rows)


def speak(channel: Channel, text: str) -> None:
    """Say a text through a robot. Raises Refused."""
    secret = open_blob(bytes(channel.secret)).decode() if channel.secret else ""
    robots.say(channel.form, open_blob(bytes(channel.address)).decode(), secret, text)


_SUM_UP = """
INSERT INTO notices_delivery (channel_id, person_id, slot, state, attempts, next_at, error)
SELECT %s, p.person_id, %s, 'waiting', 0, p.next_at, ''
FROM unnest(%s::bigint[], %s::timestamptz[]) AS p(person_id, next_at)
ON CONFLICT (person_id, slot) DO NOTHING
"""


def every_minute() -> None:
    """Ask for what has come due meanwhile; at 8:30 and 17:30 of working days make the mails that sum up."""
    now = clock.now()
    if settings.EMAIL_HOST and (slot := times.last_slot(now)):
        _sum_up(slot, now)
    due = Delivery.objects.filter(state=WAITING, next_at__lte=now, channel__on=True)
    for code in due.exclude(channel__rests_until__gt=now).values_list("channel__code", flat=True).distinct():
        begin(code)


def _sum_up(slot: datetime, now: datetime) -> None:
    name = f"{clock.local(slot):%Y-%m-%d %H:%M}"
    waiting = Notice.objects.filter(digest=True, read_at=None, created_at__lte=slot)
    done = Delivery.objects.filter(slot=name).values("person_id")
    people = list(waiting.exclude(person_id__in=done).values_list("person_id", flat=True).distinct())
    people = list(Login.objects.filter(person_id__in=people).exclude(email="").values_list("person_id", flat=True))
    mail = Channel.objects.filter(code="mail", on=True).first()
    if not people or mail is None:
        return
    wishes = {w.person_id: w for w in Wishes.objects.filter(person_id__in=people)}
    theirs = [wishes.get(p) or Wishes() for p in people]
    moments = [times.next_loud(now, w.quiet_from, w.quiet_until) for w in theirs]
    with connection.cursor() as cursor:
        cursor.execute(_SUM_UP, [mail.pk, name, people, moments])


def tidy() -> None:
    """Notices half a year old are thrown away, with their deliveries. Repeatable."""
    old = Notice.objects.filter(created_at__lt=clock.now() - KEPT).values_list("pk", flat=True)[:5000]
    Notice.objects.filter(pk__in=list(old)).delete()
    Delivery.objects.filter(notice=None, next_at__lt=clock.now() - KEPT).delete()


def try_again(channel: Channel) -> int:
    """What waits or was given up goes out again at once; gives how many."""
    Channel.objects.filter(pk=channel.pk).update(failures=0, rests_until=None)
    failed = Delivery.objects.filter(Q(state=GIVEN_UP) | Q(state=WAITING, attempts__gt=0), channel=channel)
    count = failed.update(state=WAITING, attempts=0, next_at=clock.now())
    ask(channel.code)
    return count
