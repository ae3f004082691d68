"""The gate's door: a run asked for by a person can be stored, with its parameters and versions, and performed later.

The rules that decide what waits belong to approvals; here is only the door. `ask` is set by whoever keeps the gate.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Held
from neiqin.kernel.personal import blobs


@dataclass(frozen=True)
class Hold:
    """The run must wait; `reason` says why, in Chinese."""

    reason: str


Keeper = Callable[[Any, Sequence[int], Mapping[str, Any], Any], Hold | None]
_keepers: list[Keeper] = []


def keep(keeper: Keeper) -> Callable[[], None]:
    """Put a keeper in front of all calls by people: (action, ids, parameters, person) -> Hold or None.

    Returns the function that takes it away again.
    """
    _keepers.append(keeper)
    return lambda: _keepers.remove(keeper)


def ask(action: Any, ids: Sequence[int], parameters: Mapping[str, Any], by: Any) -> Hold | None:
    """The first hold any keeper asks for. The system's own calls and effects are never gated."""
    if by.id is None:
        return None
    return next((hold for keeper in _keepers if (hold := keeper(action, ids, parameters, by))), None)


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
