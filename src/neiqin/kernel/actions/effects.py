"""What follows from events: effects at once, set-wise, in the same transaction; reactions a moment later."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

EFFECTS: dict[str, list[Callable[["Happened"], None]]] = {}
HOURLY: list[Callable[[], object]] = []
MINUTELY: list[Callable[[], object]] = []
REACTIONS: dict[str, tuple[frozenset[str], Callable[[list[Any]], None]]] = {}


@dataclass(frozen=True)
class Happened:
    """One kind of event of one run. ids: the records; states and data by id."""

    name: str
    ids: list[int]
    before: dict[int, str | None]
    after: dict[int, str | None]
    data: dict[int, Any]
    by: Any
    run: int
    now: datetime
    preview: bool


def on(event: str, effect: Callable[[Happened], None]) -> None:
    """Register an effect. The manifests are walked lower module first, so lower effects run first."""
    EFFECTS.setdefault(event, []).append(effect)


def hourly(job: Callable[[], object]) -> None:
    """Register a job of the worker: called about once an hour, and once more after a crash; it must be repeatable."""
    HOURLY.append(job)


def minutely(job: Callable[[], object]) -> None:
    """As hourly, about once a minute: it must be cheap where there is nothing to do."""
    MINUTELY.append(job)


def react(name: str, events: Iterable[str], reaction: Callable[[list[Any]], None]) -> None:
    """Register a reaction: after commit it gets the Event rows of these names, in order; it must be repeatable."""
    REACTIONS[name] = (frozenset(events), reaction)
