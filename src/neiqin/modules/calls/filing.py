"""Bringing call records in: a call taken down by hand gets its times from them, the others become calls, and what a
file has brought before is not brought again (C-OFF-10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import insert
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.columns import open_columns
from neiqin.modules.calls import calling, fields
from neiqin.modules.calls.models import NUMBERS, Call, Extension
from neiqin.modules.calls.records import Record, read_records

APART = timedelta(minutes=10)  # between the ring and when a person says it was
CHUNK = 500
EXTENSION, KEY = Field("extension", "分机", "code"), Field("source_key", "话单", "code")
ROW = Shape((*fields.CALL, EXTENSION, KEY))
TIMES = Shape((
    fields.rang_at, fields.answered_at, fields.ended_at, fields.missed, fields.answerer, EXTENSION, KEY,
))  # fmt: skip


@dataclass
class Filed:
    """What became of a file: calls made, calls by hand that got their times, known already, between extensions;
    strange: extensions that nobody is named for."""

    made: int = 0
    filled: int = 0
    repeated: int = 0
    inside: int = 0
    problems: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


@action(Call, "导入话单", may=calling.CREATE, event="filed", creates=True, shape=ROW, numbers=NUMBERS, button=False,
        bulk=False, icon="file-import")  # fmt: skip
def take_in(batch: NewBatch[Call]) -> None:
    """Calls as the telephone system has them. Each belongs to whom it rang at."""
    insert(batch, Call, ROW, NUMBERS)
    calling.made(batch)


@action(Call, "话单补时间", may=calling.DO, event="times_filled", each=True, shape=TIMES, button=False, bulk=False,
        icon="clock")  # fmt: skip
def fill(calls: Batch[Call]) -> None:
    """When it rang and was answered, of calls that were taken down by hand. Who took it stays as a person wrote it."""
    for call in calls:
        row = calls.rows[call.pk]
        call.rang_at, call.ended_at, call.extension = row["rang_at"], row["ended_at"], row["extension"]
        call.answered_at, call.missed = row["answered_at"], row["missed"]
        call.source_key, call.answerer_id = row["source_key"], call.answerer_id or row["answerer"]
        call.measure()
    for name in ("rang_at", "answered_at", "ended_at", "missed", "ring_seconds", "talk_seconds", "extension",
                 "source_key", "answerer_id"):  # fmt: skip
        calls.set_each(name, {c.pk: getattr(c, name) for c in calls})


def take(content: bytes, name: str, by: Any) -> Filed:
    """Bring a file in. Raises Unreadable for one that is none of call records. Killed in between, the same file goes
    on where it was."""
    reading = read_records(content, name)
    done = Filed(inside=reading.inside, problems=reading.problems)
    for start in range(0, len(reading.records), CHUNK):
        _chunk(reading.records[start : start + CHUNK], by, done)
    return done


@transaction.atomic
def _chunk(records: Sequence[Record], by: Any, done: Filed) -> None:
    """Two who bring the same file at once come one after the other, so that the second finds what the first brought."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('calls.records', 0))")
    there = set(Call.objects.filter(source_key__in=[r.key for r in records]).values_list("source_key", flat=True))
    fresh = [r for r in records if r.key not in there]
    done.repeated += len(records) - len(fresh)
    people = _people(fresh)
    done.strange += sorted({r.extension for r in fresh if r.extension and not people[r.key]} - set(done.strange))
    pairs = _by_hand(fresh)
    rows = {r.key: _row(r, people[r.key]) for r in fresh}
    if pairs:
        ids = sorted(pairs)
        given = [{f.name: rows[pairs[i]][f.name] for f in TIMES.fields} for i in ids]
        done.filled += len(perform(fill, ids, by=SYSTEM, rows=given, parsed=True, source="file").done)
    new = [row for key, row in rows.items() if key not in set(pairs.values())]
    if new:
        outcome = perform(take_in, rows=new, by=by, parsed=True, source="file", seconds=30)
        done.made += len(outcome.done)
        done.problems += [refusal.text for refusal in outcome.refused.values()]


def _row(record: Record, person: int | None) -> dict[str, Any]:
    return {
        "direction": record.direction, "other": record.other, "who": "", "customer": None, "rang_at": record.rang,
        "answered_at": record.answered, "ended_at": record.ended, "missed": record.missed, "answerer": person,
        "topic": "", "need": "", "result": "", "extension": record.extension, "source_key": record.key,
    }  # fmt: skip


def _people(records: Sequence[Record]) -> dict[str, int | None]:
    """record -> at whom it rang: by the extension, else by a name or staff number that only one has."""
    lines = dict(Extension.objects.values_list("name", "person_id"))
    wanted = {r.person for r in records if r.person} | {r.extension for r in records if r.extension}
    named: dict[str, set[int]] = {}
    rows = Person.objects.filter(left_on=None)
    for pk, name, staff_no in (
        rows.filter(name__in=wanted).union(rows.filter(staff_no__in=wanted)).values_list("pk", "name", "staff_no")
    ):
        for word in (name, staff_no):
            named.setdefault(word, set()).add(pk)
    only = {word: next(iter(ids)) for word, ids in named.items() if len(ids) == 1}
    return {
        r.key: lines.get(r.extension) or only.get(r.person) or (only.get(r.extension) if r.extension else None)
        for r in records
    }


def _by_hand(records: Sequence[Record]) -> Mapping[int, str]:
    """Calls taken down by hand -> the record that is the same call: same number and direction, within ten minutes, the
    nearest first; each of both once."""
    if not records:
        return {}
    first, last = min(r.rang for r in records) - APART, max(r.rang for r in records) + APART
    rows = list(Call.objects.filter(source_key="", rang_at__range=(first, last)).order_by("rang_at", "pk"))
    numbers = [texts["other"] for texts in open_columns(rows, ["other"])]
    near = sorted(
        (abs(call.rang_at - r.rang), call.pk, r.key)
        for call, number in zip(rows, numbers, strict=True) if number
        for r in records
        if r.other == number and r.direction == call.direction and abs(call.rang_at - r.rang) <= APART
    )  # fmt: skip
    pairs: dict[int, str] = {}
    for _, call, key in near:
        if call not in pairs and key not in pairs.values():
            pairs[call] = key
    return pairs


def words_of(done: Filed) -> str:
    """What became of a file, in one sentence."""
    parts = [f"新记 {done.made} 通", f"补时间 {done.filled} 通"]
    parts += [f"已有 {done.repeated} 通"] if done.repeated else []
    parts += [f"内线 {done.inside} 通不记"] if done.inside else []
    return "，".join(parts)
