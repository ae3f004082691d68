"""Figure: a number with its definition, its moment, the rows behind it and the scope of who asks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.figures.compare import compare
from neiqin.kernel.figures.periods import Period, period
from neiqin.kernel.resources.listing import COUNT_CAP, Listing, Query
from neiqin.kernel.resources.resource import Resource

FIGURES: dict[str, "Figure"] = {}
Conditions = Callable[[Any, Period | None], Sequence[Mapping[str, str]] | None]


@dataclass(frozen=True)
class Figure:
    """What is counted, for whom, and where its rows are.

    name: `<app>.<what>`; unit: 家, 元, %; definition: in words, what is in and what is not; compute: (person, period)
    -> the number inside the person's scope, None if there is nothing to say; rows: (person, period) -> address of the
    list that has exactly those rows; may: the permission without which it does not exist; period: its kind, "" for as
    it stands now; good: is more good (True), bad (False) or neither (None); home: on the workbench; queue: work that
    waits, in the line on top of it; capped: counted up to the cap only.
    """

    name: str
    label: str
    unit: str
    definition: str
    compute: Callable[[Any, Period | None], Decimal | int | None]
    rows: Callable[[Any, Period | None], str]
    may: str = ""
    period: str = ""
    good: bool | None = True
    home: bool = False
    queue: bool = False
    capped: bool = False

    def plug(self) -> None:
        """Make it known. Raises ValueError for a second one of the name."""
        if self.name in FIGURES:
            raise ValueError(f"figure {self.name} is declared twice")
        FIGURES[self.name] = self

    def read(self, person: Any, at: Period | None = None) -> "Reading | None":
        """The figure for a person, by default for today's period; None without the right or with nothing to say."""
        if not person.may(self.may):
            return None
        if at is None and self.period:
            at = period(self.period, clock.today())
        value = self.compute(person, at)
        return None if value is None else Reading(self, value, person, at, clock.now())


@dataclass(frozen=True)
class Reading:
    """A figure as read by one person at one moment."""

    figure: Figure
    value: Decimal | int
    person: Any
    period: Period | None
    as_of: datetime

    @property
    def label(self) -> str:
        return self.figure.label

    @property
    def url(self) -> str:
        """The rows behind the number."""
        return self.figure.rows(self.person, self.period)

    @property
    def shown(self) -> str:
        """The number with its unit; a count past the cap says so."""
        over = self.figure.capped and self.value > COUNT_CAP
        return f"{COUNT_CAP if over else self.value:,}{'+' if over else ''} {self.figure.unit}".replace("-", "−")

    @property
    def about(self) -> str:
        """Definition, period and moment in one line."""
        span = f"{self.period.label}，" if self.period else ""
        return f"{self.figure.definition}。{span}截至 {clock.local(self.as_of):%m-%d %H:%M}"

    def against_previous(self) -> Decimal | None:
        """环比, as a share; None for a figure without period or base."""
        return self._against(self.period.previous if self.period else None)

    def against_last_year(self) -> Decimal | None:
        """同比, as a share; None for a figure without period or base."""
        return self._against(self.period.last_year if self.period else None)

    def _against(self, base: Period | None) -> Decimal | None:
        return None if base is None else compare(self.value, self.figure.compute(self.person, base))


def counting(name: str, label: str, resource: Resource, definition: str, conditions: Conditions, **more: Any) -> Figure:
    """The figure that counts rows of a resource inside the person's scope, up to the counting cap; it opens that list.

    conditions: (person, period) -> filter conditions, or None where the figure means nothing to this person.
    """

    def query(person: Any, at: Period | None) -> Query | None:
        found = conditions(person, at)
        return None if found is None else Query(conditions=tuple(dict(c) for c in found))

    def compute(person: Any, at: Period | None) -> int | None:
        asked = query(person, at)
        return None if asked is None else Listing(resource, person, asked).count()

    def rows(person: Any, at: Period | None) -> str:
        return (query(person, at) or Query()).address(resource.url)

    return Figure(name, label, resource.noun, definition, compute, rows, resource.view_permission, capped=True, **more)
