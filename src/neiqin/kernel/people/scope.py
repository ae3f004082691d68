"""Scope: on which rows a permission holds, as a value; and the acting person with all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Job(NamedTuple):
    """A job that somebody was lent to (lending.py), within the reach of who asked for her."""

    kind: str
    key: tuple[Any, ...]
    reach: "Scope"


@dataclass(frozen=True)
class Scope:
    """owners: rows of these persons; units: rows of these units; everything: all rows; jobs: rows of these jobs."""

    owners: frozenset[int] = frozenset()
    units: frozenset[int] = frozenset()
    everything: bool = False
    jobs: frozenset[Job] = frozenset()

    def __or__(self, other: "Scope") -> "Scope":
        everything = self.everything or other.everything
        return Scope(self.owners | other.owners, self.units | other.units, everything, self.jobs | other.jobs)

    @property
    def of_jobs_only(self) -> bool:
        """Does it hold on nothing but the rows of jobs?"""
        return bool(self.jobs) and not (self.owners or self.units or self.everything)

    def covers(self, owner: int, unit: int) -> bool:
        """Does it cover a row of this owner and unit (collaborators and jobs aside)?"""
        return self.everything or owner in self.owners or unit in self.units


ALL = Scope(everything=True)


@dataclass(frozen=True)
class Limits:
    """What safety asks of one person. networks: where administration is done from, empty for everywhere; factor: only
    with a second factor; reads: files an hour; stop: beyond that no more are shown."""

    networks: tuple[str, ...] = ()
    factor: bool = False
    password_days: int = 0
    reads: int = 0
    stop: bool = False


@dataclass(frozen=True)
class Actor:
    """The acting person: identity, and a scope for every permission held. Built by people.actors."""

    id: int | None
    name: str
    staff_no: str = ""
    position: str = ""
    unit: str = ""
    unit_id: int = 0
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    delegated: Mapping[str, int] = field(default_factory=dict)
    theme: str = "auto"
    density: str = "normal"
    address: str | None = None
    system: bool = False
    limits: Limits = Limits()

    def may(self, permission: str) -> bool:
        """Does the person hold the permission on any row? The empty permission is everybody's."""
        return self.system or not permission or permission in self.scopes

    def scope(self, permission: str) -> Scope | None:
        """The rows on which the permission holds; None if it is not held at all."""
        return ALL if self.system or not permission else self.scopes.get(permission)

    def only_lent(self, permission: str) -> bool:
        """Is the permission held on the rows of jobs only? Then it shows nothing that has no owner."""
        scope = self.scope(permission)
        return scope is not None and scope.of_jobs_only

    def same_scope(self, one: str, other: str) -> bool:
        """Do two permissions hold on the same rows?"""
        return self.scope(one) == self.scope(other)

    def behalf_of(self, permission: str) -> int | None:
        """The person whose delegation gives this permission, if only a delegation does."""
        return self.delegated.get(permission)

    @property
    def initial(self) -> str:
        return self.name[-1:] or "?"

    @property
    def hue(self) -> int:
        return (self.id or 0) % 6 + 1


SYSTEM = Actor(None, "系统", system=True)


def nobody() -> Any:
    """An actor without any right, for anonymous requests."""
    return Actor(None, "")
