"""What a module says of its key fields; what follows from it stands in the decision table 数据校验."""

from dataclasses import dataclass

from neiqin.kernel.fields.field import Field
from neiqin.kernel.resources.resource import Resource, site

TIMES, SUM, VALUE, DIGIT = "上次的倍数", "和各项合计的差额", "数值", "校验码"
WATCHED: dict[str, tuple["Check", ...]] = {}


@dataclass(frozen=True)
class Check:
    """One measure of one field. name: one of the four words above; parts: line and column that must add up to it;
    among: for a new record, the columns by which its last predecessor is found (the same customer and product)."""

    field: str
    name: str
    parts: tuple[str, str] = ("", "")
    among: tuple[str, ...] = ()


def times(field: str, *among: str) -> Check:
    """How many times the last value it is: the record's own, or that of the last record with the same `among`."""
    return Check(field, TIMES, among=among)


def adds_up(field: str, lines: str, column: str) -> Check:
    """What it is more than the sum of a column of the lines."""
    return Check(field, SUM, parts=(lines, column))


def value(field: str) -> Check:
    """The number itself, for ranges."""
    return Check(field, VALUE)


def digit(field: str) -> Check:
    """The check digit in it. The format refuses a wrong one at every door; here that is also kept."""
    return Check(field, DIGIT)


@dataclass(frozen=True)
class Checks:
    """The checks of one kind of record, in a manifest: `plugs=[Checks("orders.order", value("amount"))]`."""

    kind: str
    checks: tuple[Check, ...]

    def __init__(self, kind: str, *checks: Check) -> None:
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "checks", checks)

    def plug(self) -> None:
        """Make them known. Raises ValueError for a second plug of the kind."""
        if self.kind in WATCHED:
            raise ValueError(f"checks of {self.kind} are declared twice")
        WATCHED[self.kind] = self.checks


def resource_of(kind: str) -> Resource:
    """The resource whose records are meant."""
    return site().resources[kind]


def field_of(kind: str, name: str) -> Field:
    """The field, as forms have it."""
    resource = resource_of(kind)
    return resource.shape.field(name) or next(f for f in resource.fields if f.name == name)
