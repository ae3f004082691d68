"""What stands beside a form and is kept with its record, in the same transaction, without being a field of it."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from django.db import transaction

from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Resource

S = TypeVar("S", bound="Kept")


class Kept(Protocol):
    """What came of saving; record: the id it was saved under, 0 if it was not."""

    @property
    def record(self) -> int: ...


class Beside(Protocol):
    """Plugged in with `BESIDE.append`. posted: what the form sent, or its draft."""

    def given(self, posted: Any) -> bool:
        """Did the form bring anything?"""

    def keep(self, posted: Any, resource: Resource, record_id: int, by: Any) -> None:
        """Hang it on the saved record. Raises Invalid: then nothing is saved."""

    def shown(self, posted: Any, resource: Resource, record: Any, person: Any) -> list[Bag]:
        """What the form shows: brought along before, or on the record (None: a new one) already."""

    def begun(self, asked: Any, resource: Resource, person: Any) -> Mapping[str, Any]:
        """What a new form begins with when it is asked for like this (its address), as a form is read; else nothing."""

    def above(self, posted: Any, resource: Resource, person: Any) -> list[Bag]:
        """What stands above the form's fields and is posted with them: name, value, html."""


BESIDE: list[Beside] = []


def together(posted: Any, resource: Resource, by: Any, save: Callable[[], S]) -> S:
    """Save, with what was brought along; both or nothing. A form that brings nothing is saved as ever."""
    brought = [b for b in BESIDE if b.given(posted)]
    if not brought:
        return save()
    with transaction.atomic():
        saved = save()
        for one in brought if saved.record else ():
            one.keep(posted, resource, saved.record, by)
    return saved


def begun(asked: Any, resource: Resource, person: Any) -> dict[str, Any]:
    """What a new form begins with, of the first that has something."""
    return next((dict(found) for b in BESIDE if (found := b.begun(asked, resource, person))), {})


def above(posted: Any, resource: Resource, person: Any) -> list[Bag]:
    """All that stands above the form's fields."""
    return [bag for b in BESIDE for bag in b.above(posted, resource, person)]


def shown(posted: Any, resource: Resource, record: Any, person: Any) -> list[Bag]:
    """All that stands beside the form."""
    return [bag for b in BESIDE for bag in b.shown(posted, resource, record, person)]
