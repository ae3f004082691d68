"""What a module puts on a record's page: notes at its top, and panels, of a plain table or of a template of its own."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.template.loader import render_to_string
from markupsafe import Markup

from neiqin.kernel.fields.field import Field
from neiqin.kernel.resources.pages.records import columns_of
from neiqin.kernel.resources.pages.screen import Bag

ALL = "all"


def note(tone: str, bold: str, text: str = "", *links: Bag) -> Bag:
    """A note at the top. tone: "", ok, warn or bad; links: of label and url."""
    return Bag(tone=tone, bold=bold, text=text, links=list(links), named=[])


def line(cells: Sequence[Any], url: str = "", label: str = "", *, muted: bool = False) -> Bag:
    """A row of a table. url: where it leads, "" for nowhere; label: what the way there is called."""
    return Bag(id=0, url=url, label=label, cells=list(cells), muted=muted)


def table(
    name: str, label: str, fields: Iterable[Field], rows: Iterable[Bag], *, count: Any = ALL, empty: str = ""
) -> Bag:
    """A panel of rows under the fields' labels. count: beside its label, by default how many rows, None for nothing;
    empty: what is said where there are none."""
    shown = list(rows)
    for number, row in enumerate(shown):
        row.id = number
    return Bag(
        id=name, label=label, count=len(shown) if count == ALL else count, columns=columns_of(fields), rows=shown,
        html="", empty_text=empty,
    )  # fmt: skip


def own(name: str, label: str, template: str, *, count: Any = 0, **context: Any) -> Bag:
    """A panel that a template draws."""
    html = Markup(render_to_string(template, context))  # noqa: S704 - rendered by our own template
    return Bag(id=name, label=label, count=count, columns=[], rows=[], html=html, empty_text="")
