"""Forms: what can be printed of a record. Declared in manifests; printing is an action on the records, counted, and
so is giving it to somebody by hand, in a chat (`chat.py`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import Action, action
from neiqin.kernel.fields.field import Choice, Field, label_of
from neiqin.kernel.printing import typeset
from neiqin.kernel.printing.models import Count, Offset
from neiqin.kernel.resources.masks import Face
from neiqin.kernel.resources.pages import records as pages
from neiqin.kernel.resources.resource import Resource, site

Sheet = Mapping[str, Any]
FORM = Field("form", "表格", required=True, maxlength=60)
FORMS: dict[str, "Form"] = {}
PRINT: dict[str, Action] = {}
HAND: dict[str, Action] = {}
WAYS = (Choice("text", "文字"), Choice("picture", "图片"), Choice("file", "保存图片"))
WAY = Field("way", "怎么发", "choice", choices=WAYS, required=True)
TO = Field("to", "发给谁", maxlength=60)


def no_mark(record: Any) -> str:
    """The watermark of forms that need none."""
    return ""


@dataclass(frozen=True)
class Form:
    """data: (records, person) -> what the template prints of each, in their order, by the person's rights and masks;
    template: a Typst file; kind: the resource it is offered for, "*" for all; paper: of typeset.PAPERS; mark: record ->
    words printed across the page (未审批), or ""; said: (record, sheet) -> its text for a chat, "" for the one that
    `chat.py` makes of the sheet."""

    name: str
    label: str
    template: Path
    data: Callable[[Sequence[Any], Any], Sequence[Sheet]]
    kind: str = "*"
    paper: str = "A4"
    mark: Callable[[Any], str] = no_mark
    said: Callable[[Any, Sheet], str] | None = None

    def plug(self) -> None:
        """Make it known; and every resource printable. Raises ValueError for a second one of the same name."""
        if FORMS.setdefault(self.name, self) is not self:
            raise ValueError(f"form {self.name} is declared twice")
        for resource in site().resources.values():
            if resource.key not in PRINT:
                PRINT[resource.key] = _verb(resource, "打印", "printed", "printer")(print_form)
                HAND[resource.key] = _verb(resource, "复制到微信", "sent_by_hand", "message")(send_by_hand)


def _verb(resource: Resource, label: str, event: str, icon: str) -> Callable[[Callable[..., Any]], Action]:
    """Whoever may see a record may do it; the record stays as it is, so it has no button among those that change it."""
    return action(resource.model, label, may=resource.view_permission, event=event, button=False, bulk=False, icon=icon)


def forms_for(resource: Resource) -> list[Form]:
    """The forms of this kind of record, its own before those of all."""
    found = [f for f in FORMS.values() if f.kind in (resource.key, "*")]
    return sorted(found, key=lambda f: f.kind == "*")


def print_form(batch: Batch[Any], *, form: Annotated[str, FORM]) -> None:
    """Count one more print of each record on this form, and tell it."""
    if form not in FORMS or not batch.records:
        batch.refuse(dict.fromkeys(batch.ids, "没有这种表格。"))
        return
    kind = type(batch.records[0])._meta.label_lower
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO printing_count (kind, record_id, form, count) SELECT %s, id, %s, 1 "
            "FROM unnest(%s::bigint[]) id ON CONFLICT (kind, record_id, form) "
            "DO UPDATE SET count = printing_count.count + 1 RETURNING record_id, count",
            [kind, form, batch.ids],
        )
        times = dict(cursor.fetchall())
    batch.unchanged_but_told()
    label = FORMS[form].label
    batch.tell({i: {"words": f"打印{label}" + (f"（第 {n} 次）" if n > 1 else "")} for i, n in times.items()})


def send_by_hand(
    batch: Batch[Any], *, form: Annotated[str, FORM], way: Annotated[str, WAY], to: Annotated[str, TO] = ""
) -> None:
    """Tell that somebody took this form of each record to a chat: as text or picture, and for whom. Nothing is sent."""
    if form not in FORMS:
        batch.refuse(dict.fromkeys(batch.ids, "没有这种表格。"))
        return
    batch.unchanged_but_told()
    words = f"复制到微信：{FORMS[form].label}（{label_of(WAYS, way)}）" + (f"给 {to}" if to else "")
    batch.tell({i: {"words": words} for i in batch.ids})


def sheets_of(form: Form, resource: Resource, records: Sequence[Any], person: Any) -> list[dict[str, Any]]:
    """What will be printed, without how often it was. Raises Missing for characters that cannot be."""
    found = gathered(form, resource, records, person)
    typeset.check_glyphs(found)
    return found


def gathered(form: Form, resource: Resource, records: Sequence[Any], person: Any) -> list[dict[str, Any]]:
    """What the form says of each record to this person, with any character."""
    found = []
    for record, sheet in zip(records, form.data(records, person), strict=True):
        number = str(getattr(record, resource.number)) if resource.number else ""
        head = {"number": number, "qr": typeset.qr(number), "watermark": form.mark(record), "times": 1}
        found.append(head | dict(sheet))
    return found


def times_of(form: Form, resource: Resource, ids: Sequence[int]) -> dict[int, int]:
    """How often each record was printed on this form."""
    rows = Count.objects.filter(kind=resource.key, form=form.name, record_id__in=ids)
    return dict(rows.values_list("record_id", "count"))


def as_pdf(template: Path, paper: str, title: str, sheets: Sequence[Sheet], person: Any) -> bytes:
    """The PDF, moved by what this person's printer is off."""
    off = Offset.objects.filter(person_id=person.id, paper=paper).first()
    at = f"{clock.local(clock.now()):%Y-%m-%d %H:%M}"
    data = {"title": title, "by": person.name, "at": at, "sheets": list(sheets)}
    return typeset.pdf(template, paper, data, left=float(off.left) if off else 0, top=float(off.top) if off else 0)


# What is the same for every kind of record


def any_record(records: Sequence[Any], person: Any) -> list[dict[str, Any]]:
    """The data of the record sheet: facts and lines as the record's page shows them to this person."""
    return [_sheet(site().resources[r._meta.label_lower], r, person) for r in records]


def _sheet(resource: Resource, record: Any, person: Any) -> dict[str, Any]:
    facts = pages.facts(resource, resource.fields_for(person), record)
    state = pages.state(resource, record)
    pairs = [("状态", state.label)] if state else []
    return {
        "title": str(getattr(record, resource.title)),
        "facts": pairs + [(f.label, printed(f.kind, f.value)) for f in facts],
        "tables": [
            {
                "label": tab.label,
                "head": [c.label for c in tab.columns],
                "rows": [[printed(c.kind, v) for c, v in zip(tab.columns, r.cells, strict=True)] for r in tab.rows],
                "right": [n for n, c in enumerate(tab.columns) if c.css == "num"],
            }
            for tab in pages.line_tabs(resource, record, person)
            if tab.rows
        ],
    }


WORDS: dict[str, Callable[[Any], str]] = {
    "bool": lambda v: "是" if v else "否",
    "money": lambda v: v if isinstance(v, str) else f"{v:,.2f}",
    "number": lambda v: f"{v:,f}".rstrip("0").rstrip(".") if "." in f"{v}" else f"{v:,}",
    "percent": lambda v: f"{v * 100:.1f}%",
    "moment": lambda v: f"{clock.local(v):%Y-%m-%d %H:%M}",
}


def printed(kind: str, value: Any) -> str:
    """A cell as paper shows it. kind: of the field or column; value: as masks give it."""
    if value is None or value == "":
        return ""
    if isinstance(value, Face):
        return value.name
    if isinstance(value, tuple):
        return str(value[0])
    return WORDS.get({"quantity": "number"}.get(kind, kind), str)(value)


RECORD = Form("record", "记录单", typeset.HERE / "templates/record.typ", any_record)
