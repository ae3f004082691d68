"""The gate's door: a run asked for by a person can be stored, with its parameters and versions, and performed later.

What waits, is warned of or refused is decided by the keepers (checks, approvals); here is only the door.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Held
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.personal import blobs


@dataclass(frozen=True)
class Hold:
    """The run must wait; `reason` says why, in Chinese. words: what the timeline says (default: 提交审批); stored: what
    the keeper does, in the same transaction, with the number of the held run once it is stored."""

    reason: str
    words: str = ""
    stored: Callable[[int], None] | None = None


class NotHeld(Exception):
    """Raised by `stored`: the call cannot be kept after all, nothing of it is; the sentence is for people."""


@dataclass(frozen=True)
class Word:
    """What the keepers say of a call. hold: all of it waits; parts: of a call on many records, those that wait, each
    by itself, while the others go on; refused: by record id, or row position where there are no ids yet; after: what
    is done at the end of the run, with its number and batch, whatever became of its records; passed: the keepers that
    have had their say."""

    hold: Hold | None = None
    refused: Mapping[int, Refusal] = field(default_factory=dict)
    after: tuple[Callable[[int, Any], None], ...] = ()
    parts: Mapping[int, Hold] = field(default_factory=dict)
    passed: tuple[str, ...] = ()


Keeper = Callable[[Any, Sequence[Mapping[str, Any]]], Word | None]
_keepers: list[tuple[str, Keeper]] = []
_misread: list[Callable[[Any, Invalid], Invalid]] = []


def keep(keeper: Keeper, name: str = "") -> Callable[[], None]:
    """Put a keeper in front of all calls by people, behind those that are there: (call, its parsed values) -> what it
    says of it, or None. name: under which a held run remembers that he has let it through.

    Returns the function that takes it away again.
    """
    _keepers.append((name, keeper))
    return lambda: _keepers.remove((name, keeper))


def on_invalid(reader: Callable[[Any, Invalid], Invalid]) -> None:
    """Let `reader` see parameters that could not be read, (call, problems) -> the problems as they are told."""
    _misread.append(reader)


def ask(call: Any, values: Sequence[Mapping[str, Any]]) -> Word:
    """What the keepers say, one after the other, up to the first that holds the call; a held run asks only those that
    have not had their say. The system's own calls and effects are never gated."""
    if call.by.id is None:
        return Word()
    hold, passed = None, list(call.passed)
    after: list[Callable[[int, Any], None]] = []
    refused: dict[int, Refusal] = {}
    parts: dict[int, Hold] = {}
    for name, keeper in _keepers:
        if name in call.passed:
            continue
        passed.append(name)
        word = keeper(call, values)
        if word is None:
            continue
        refused = {**word.refused, **refused}
        parts |= {key: one for key, one in word.parts.items() if key not in refused}
        after += word.after
        hold = word.hold
        if hold or len(refused) >= len(call.ids or values):
            break
    return Word(hold, refused, tuple(after), {k: p for k, p in parts.items() if k not in refused}, tuple(passed))


def misread(call: Any, error: Invalid) -> Invalid:
    """The problems of a call by a person as its readers tell them."""
    for reader in _misread if call.by.id is not None else ():
        error = reader(call, error)
    return error


def next_number() -> int:
    """The number of the next held run; the run itself must name it before it is stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('actions_held', 'id'))")
        return cursor.fetchone()[0]


def store(
    number: int, action: Any, versions: Mapping[int, int], raw: Mapping[str, Any], by: Any, reason: str,
    passed: Sequence[str],
) -> Held:  # fmt: skip
    """Keep the call: record versions as they are now, the raw parameters encrypted (they may be personal)."""
    body = json.dumps(dict(raw), ensure_ascii=False, default=str).encode()
    return Held.objects.create(
        pk=number,
        action=action.code,
        person_id=by.id,
        versions={str(k): v for k, v in versions.items()},
        params=blobs.seal_blob(body),
        reason=reason,
        held_at=clock.now(),
        passed=list(passed),
    )


def parameters_of(held: Held) -> dict[str, Any]:
    """The raw parameters of a held run."""
    return json.loads(blobs.open_blob(bytes(held.params)))
