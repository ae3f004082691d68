"""What differs between two versions of a quote, line by line; pure but for reading the lines."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats.number import plain
from neiqin.modules.quotes import fields
from neiqin.modules.quotes.models import Quote, QuoteLine

ADDED, GONE, OTHER = "新增", "去掉", "改了"
HEAD = tuple(f for f in fields.HEAD if not f.personal and f.name not in ("customer", "doc_date"))
LINE = tuple(f for f in fields.SOLD if f.name not in ("product", "item_name", "factor"))


@dataclass(frozen=True)
class Difference:
    """how: added, gone or other; item: of a line, or "" for the head; what: the field; before and after in words."""

    how: str
    item: str
    what: str = ""
    before: str = ""
    after: str = ""


def differences(old: Quote, new: Quote) -> list[Difference]:
    """From the older to the newer version: the head first, then the lines in the newer one's order, then what went."""
    found = [d for f in HEAD if (d := _differs(f, "", old, new))]
    was, now = (list(QuoteLine.objects.filter(quote=q).order_by("pk")) for q in (old, new))
    found += of_lines(was, now)
    if old.amount != new.amount:
        found.append(Difference(OTHER, "", "价税合计", f"{old.amount:,.2f}", f"{new.amount:,.2f}"))
    return found


def of_lines(was: Sequence[QuoteLine], now: Sequence[QuoteLine]) -> list[Difference]:
    """Lines are the same by product, or by name where there is none; of several, the first by the first."""
    waiting: dict[Any, list[QuoteLine]] = defaultdict(list)
    for line in was:
        waiting[_key(line)].append(line)
    found = []
    for line in now:
        before = waiting[_key(line)].pop(0) if waiting[_key(line)] else None
        if before is None:
            found.append(Difference(ADDED, line.item_name, "", "", _said(line)))
            continue
        found += [d for f in LINE if (d := _differs(f, line.item_name, before, line))]
    return found + [Difference(GONE, x.item_name, "", _said(x), "") for those in waiting.values() for x in those]


def _key(line: QuoteLine) -> Any:
    return line.product_id or line.item_name


def _differs(field: Field, item: str, old: Any, new: Any) -> Difference | None:
    before, after = getattr(old, field.path), getattr(new, field.path)
    return None if before == after else Difference(OTHER, item, field.label, _text(field, before), _text(field, after))


def _text(field: Field, value: Any) -> str:
    if value in (None, ""):
        return "—"
    if isinstance(value, Decimal):
        return f"{value:,.2f}" if field.kind == "money" else plain(value)
    return field.choice(value).label if field.choices else str(value)


def _said(line: QuoteLine) -> str:
    price = plain(line.price) if line.price is not None else "—"
    return f"{plain(line.quantity)}{line.unit_name} × {price}"
