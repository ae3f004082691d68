"""A filtered list on paper: every row of it, within the person's scope, rights and masks."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.http import QueryDict

from neiqin.kernel.fields.field import Field
from neiqin.kernel.printing import typeset
from neiqin.kernel.printing.forms import as_pdf, printed
from neiqin.kernel.resources.listing import Listing, Query
from neiqin.kernel.resources.models import Layout
from neiqin.kernel.resources.pages.lists import filter_words, shown_columns
from neiqin.kernel.resources.resource import Resource

MOST = 5000
PAGE = 1000
TEMPLATE = typeset.HERE / "templates/list.typ"
PAPER = "A4 横"


def list_pdf(resource: Resource, person: Any, query: str, purpose: str = "") -> tuple[bytes, int]:
    """(PDF, rows) of the list at this address, at most 5,000 rows; its purpose stands beside the filter. Raises
    BadQuery, Missing."""
    asked = Query.read(QueryDict(query))
    layout = Layout.objects.filter(person_id=person.id, resource=resource.key).first()
    fields = shown_columns(resource, person, layout)
    rows = _rows(resource, person, asked, fields)
    words = filter_words(resource, person, asked)
    words += f"　用途：{purpose}" if purpose else ""
    cut = f"　只印前 {MOST:,} {resource.noun}，缩小筛选再印其余的" if len(rows) == MOST else ""
    sheet = _sheet(fields, rows) | {"filter": f"{words}　{len(rows):,} {resource.noun}{cut}"}
    return as_pdf(TEMPLATE, PAPER, resource.label, [sheet], person), len(rows)


def _rows(resource: Resource, person: Any, query: Query, fields: Sequence[Field]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    after = ""
    while len(rows) < MOST:
        asked = Query(query.q, query.conditions, query.sort, after=after, size=min(PAGE, MOST - len(rows)))
        page = Listing(resource, person, asked).page(fields)
        rows += page.cells
        after = page.after
        if not after:
            break
    return rows


def _sheet(fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    money = [n for n, f in enumerate(fields) if f.kind == "money"]
    sums = [[str(_amount(row[n])) for n in money] for row in rows]
    totals = [sum((Decimal(s[k]) for s in sums), Decimal("0.00")) for k in range(len(money))]
    return {
        "number": "", "qr": "", "times": 1, "watermark": "",
        "head": [f.label for f in fields],
        "rows": [[printed(f.kind, c) for f, c in zip(fields, row, strict=True)] for row in rows],
        "right": [n for n, f in enumerate(fields) if f.numeric],
        "money": money,
        "sums": sums if money else [],
        "totals": [(fields[n].label, f"{total:,.2f}") for n, total in zip(money, totals, strict=True)],
    }  # fmt: skip


def _amount(cell: Any) -> Decimal:
    return cell if isinstance(cell, Decimal) else Decimal("0.00")
