"""The form: new records and edits, errors beside their fields, drafts kept, changes of two people merged."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.views.decorators.http import require_POST

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Held, Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, Refusal, TooSlow
from neiqin.kernel.actions.requests import answered
from neiqin.kernel.fields import formats
from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.fields.shape import Invalid, Lines, Problem, Shape
from neiqin.kernel.personal.blobs import open_blob, seal_blob
from neiqin.kernel.resources import masks, nearby, quick, reading
from neiqin.kernel.resources.models import Draft
from neiqin.kernel.resources.pages import beside
from neiqin.kernel.resources.pages.screen import Bag, person_field, record_or_404, render, screen, sent_key
from neiqin.kernel.resources.resource import Resource, site


def new(request: Any, resource: Resource) -> HttpResponse:
    """Make a record. GET: the empty form or the draft; POST: save, or 422 with the errors."""
    if resource.create is None or not request.person.may(resource.create.may):
        raise Http404
    return _form(request, resource, None)


def edit(request: Any, resource: Resource, record_id: int) -> HttpResponse:
    """Change a record. Only changed fields are posted; what others changed meanwhile is merged."""
    if resource.edit is None or not request.person.may(resource.edit.may):
        raise Http404
    record = record_or_404(resource, request.person, record_id)
    reading.note(resource, request.person, record.pk)
    return _form(request, resource, record)


def _form(request: Any, resource: Resource, record: Any) -> HttpResponse:
    shape = resource.shape_for(request.person, resource.edit if record else resource.create)
    if request.method != "POST":
        return _opened(request, resource, shape, record)
    given = read_form(request.POST, shape, partial="partial" in request.POST)
    rows, seen = _nearby(request, resource) if record is None else ([], "")
    if rows:
        page = _page(resource, shape, None, _stored(None, shape) | _values_of(given, shape))
        page.rows, page.nearby_seen = rows, seen
        page.submit_label = f"不是同一{resource.noun}，照样新建"
        return _shown(request, resource, record, page, status=422)
    try:
        saved = beside.together(
            request.POST, resource, request.person, lambda: _save(request, resource, shape, record, given)
        )
    except Invalid as error:
        saved = Saved(error.problems)
    except (KeyReused, TooSlow, NotAllowed) as error:
        saved = Saved([Problem("", "", str(error))])
    undrafted = "undrafted" in request.POST
    if saved.url and not undrafted:
        Draft.objects.filter(
            person_id=request.person.id, resource=resource.key, record_id=record.pk if record else 0
        ).delete()
    if saved.url:
        return HttpResponseRedirect(saved.url)
    values = _stored(record, shape) | _values_of(given, shape)
    page = _page(resource, shape, record, values, problems=saved.problems, conflict=saved.conflict)
    page.draft_url = "" if undrafted else page.draft_url
    return _again(request, resource, record, page, saved)


def _opened(request: Any, resource: Resource, shape: Shape, record: Any) -> HttpResponse:
    """The form as it is first shown: with what it begins with, the draft, what the quick line brought, or as stored."""
    values = _stored(record, shape)
    if record is None and (begun := beside.begun(request.GET, resource, request.person)):
        page = _page(resource, shape, None, values | _values_of(begun, shape))
        page.draft_url = ""  # it would take the place of the draft of an empty form
        return _shown(request, resource, None, page, request.GET)
    draft = Draft.objects.filter(
        person_id=request.person.id, resource=resource.key, record_id=record.pk if record else 0
    ).first()
    posted = QueryDict()
    if draft:
        posted = QueryDict(open_blob(bytes(draft.body)).decode())
        values |= _values_of(read_form(posted, shape, partial=False), shape)
    elif brought := quick.carried(request):
        values |= _values_of(read_form(QueryDict(urlencode(brought)), shape, partial=True), shape)
    return _shown(request, resource, record, _page(resource, shape, record, values, draft=draft), posted)


def _shown(
    request: Any, resource: Resource, record: Any, page: Bag, posted: Any = None, *, status: int = 200
) -> HttpResponse:  # fmt: skip
    """The form. posted: the draft it begins with, else what was sent."""
    given = request.POST if posted is None else posted
    page.above = beside.above(given, resource, request.person) if record is None else []
    if any(lines.check for lines in page.lines):
        page.beside = beside.shown(given, resource, record, request.person)
    return render(request, "form.html", page, status=status)


def _again(request: Any, resource: Resource, record: Any, page: Bag, saved: "Saved") -> HttpResponse:
    """The form once more, with what was wrong or is to be confirmed."""
    if saved.warned:
        page.warned, page.confirmed = saved.warned, " ".join(w["confirm"] for w in saved.warned)
        page.nearby_seen = request.POST.get("nearby", "")
        page.submit_label = "核对过，照样保存"
    return _shown(request, resource, record, page, status=409 if saved.conflict else 422)


@dataclass(frozen=True)
class Saved:
    """What came of saving: why not, what others changed, warnings to confirm, or where to go on; record: what was
    saved, or is there and waits for consent to its change."""

    problems: Sequence[Problem] = ()
    conflict: Bag | None = None
    warned: Sequence[Mapping[str, str]] = ()
    url: str = ""
    record: int = 0


def _nearby(request: Any, resource: Resource) -> tuple[list[Bag], str]:
    """Records of nearly the same name that the person has not been shown yet, and what says that he has.

    A call that has its answer already (sent twice) is not asked: what it finds is what it made.
    """
    found = nearby.of_form(request, resource)
    named = [row for row in found if row.named]
    seen = " ".join(str(row.id) for row in named)
    key = sent_key(request.POST)
    if not named or request.POST.get("nearby") == seen or (key and answered(key, request.person)):
        return [], seen
    return found, seen


def _save(request: Any, resource: Resource, shape: Shape, record: Any, given: dict[str, Any]) -> Saved:
    common: dict[str, Any] = {
        "by": request.person,
        "key": sent_key(request.POST),
        "source": "web",
        "confirmed": request.POST.get("confirmed", "")[:2000].split(),
    }
    if record is None:
        assert resource.create is not None
        outcome = perform(resource.create, rows=[given], **common)
        target = outcome.done[0] if outcome.done else 0
    else:
        assert resource.edit is not None
        given = _unmasked(given, record, shape)
        for name in [n for n in given if request.POST.get(f"resolve-{n}") == "theirs"]:
            del given[name]
        version = request.POST.get("version", "")
        versions = {record.pk: int(version)} if version.isdecimal() and len(version) < 10 else None
        outcome = perform(resource.edit, [record.pk], params=given, versions=versions, **common)
        target = record.pk if outcome.done else 0
    if outcome.held:
        messages.success(request, held_reason(outcome.held))
        return Saved(url=resource.url_of(record.pk) if record else resource.url, record=record.pk if record else 0)
    refusal = next(iter(outcome.refused.values()), None)
    if refusal is not None and refusal.code == "conflict":
        record.refresh_from_db()
        return Saved(conflict=_conflict(record, shape, refusal))
    if refusal is not None and refusal.code == "warned":
        return Saved(warned=refusal.data)
    return Saved([_problem_of(shape, refusal)]) if refusal else Saved(url=resource.url_of(target), record=target)


def held_reason(number: int) -> str:
    """Why a run waits, in words."""
    return Held.objects.values_list("reason", flat=True).get(pk=number)


def _problem_of(shape: Shape, refusal: Refusal) -> Problem:
    field = shape.field(refusal.field.split("-")[0])
    lines = next((line.label for line in shape.lines if refusal.field.startswith(line.name)), "")
    return Problem(refusal.field, field.label if field else lines, refusal.text)


def _conflict(record: Any, shape: Shape, refusal: Refusal) -> Bag:
    pairs = [(shape.field(c["name"]), c[k]) for c in refusal.data for k in ("base", "theirs", "mine")]
    names = masks.names_for(pairs)
    fields = []
    for clash in refusal.data:
        field = shape.field(clash["name"])
        shown = {k: masks.text(field, clash[k], names) for k in ("base", "theirs", "mine")}
        fields.append(Bag(name=clash["name"], label=clash["label"], **shown))
    last = Run.objects.raw(
        "SELECT r.* FROM actions_run r JOIN actions_change c ON c.run_id = r.id AND c.at = r.at "
        "WHERE c.tbl = %s AND c.row_id = %s ORDER BY c.id DESC LIMIT 1",
        [record._meta.db_table, record.pk],
    )
    who = person_field(last[0].person_id) if len(last) else "别人"
    return Bag(who=who, at=record.updated_at, fields=fields)


def read_form(posted: Any, shape: Shape, *, partial: bool) -> dict[str, Any]:
    """What a form posted, as the shape takes it: field -> text, lines -> rows. partial: only what was posted."""
    given: dict[str, Any] = {}
    for field in shape.fields:
        if field.name in posted or not partial:
            given[field.name] = posted.getlist(field.name)[-1] if field.name in posted else ""
    for lines in shape.lines:
        rows = _rows(posted, lines)
        if rows or not partial:
            given[lines.name] = rows
    return given


def _rows(posted: Any, lines: Lines) -> list[dict[str, Any]]:
    known = {f.name for f in lines.entered} | {"id", "delete"}
    rows: dict[int, dict[str, Any]] = {}
    for name in posted:
        prefix, _, rest = name.partition("-")
        number, _, field = rest.partition("-")
        if prefix == lines.name and number.isdecimal() and len(number) < 6 and field in known:
            rows.setdefault(int(number), {})[field] = posted.getlist(name)[-1]
    found = []
    for _, row in sorted(rows.items()):
        row["delete"] = bool(row.get("delete"))
        identity = row.pop("id", "")
        if identity:
            row["id"] = int(identity) if identity.isdecimal() and len(identity) < 19 else 0
        if row.get("id") or (not row["delete"] and any(v for k, v in row.items() if k != "delete")):
            found.append(row)
    return found


def _unmasked(given: dict[str, Any], record: Any, shape: Shape) -> dict[str, Any]:
    """Personal values that come back as the mask they were shown with were not touched."""
    own = masks.opened([record], shape.fields, full=False)[0]
    kept = {name: value for name, value in given.items() if not (value and own.get(name) == value)}
    for lines in shape.lines:
        personal = [f for f in lines.fields if f.personal]
        if personal and kept.get(lines.name):
            rows = list(lines.model.objects.filter(**{lines.fk: record.pk}))
            shown = {r.pk: v for r, v in zip(rows, masks.opened(rows, personal, full=False), strict=True)}
            kept[lines.name] = [
                {k: v for k, v in row.items() if not (v and shown.get(row.get("id"), {}).get(k) == v)}
                for row in kept[lines.name]
            ]
    return kept


def _stored(record: Any, shape: Shape) -> dict[str, Any]:
    """Field -> (value, display) and lines -> rows of the same, as a form shows them."""
    values: dict[str, Any] = {f.name: _default(f) for f in shape.fields}
    if record is not None:
        plain = [f for f in shape.fields if not f.personal]
        names = masks.names_for([(f, _raw(record, f)) for f in plain])
        values = {f.name: (_as_text(f, _raw(record, f)), names.get((f.ref, _raw(record, f)), "")) for f in plain}
        values |= {name: (text, "") for name, text in masks.opened([record], shape.fields, full=False)[0].items()}
    for lines in shape.lines:
        found = lines.model.objects.filter(**{lines.fk: record.pk}).order_by("id") if record is not None else ()
        rows = [row for row in found if not getattr(row, "erased_at", None)]
        opened = masks.opened(rows, lines.fields, full=False)
        values[lines.name] = [
            {"id": row.pk}
            | {f.name: opened[i][f.name] if f.personal else _as_text(f, _raw(row, f)) for f in lines.fields}
            for i, row in enumerate(rows)
        ] or [{} for _ in range(lines.min)]
    return values


def _default(field: Field) -> tuple[str, str]:
    return ("" if field.default is None else str(field.default), "")


def _raw(record: Any, field: Field) -> Any:
    return getattr(record, f"{field.path}_id" if field.kind in REFERENCE_KINDS else field.path)


def _as_text(field: Field, value: Any) -> str:
    if value is None:
        return ""
    if field.kind == "bool":
        return "on" if value else ""
    if field.kind == "moment" and hasattr(value, "tzinfo"):
        return f"{clock.local(value):%Y-%m-%dT%H:%M}"
    if field.kind in ("money", "quantity"):
        return f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)
    return str(value)


def _values_of(given: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    names = masks.names_for([(f, given[f.name]) for f in shape.fields if str(given.get(f.name, "")).isdecimal()])
    lines = {line.name for line in shape.lines}
    return {
        name: value
        if name in lines
        else (
            value,
            names.get((f.ref, int(value)), "") if (f := shape.field(name)) and f.ref and str(value).isdecimal() else "",
        )
        for name, value in given.items()
    }


def _page(
    resource: Resource,
    shape: Shape,
    record: Any,
    values: Mapping[str, Any],
    *,
    problems: Iterable[Problem] = (),
    conflict: Bag | None = None,
    draft: Draft | None = None,
) -> Bag:
    problems = list(problems)
    url = f"{resource.url_of(record.pk)}edit/" if record else f"{resource.url}new/"
    draft_url = f"{resource.url}draft/{record.pk if record else 0}/"
    sections: dict[str, list[Any]] = {}
    for field in shape.fields:
        sections.setdefault(field.section, []).append(form_field(field, *values[field.name], errors=problems))
    title = (
        str(getattr(record, resource.title)) if record else resource.create.label if resource.create else resource.label
    )
    return Bag(
        label=resource.label,
        title=title,
        url=url,
        cancel_url=resource.url_of(record.pk) if record else resource.url,
        submit_label="保存",
        version=record.version if record else None,
        request_key=uuid.uuid4().hex,
        draft_url=draft_url,
        draft=Bag(saved_at=draft.saved_at, discard_url=f"{draft_url}discard/") if draft else None,
        errors=problems,
        sections=[Bag(label=label, fields=fields) for label, fields in sections.items()],
        lines=[_lines(_about(lines, record), values[lines.name], problems) for lines in shape.lines],
        conflict=conflict,
        asked=" ".join([resource.title, *(f.name for f in shape.fields if f.kind == "uscc")]),
        nearby_url=f"{resource.url}nearby/" if record is None and resource.same_name else "",
        nearby_seen="",
        rows=[],
        warned=(),
        beside=[],
        above=[],
    )


def _about(lines: Lines, record: Any) -> Lines:
    """Lines that are asked about: the address says of which record they are, for what its form does not post."""
    return replace(lines, check=f"{lines.check}?id={record.pk}") if lines.check and record else lines


def _lines(lines: Lines, rows: Sequence[Mapping[str, Any]], problems: list[Problem]) -> Bag:
    if lines.check:
        return _grid(lines, rows, problems)
    shown = []
    for number, row in enumerate(rows):
        fields = [
            form_field(f, row.get(f.name, ""), prefix=f"{lines.name}-{number}-", errors=problems) for f in lines.entered
        ]
        shown.append(Bag(key=number, id=row.get("id"), fields=fields, delete=bool(row.get("delete"))))
    return Bag(
        name=lines.name,
        label=lines.label,
        check="",
        add_label=lines.add_label,
        min=lines.min,
        paste=" ".join(f"{part}:{field}" for part, field in lines.paste),
        rows=shown,
        columns=[form_field(f, "") for f in lines.entered],
    )


def _grid(lines: Lines, rows: Sequence[Mapping[str, Any]], problems: Iterable[Problem]) -> Bag:
    """Lines as a grid: two thousand of them are on the page at once, so that a row is its texts and no more. What is
    folded away stands in hidden inputs where there is something, and is edited in one panel for all rows."""
    columns, folded = ([f for f in lines.entered if f.fold is fold] for fold in (False, True))
    wrong = {p.field: p.message for p in problems}
    refs = [f for f in columns if f.kind in REFERENCE_KINDS]
    names = masks.names_for([(f, int(row[f.name])) for row in rows for f in refs if str(row.get(f.name)).isdecimal()])
    shown = []
    for number, row in enumerate(rows):
        start = f"{lines.name}-{number}-"
        said = {f.name: row.get(f.name) or "" for f in lines.entered}
        texts = {f.name: names.get((f.ref, int(v)), "") if (v := str(said[f.name])).isdecimal()
                 else row.get(f"{f.name}__text", "") for f in refs}  # fmt: skip
        cells = [(f.name, said[f.name], texts.get(f.name, ""), wrong.get(start + f.name, "")) for f in columns]
        rest = [(f.name, said[f.name], wrong.get(start + f.name, "")) for f in folded]
        shown.append(Bag(
            key=number, start=start, id=row.get("id") or "", delete=bool(row.get("delete")), cells=cells,
            rest=[one for one in rest if one[1] or one[2]], wrong="".join(text for *_, text in rest),
        ))  # fmt: skip
    return Bag(
        name=lines.name, label=lines.label, check=lines.check, add_label=lines.add_label, min=lines.min, rows=shown,
        columns={f.name: form_field(f, "") for f in columns},
        folded=[form_field(f, "", prefix="more-") for f in folded],
        told=[Bag(name=f.name, label=f.label, num=f.numeric) for f in lines.told],
        blank=Bag(key="__n__", start=f"{lines.name}-__n__-", id="", delete=False, rest=[], wrong="",
                  cells=[(f.name, "", "", "") for f in columns]),
    )  # fmt: skip


def form_field(field: Field, value: Any, display: str = "", *, prefix: str = "", errors: Iterable[Problem] = ()) -> Bag:
    """A field as the form components take it."""
    name = prefix + field.name
    resource = site().resources.get(field.ref)
    kind = {"mobile": "phone", "quantity": "number", "percent": "number", "state": "choice", "code": "text"}.get(
        field.kind, field.kind
    )
    error = next((p.message for p in errors if p.field == name), "")
    return Bag(
        name=name,
        label=field.label,
        kind=kind,
        value="" if value is None else value,
        display=display,
        choices=[(c.value, c.label) for c in field.choices],
        required=field.required,
        help=field.help,
        error=error,
        span=field.span,
        fold=field.fold,
        readonly=False,
        picker_url=f"{resource.url}pick/" if resource else "",
        maxlength=field.maxlength if field.python_type is str else None,
        inputmode="decimal" if field.numeric else "tel" if kind == "phone" else "",
        autocomplete="off",
    )


@screen("")
@require_POST
def split(request: Any) -> JsonResponse:
    """The parts of a pasted address. A POST: it is personal and does not belong into an address of ours."""
    try:
        found = formats.split_address(request.POST.get("text", "")[:500])
    except formats.BadFormat as problem:
        return JsonResponse({"problem": str(problem)}, status=422)
    return JsonResponse({part: getattr(found, part) for part in ("name", "phone", "region", "street")})


@require_POST
def draft(request: Any, resource: Resource, record_id: int) -> HttpResponse:
    """Keep the form as it stands, encrypted; nothing is checked."""
    _may_write(request.person, resource, record_id)
    pairs = [
        (k, v) for k in request.POST for v in request.POST.getlist(k) if k not in ("csrfmiddlewaretoken", "request_key")
    ]
    body = seal_blob(urlencode(pairs).encode())
    Draft.objects.update_or_create(
        person_id=request.person.id,
        resource=resource.key,
        record_id=record_id,
        defaults={"body": body, "saved_at": clock.now()},
    )
    return HttpResponse(status=204)


@require_POST
def discard(request: Any, resource: Resource, record_id: int) -> HttpResponse:
    """Throw the draft away and begin from what is stored."""
    _may_write(request.person, resource, record_id)
    Draft.objects.filter(person_id=request.person.id, resource=resource.key, record_id=record_id).delete()
    return HttpResponseRedirect(f"{resource.url_of(record_id)}edit/" if record_id else f"{resource.url}new/")


def _may_write(person: Any, resource: Resource, record_id: int) -> None:
    action = resource.edit if record_id else resource.create
    if action is None or not person.may(action.may):
        raise Http404
    if record_id:
        record_or_404(resource, person, record_id)
