"""One fast function per kind of field, for list cells and facts: (value, field, row) -> Markup.

They run 600 times for one page, so they build strings and escape by hand. What a value looks like:
choice is the label; state has label, tone and p; person has name, initial and hue; ref has label and url;
tags is a list of texts. A text where a figure is expected is a masked value and is shown as it is.
"""
# ruff: noqa: S704 (markup is built by hand here, and every value in it is escaped or a figure)

from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

from neiqin.kernel import clock
from neiqin.web.formats import DASH, day, full_moment, moment, money, number

LONG = 14  # characters a column usually shows; longer texts carry their whole self in a title


def _c(field: Any) -> str:
    return getattr(field, "c", "")


def _text(value: Any, field: Any, row: Any) -> Markup:
    if value is None or value == "":
        return DASH
    text = escape(value)
    title = f' title="{text}"' if len(text) > LONG else ""
    c = _c(field)
    if row is not None and (c == "id" or c == "name") and row.url:
        return Markup(f'<a class="{"id" if c == "id" else "nm"}" href="{escape(row.url)}"{title}>{text}</a>')
    return Markup(f"<span{title}>{text}</span>") if title else text


def _long(value: Any, field: Any, row: Any) -> Markup:
    if row is not None or not value:
        return _text(value, field, row)
    return Markup(f'<span class="pre">{escape(value)}</span>')


def _code(value: Any, field: Any, row: Any) -> Markup:
    if value is None or value == "":
        return DASH
    if row is not None and _c(field) in ("id", "name"):
        return _text(value, field, row)
    return Markup(f'<span class="cd">{escape(value)}</span>')


def _state(value: Any, field: Any, row: Any) -> Markup:
    if value is None:
        return DASH
    return state(value)


def state(value: Any, fill: bool = False) -> Markup:
    """A state: the ring says how far, the tone how well."""
    label, tone, p = value if isinstance(value, tuple) else (value.label, value.tone, value.p)
    css = "st fill" if fill else "st"
    return Markup(f'<span class="{css}" data-tone="{escape(tone)}" data-p="{escape(p)}">{escape(label)}</span>')


def marks(found: Any) -> Markup:
    """The marks of a record, red beside its name."""
    return Markup("").join(
        Markup('<span class="tag" data-tone="{}" title="{}">{}</span> ').format(m.tone, m.title, m.label) for m in found
    )


def _beside(before: Markup, shown: Markup) -> Markup:
    """Both on one line, also in a column that is cut short."""
    return Markup(f"<span>{before}{shown}</span>") if before else shown


def _money(value: Any, field: Any, row: Any) -> Markup:
    return money(value)


def _number(value: Any, field: Any, row: Any) -> Markup:
    if value is None:
        return DASH
    return escape(value if isinstance(value, str) else number(value))


def _percent(value: Any, field: Any, row: Any) -> Markup:
    if value is None:
        return DASH
    return escape(value) if isinstance(value, str) else Markup(f"{number(value)}%")


def _date(value: Any, field: Any, row: Any) -> Markup:
    if value is None:
        return DASH
    if isinstance(value, str):
        return escape(value)
    today = clock.today()
    text = Markup(day(value, today))
    if _c(field) == "due" and value < today:
        return Markup(f'<b class="t-bad">{text}</b>')
    return text


def _moment(value: Any, field: Any, row: Any) -> Markup:
    if value is None:
        return DASH
    return Markup(f'<time class="mut" title="{full_moment(value)}">{moment(value, with_time=row is None)}</time>')


def _person(value: Any, field: Any, row: Any) -> Markup:
    if value is None:
        return DASH
    if isinstance(value, str):
        return escape(value)
    return Markup(
        f'<span class="who"><span class="av" data-h="{value.hue}" aria-hidden="true">{escape(value.initial)}</span>'
        f"{escape(value.name)}</span>"
    )


def _ref(value: Any, field: Any, row: Any) -> Markup:
    if value is None or value == "":
        return DASH
    label = getattr(value, "label", None)
    if label is None:
        return _text(value, field, row)
    text = escape(label)
    title = f' title="{text}"' if len(text) > LONG else ""
    before = marks(getattr(value, "marks", ()))
    if not value.url:
        return _beside(before, Markup(f"<span{title}>{text}</span>"))
    return _beside(before, Markup(f'<a class="link" href="{escape(value.url)}"{title}>{text}</a>'))


def _bool(value: Any, field: Any, row: Any) -> Markup:
    if value is None:
        return DASH
    return Markup("是") if value else Markup('<span class="mut">否</span>')


def _phone(value: Any, field: Any, row: Any) -> Markup:
    if not value:
        return DASH
    text = escape(value)
    if row is not None or "*" in text:
        return Markup(f'<span class="cd">{text}</span>')
    return Markup(f'<a class="link cd" href="tel:{text.replace(" ", "")}">{text}</a>')


def _email(value: Any, field: Any, row: Any) -> Markup:
    if not value:
        return DASH
    text = escape(value)
    if row is not None or "*" in text:
        return _text(value, field, None)
    return Markup(f'<a class="link" href="mailto:{text}">{text}</a>')


def _tags(value: Any, field: Any, row: Any) -> Markup:
    if not value:
        return DASH
    return Markup(" ").join(Markup(f'<span class="tag">{escape(tag)}</span>') for tag in value)


CELLS: dict[str, Callable[[Any, Any, Any], Markup]] = {
    "text": _text,
    "long": _long,
    "code": _code,
    "uscc": _code,
    "tax_no": _code,
    "account": _code,
    "choice": _text,
    "state": _state,
    "money": _money,
    "number": _number,
    "percent": _percent,
    "date": _date,
    "moment": _moment,
    "person": _person,
    "unit": _ref,
    "ref": _ref,
    "bool": _bool,
    "phone": _phone,
    "email": _email,
    "tags": _tags,
}


def cell(value: Any, column: Any, row: Any) -> Markup:
    """A table cell. In Python, not a macro: 600 macro calls cost a page of 50 rows 1.6 ms."""
    c, css = column.c, column.css
    if column.width or c == "name":
        css = f"{css} clip" if css else "clip"
    if row.muted:
        css = f"{css} mut" if css else "mut"
    attributes = f' class="{css}"' if css else ""
    if c:
        attributes += f' data-c="{c}"'
    if column.pri:
        attributes += f' data-pri="{column.pri}"'
    shown = CELLS[column.kind](value, column, row)
    if getattr(column, "marked", False) and row.marks:
        shown = _beside(marks(row.marks), shown)
    return Markup(f"<td{attributes}>{shown}</td>")
