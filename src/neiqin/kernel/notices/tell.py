"""tell: put something into people's inboxes, and on its way to mailboxes and robots, in the caller's transaction.

Nothing is sent here: deliveries are rows, and a job takes them out after commit (sending.py). Texts hold what is to be
decided (number, customer, amount, until when), never a phone number or other personal values.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from neiqin.kernel import clock
from neiqin.kernel.fields.formats import clean_text
from neiqin.kernel.jobs.queue import defer
from neiqin.kernel.notices import times
from neiqin.kernel.notices.models import Channel, Delivery, Notice, Wishes
from neiqin.kernel.people.actors import units_below
from neiqin.kernel.people.models import Login, Person
from neiqin.kernel.resources.resource import site

INBOX, MAIL, DIGEST = "inbox", "mail", "digest"
MODES = ((INBOX, "只在消息里"), (MAIL, "马上发邮件"), (DIGEST, "攒着，每天两封"))
JOB = "notices.send"
KINDS: dict[str, "Kind"] = {}


@dataclass(frozen=True)
class Kind:
    """A kind of notice, plugged in by the manifest of whoever tells it. mode: how it goes out unless one wishes."""

    name: str
    label: str
    mode: str = DIGEST

    def plug(self) -> None:
        if self.name in KINDS:
            raise ValueError(f"kind of notice {self.name} is declared twice")
        KINDS[self.name] = self


@dataclass(frozen=True)
class News:
    """What one person is told. url: an address inside this system; key: the same key is told to a person once."""

    person: int
    title: str
    text: str = ""
    url: str = ""
    kind: str = "general"
    urgent: bool = False
    key: str = ""
    about: tuple[str, int] | None = None
    run: int | None = None


def kinds() -> dict[str, Kind]:
    """Name -> kind, of all manifests."""
    site()
    return KINDS


def tell(persons: Iterable[int | None], title: str, text: str = "", **more: Any) -> int:
    """Tell all these persons the same (more: as in News); gives how many were told and had not been before."""
    return tell_each([News(person, title, text, **more) for person in dict.fromkeys(persons) if person])


def tell_each(news: Sequence[News]) -> int:
    """Tell each his own, in a few statements however many there are. Who has left is not told.

    Raises KeyError for a kind that no manifest brings, ValueError for an address that leads out of this system.
    """
    if not news:
        return 0
    known = kinds()
    for one in news:
        if one.kind not in known:
            raise KeyError(one.kind)
        if one.url and (not one.url.startswith("/") or one.url.startswith(("//", "/\\"))):
            raise ValueError(f"{one.url} is no address of this system")
    here = dict(Person.objects.filter(pk__in={n.person for n in news}, left_on=None).values_list("pk", "unit_id"))
    news = [n for n in news if n.person in here]
    if not news:
        return 0
    wishes = {w.person_id: w for w in Wishes.objects.filter(person_id__in=here)}
    modes = [_mode(n, wishes.get(n.person)) for n in news]
    told = _insert(news, [m == DIGEST for m in modes])
    mode_of = {(n.person, n.kind, n.urgent): m for n, m in zip(news, modes, strict=True)}
    _send_out(told, mode_of, wishes, here)
    return len(told)


_DONE = """
UPDATE notices_notice SET done_at = %(now)s, read_at = coalesce(read_at, %(now)s)
WHERE model = %(model)s AND record_id = ANY(%(ids)s) AND done_at IS NULL AND (%(kind)s = '' OR kind = %(kind)s)
"""


def done(model: str, records: Iterable[int], *, kind: str = "") -> int:
    """What notices (of a kind) about these records ask for has been done: nobody has them unread any more."""
    with connection.cursor() as cursor:
        cursor.execute(_DONE, {"now": clock.now(), "model": model, "ids": list(records), "kind": kind})
        return cursor.rowcount


def unread(person: Any) -> int:
    """How many notices a person has not read; 100 for 100 and more."""
    return len(Notice.objects.filter(person_id=person.id, read_at=None).values_list("pk")[:100])


def _mode(news: News, wishes: Wishes | None) -> str:
    mode = (wishes.modes if wishes else {}).get(news.kind, KINDS[news.kind].mode)
    return MAIL if news.urgent and mode == DIGEST else mode


_INSERT = """
INSERT INTO notices_notice
(person_id, kind, title, text, url, urgent, model, record_id, run_id, key, digest, created_at)
SELECT n.*, %s FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::text[],
%s::bigint[], %s::bigint[], %s::text[], %s::bool[]) AS n
ON CONFLICT (person_id, key) DO NOTHING RETURNING *
"""


def _insert(news: Sequence[News], digest: Sequence[bool]) -> list[Notice]:
    """The notices that are new, in the order given."""
    rows = [
        (
            n.person, n.kind, _cut(n.title, 200), _cut(n.text, 1000), n.url[:300], n.urgent,
            n.about[0] if n.about else "", n.about[1] if n.about else None, n.run, n.key[:160] or None, d,
        )
        for n, d in zip(news, digest, strict=True)
    ]  # fmt: skip
    return list(Notice.objects.raw(_INSERT, [clock.now(), *(list(column) for column in zip(*rows, strict=True))]))


def _cut(text: str, most: int) -> str:
    text = clean_text(text.replace("\0", ""))
    return text if len(text) <= most else text[: most - 1] + "…"


def _send_out(told: Sequence[Notice], modes: Mapping[Any, str], wishes: Mapping[int, Wishes], units: Any) -> None:
    """Deliveries of what goes out at once, and the jobs that take them out."""
    now = clock.now()
    channels = list(Channel.objects.filter(on=True))
    mail = next((c for c in channels if c.form == "mail" and settings.EMAIL_HOST), None)
    below = units_below() if any(c.unit_id for c in channels) else {}
    at_once = [n for n in told if modes[n.person_id, n.kind, n.urgent] == MAIL] if mail else []
    logins = Login.objects.filter(person_id__in={n.person_id for n in at_once}, is_active=True).exclude(email="")
    reachable = set(logins.values_list("person_id", flat=True)) if at_once else set()
    made = [
        Delivery(channel=mail, notice=n, person_id=n.person_id, next_at=_when(n, wishes, now))
        for n in at_once
        if n.person_id in reachable
    ]
    for robot in (c for c in channels if c.form != "mail"):
        there = below.get(robot.unit_id or 0)
        heard = [n for n in told if n.kind in robot.kinds and (there is None or units[n.person_id] in there)]
        once = {(n.title, n.text, n.key): n for n in heard}  # a group hears it once, however many are told
        made += [Delivery(channel=robot, notice=n, next_at=_when(n, {}, now)) for n in once.values()]
    Delivery.objects.bulk_create(made)
    for code in sorted({d.channel.code for d in made if d.next_at <= now}):
        ask(code)


def ask(code: str) -> None:
    """Have a channel's due deliveries taken out once the caller's transaction is committed.

    Not inside it: jobs of one key wait for each other, so all who tell would stand in one line until each commits. If
    the process dies in between, the next minute asks (sending.every_minute).
    """
    transaction.on_commit(partial(begin, code), robust=True)


def begin(code: str) -> None:
    """Ask for the channel's job now; while one waits, a second is not made."""
    defer(JOB, key=code, lock=f"notices-{code}", code=code)


def _when(notice: Notice, wishes: Mapping[int, Wishes], now: datetime) -> datetime:
    theirs = wishes.get(notice.person_id) or Wishes()
    return now if notice.urgent else times.next_loud(now, theirs.quiet_from, theirs.quiet_until)


def grouped(rows: Iterable[Notice]) -> dict[Any, list[Notice]]:
    """Notices by the company's day, in the order given."""
    found: dict[Any, list[Notice]] = defaultdict(list)
    for row in rows:
        found[clock.local(row.created_at).date()].append(row)
    return found
