"""`__in` with many values as one array: `= ANY(%s)` instead of a placeholder a value, which everything between us and
the database takes apart one by one."""

from typing import Any
from uuid import UUID

from django.db.models import Field, ForeignObject
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import In

FROM = 20  # values
_PLAIN = (int, str, UUID)


class _AsArray:
    """Values of one plain type; all else as Django does it."""

    def as_sql(self: Any, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        if self.rhs_is_direct_value() and isinstance(self.rhs, list) and len(self.rhs) >= FROM:
            values = [value for value in dict.fromkeys(self.rhs) if value is not None]
            (kind, *others) = {type(value) for value in values} or (None,)
            if kind in _PLAIN and not others:
                column, params = self.process_lhs(compiler, connection)
                return f"{column} = ANY(%s)", [*params, values]
        return super().as_sql(compiler, connection)  # type: ignore[misc]


class AnyOf(_AsArray, In):  # type: ignore[misc]
    pass


class RelatedAnyOf(_AsArray, RelatedIn):  # type: ignore[misc]
    pass


def register() -> None:
    """From now on, for all models."""
    Field.register_lookup(AnyOf)
    ForeignObject.register_lookup(RelatedAnyOf)
