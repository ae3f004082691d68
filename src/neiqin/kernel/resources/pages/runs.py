"""Actions from the screen: the dialog with its parameters, the preview, and a result for each record."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from markupsafe import Markup, escape

from neiqin.kernel.actions.declare import Action
from neiqin.kernel.actions.perform import PREVIEW_LIMIT, perform, preview
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, Outcome, TooSlow
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.resources import masks
from neiqin.kernel.resources.pages.forms import form_field, held_reason
from neiqin.kernel.resources.pages.screen import Bag, record_or_404, render, sent_key
from neiqin.kernel.resources.resource import Resource, site

MOST = 10_000


def run(request: Any, resource: Resource, name: str, record_id: int | None = None) -> HttpResponse:
    """GET: the dialog; POST: perform (or, with `preview` in the address, only preview)."""
    action, ids = _meant(request, resource, name, record_id)
    if request.method != "POST":
        return _dialog(request, resource, action, ids, {}, [])
    given = {f.name: request.POST[f.name] for f in action.shape.fields if f.name in request.POST}
    if "preview" in request.GET:
        return _preview(request, resource, action, ids, given)
    try:
        outcome = perform(
            action,
            ids,
            by=request.person,
            params=given,
            key=sent_key(request.POST),
            source="web",
            confirmed=request.POST.get("confirmed", "")[:2000].split(),
        )
    except Invalid as error:
        return _dialog(request, resource, action, ids, given, error.problems, status=422)
    except (KeyReused, TooSlow, NotAllowed) as error:
        return _dialog(request, resource, action, ids, given, [Problem("", "", str(error))], status=409)
    if record_id is not None and (refused := outcome.refused.get(record_id)):
        label = next((f.label for f in action.shape.fields if f.name == refused.field), "")
        problem = Problem(refused.field, label, refused.text)
        confirm = " ".join(w["confirm"] for w in refused.data) if refused.code == "warned" else ""
        return _dialog(request, resource, action, ids, given, [problem], status=409, confirm=confirm)
    return _results(request, resource, action, ids, outcome)


def _meant(request: Any, resource: Resource, name: str, record_id: int | None) -> tuple[Action, list[int]]:
    """The action and the records. Raises Http404 for what is not there, not visible or not allowed."""
    action = next((a for a in resource.actions if a.name == name), None)
    ids = _ids(request, record_id)
    if record_id is not None and action is not None:
        record_or_404(resource, request.person, record_id)
    if action is None or not ids or not request.person.may(action.may):
        raise Http404
    return action, ids


def _ids(request: Any, record_id: int | None) -> list[int]:
    if record_id is not None:
        return [record_id]
    given = request.POST.getlist("id") or request.GET.getlist("id")
    return [int(i) for i in given[:MOST] if i.isdecimal() and int(i) < 2**63]


def _dialog(
    request: Any,
    resource: Resource,
    action: Action,
    ids: list[int],
    given: Mapping[str, str],
    problems: Iterable[Problem],
    status: int = 200,
    confirm: str = "",
) -> HttpResponse:
    problems = list(problems)
    page = _frame(request, resource, action, ids, given, problems)
    page.confirm = confirm
    if not problems and not any(f.required for f in action.shape.fields) and len(ids) <= PREVIEW_LIMIT:
        page.preview = _previewed(request, resource, action, ids, given)
    return _answer(request, page, status)


def _frame(
    request: Any, resource: Resource, action: Action, ids: list[int], given: Mapping[str, str], problems: list[Problem]
) -> Bag:
    model = resource.model
    rows = model.objects.filter(model.visible_to(request.person), pk__in=ids[:50]).values_list("pk", resource.title)
    query = (
        "&".join(f"id={i}" for i in ids)
        if len(ids) > 1 or request.resolver_match.kwargs.get("record_id") is None
        else ""
    )
    url = request.path + (f"?{query}" if query else "")
    return Bag(
        label=action.label,
        verb=action.label,
        records=[Bag(label=t, url=resource.url_of(i)) for i, t in rows],
        count=len(ids),
        fields=[form_field(f, given.get(f.name, f.default), errors=problems) for f in action.shape.fields],
        url=url,
        request_key=given.get("request_key") or uuid.uuid4().hex,
        danger=action.danger,
        submit_label=action.label if len(ids) == 1 else f"{action.label} {len(ids):,} {resource.noun}",
        preview=None,
        preview_url=url + ("&" if query else "?") + "preview=1" if len(ids) <= PREVIEW_LIMIT else "",
        results=None,
        errors=problems,
        confirm="",
    )


def _answer(request: Any, page: Bag, status: int) -> HttpResponse:
    block = "dialog" if request.headers.get("HX-Request") == "true" else None
    return render(request, "action.html", page, block=block, status=status)


def _preview(
    request: Any, resource: Resource, action: Action, ids: list[int], given: Mapping[str, str]
) -> HttpResponse:
    page = _frame(request, resource, action, ids, given, [])
    page.preview = _previewed(request, resource, action, ids, given)
    return render(request, "action.html", page, block="preview")


def _previewed(
    request: Any, resource: Resource, action: Action, ids: list[int], given: Mapping[str, str]
) -> Bag | None:
    try:
        outcome = preview(action, ids, by=request.person, params=given)
    except Invalid:
        return None
    except (NotAllowed, TooSlow, ValueError) as error:
        return Bag(summary=[str(error)], changes=[])
    return Bag(
        summary=[r.text for r in list(outcome.refused.values())[:5]], changes=visible_changes(outcome, request.person)
    )


def visible_changes(outcome: Outcome, person: Any) -> list[Bag]:
    """The previewed changes this person may see, in words: rows in scope, fields by right, personal values as dots."""
    rows = [(c, *found) for c in outcome.changes if (found := site().of_table(c.table))]
    masks.open_names(c for c, *_ in rows)
    roots = _roots(rows)
    allowed = _rows_in_scope(rows, roots, person)
    told: dict[str, list[tuple[Field, str]]] = {}
    cells: list[tuple[Any, Field, Any, Any, str]] = []
    for (change, resource, lines), root in zip(rows, roots, strict=True):
        if (resource.key, root) not in allowed:
            continue
        if change.table not in told:
            told[change.table] = _told(resource, lines, person)
        for field, column in told[change.table]:
            if column in change.after or column in change.before:
                cells.append((root, field, change.before.get(column), change.after.get(column), resource.key))
    names = masks.names_for([(f, v) for _, f, b, a, _ in cells for v in (b, a)])
    titles = {key: site().names(key, list({c[0] for c in cells if c[4] == key})) for key in {c[4] for c in cells}}
    return [
        Bag(
            record=titles[key].get(root, "新的"),
            label=f.label,
            before=masks.text(f, b, names),
            after=masks.text(f, a, names),
        )
        for root, f, b, a, key in cells
    ]


def _told(resource: Resource, lines: Any, person: Any) -> list[tuple[Field, str]]:
    """The fields of a table that this person is told of, with their columns."""
    model, fields = (lines.model, lines.fields) if lines else (resource.model, resource.fields)
    return [
        (field.but(label=f"{lines.label} {field.label}") if lines else field, masks.column_of(model, field))
        for field in fields if field.name not in ("updated_at", "created_at") and person.may(field.right)
    ]  # fmt: skip


def _roots(rows: Sequence[tuple[Any, Resource, Any]]) -> list[int]:
    """The record that each changed row belongs to: one query for each kind of lines, however many there are."""
    said: list[int | None] = []
    asked: dict[str, tuple[Any, str, list[int]]] = {}
    for change, _, lines in rows:
        column = lines.model._meta.get_field(lines.fk).column if lines else ""
        said.append((change.after.get(column) or change.before.get(column)) if lines else change.row)
        if said[-1] is None:
            asked.setdefault(change.table, (lines.model, column, []))[2].append(change.row)
    found = {
        (table, pk): root for table, (model, column, ids) in asked.items()
        for pk, root in model.objects.filter(pk__in=ids).values_list("pk", column)
    }  # fmt: skip
    return [
        root or found.get((change.table, change.row), 0) for (change, *_), root in zip(rows, said, strict=True)
    ]  # fmt: skip


def _rows_in_scope(
    rows: Sequence[tuple[Any, Resource, Any]], roots: Sequence[int], person: Any
) -> set[tuple[str, int]]:
    """Asked after the rollback, so records that the run would create are the person's own doing and shown."""
    wanted: dict[str, set[int]] = {}
    made = set()
    for (change, resource, lines), root in zip(rows, roots, strict=True):
        wanted.setdefault(resource.key, set()).add(root)
        if change.op == "I" and lines is None and resource.create and person.may(resource.create.may):
            made.add((resource.key, change.row))
    for key, ids in wanted.items():
        model = site().resources[key].model
        made |= {
            (key, i) for i in model.objects.filter(model.visible_to(person), pk__in=ids).values_list("pk", flat=True)
        }
    return made


def _results(request: Any, resource: Resource, action: Action, ids: list[int], outcome: Outcome) -> HttpResponse:
    page = _frame(request, resource, action, ids, {}, [])
    done = set(outcome.done)
    titles = site().names(resource.key, [i for i in ids if i in done or i in outcome.refused])
    visible = {r.url for r in page.records}
    said = {i: r.text for i, r in outcome.refused.items()}
    waiting = {i for i, r in outcome.refused.items() if r.code == "held"}  # on their way, and nothing went wrong
    if outcome.held:
        page.results = [
            Bag(label=titles.get(i, ""), url=resource.url_of(i), ok=True, waits=True, message=held_reason(outcome.held))
            for i in ids
        ]
        return _answer(request, page, 200)
    revealed = _revealed(resource, action, outcome, request.person)
    page.results = [
        Bag(
            label=titles.get(i, f"#{i}") if i in done or resource.url_of(i) in visible else f"#{i}",
            url=site().resources[resource.kind if i in done else resource.key].url_of(i),
            ok=i not in said or i in waiting,
            waits=i in waiting,
            message=said.get(i, revealed.get(i, "")),
        )
        for i in ids
    ]
    return _answer(request, page, 200)


def _revealed(resource: Resource, action: Action, outcome: Outcome, person: Any) -> dict[int, Markup]:
    """What the revealing action was for: the personal values in full, once, on this answer only."""
    if action is not resource.reveals:
        return {}
    found: dict[int, list[Markup]] = {}
    for lines in resource.lines_for(person):
        rows = list(lines.model.objects.filter(**{f"{lines.fk}__in": outcome.done}).order_by("id"))
        for row, values in zip(rows, masks.opened(rows, lines.fields, full=True), strict=True):
            first = next((values.get(f.name) or getattr(row, f.path) for f in lines.fields if not f.hidden), "")
            shown = Markup("，").join(_in_full(f, values[f.name]) for f in lines.fields if f.hidden and values[f.name])
            if shown:
                found.setdefault(getattr(row, row._meta.get_field(lines.fk).attname), []).append(
                    Markup("{} {}").format(first, shown)
                )
    return {i: Markup("；").join(texts) for i, texts in found.items()}


def _in_full(field: Field, value: str) -> Markup:
    """A number can be called at once."""
    if field.kind in ("mobile", "phone"):
        return Markup('<a class="link cd" href="tel:{}">{}</a>').format(value.replace(" ", ""), value)
    return escape(value)
