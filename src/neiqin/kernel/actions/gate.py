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


@dataclass(frozen=True)
class Word:
    """What the keepers say of a call. refused: by record id, or row position where there are no ids yet; after: what is
    done at the end of the run, with its number and batch, whatever became of its records."""

    hold: Hold | None = None
    refused: Mapping[int, Refusal] = field(default_factory=dict)
    after: tuple[Callable[[int, Any], None], ...] = ()


Keeper = Callable[[Any, Sequence[Mapping[str, Any]]], Word | None]
_keepers: list[Keeper] = []
_misread: list[Callable[[Any, Invalid], Invalid]] = []


def keep(keeper: Keeper) -> Callable[[], None]:
    """Put a keeper in front of all calls by people: (call, its parsed values) -> what it says of it, or None.

    Returns the function that takes it away again.
    """
    _keepers.append(keeper)
    return lambda: _keepers.remove(keeper)


def on_invalid(reader: Callable[[Any, Invalid], Invalid]) -> None:
    """Let `reader` see parameters that could not be read, (call, problems) -> the problems as they are told."""
    _misread.append(reader)


def ask(call: Any, values: Sequence[Mapping[str, Any]]) -> Word:
    """What all keepers say, with the first hold. The system's own calls and effects are never gated."""
    if call.by.id is None:
        return Word()
    words = [word for keeper in _keepers if (word := keeper(call, values))]
    refused = {key: refusal for word in reversed(words) for key, refusal in word.refused.items()}
    hold = next((word.hold for word in words if word.hold), None)
    return Word(hold, refused, tuple(step for word in words for step in word.after))


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


def store(number: int, action: Any, versions: Mapping[int, int], raw: Mapping[str, Any], by: Any, reason: str) -> Held:
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
    )


def parameters_of(held: Held) -> dict[str, Any]:
    """The raw parameters of a held run."""
    return json.loads(blobs.open_blob(bytes(held.params)))
