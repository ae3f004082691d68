"""The record page: facts, lines, related records, panels, timeline, and why somebody can see it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel.fields.field import Field
from neiqin.kernel.resources import masks, reading, timeline
from neiqin.kernel.resources.listing import Listing, Query
from neiqin.kernel.resources.pages.screen import Bag, record_or_404, render
from neiqin.kernel.resources.resource import Resource, seen_by, site

RELATED_MOST = 20


def show(request: Any, resource: Resource, record_id: int) -> HttpResponse:
    """The page of one record."""
    person = request.person
    if "old" not in request.GET and (moved := _moved(resource, person, record_id)):
        return HttpResponseRedirect(moved)
    record = opened(resource, person, record_id)
    known = resource.fields_for(person)
    edit = resource.edit
    may_edit = edit is not None and edit.allows_state(getattr(record, "state", None)) and _may(person, edit.may, record)
    items, more = timeline.of(resource, record, person)
    return render(
        request,
        "record.html",
        Bag(
            label=resource.label,
            list_url=resource.url,
            number=str(getattr(record, resource.number or resource.title)),
            title=str(getattr(record, resource.title)),
            subtitle=[],
            state=state(resource, record),
            marks=site().marks(resource.kind, [record.pk]).get(record.pk, []),
            figure=_figure(known.get(resource.figure), record),
            notes=list(resource.notes(record, person)) if resource.notes else [],
            steps=list(resource.steps(record)) if resource.steps else [],
            facts=facts(resource, known, record),
            tabs=[
                *line_tabs(resource, record, person),
                *_related_tabs(resource, record, person),
                *_panels(resource, record, person),
            ],
            related=[],
            timeline=items,
            timeline_more_url=f"{resource.url_of(record.pk)}timeline/?before={more}" if more else "",
            actions=[*_actions(resource, record, person), *_tools(resource, record, person)],
            edit_url=f"{resource.url_of(record.pk)}edit/" if may_edit else "",
            prev_url="",
            next_url="",
            position_text="",
            why_url=f"{resource.url_of(record.pk)}why/" if hasattr(record, "owner_id") else "",
            comment_url=None,
        ),
    )


def opened(resource: Resource, person: Any, record_id: int) -> Any:
    """The record, which this person opens to read it: counted, and refused beyond what is allowed. Raises Http404,
    PermissionDenied with a sentence."""
    record = record_or_404(resource, person, record_id)
    if resource.opening and (refusal := resource.opening(record, person)):
        raise PermissionDenied(refusal)
    reading.note(resource, person, record.pk)
    return record


def _figure(field: Field | None, record: Any) -> Bag | None:
    """The large figure at the head of the page."""
    return Bag(label=field.label, value=getattr(record, field.path)) if field is not None else None


def _moved(resource: Resource, person: Any, record_id: int) -> str:
    """Where a record is now that went into another one, or was shown in another light before; "" if it is here, or if
    the person may not see where it is."""
    main = site().resources[resource.kind]
    gone = site().moved.get(resource.kind)
    if record_id < 2**63 and gone and (target := gone(record_id)):
        return _seen(main, person, target)
    if main is resource or record_id >= 2**63 or resource.model.objects.filter(pk=record_id).exists():
        return ""
    return _seen(main, person, record_id)


def _seen(resource: Resource, person: Any, record_id: int) -> str:
    """The address of a record this person may see, else ""."""
    rows = resource.model.objects.filter(resource.model.visible_to(person), pk=record_id)
    return resource.url_of(record_id) if person.may(resource.view_permission) and rows.exists() else ""


def why(request: Any, resource: Resource, record_id: int) -> HttpResponse:
    """Who can see this record, and why, in words."""
    record = record_or_404(resource, request.person, record_id)
    if not hasattr(record, "explain"):
        raise Http404
    return render(
        request, "why.html", Bag(sentences=[Bag(person=masks.Face(i, n), sentences=s) for i, n, s in record.explain()])
    )


def more_timeline(request: Any, resource: Resource, record_id: int) -> HttpResponse:
    """Older items of the timeline, as a fragment."""
    record = record_or_404(resource, request.person, record_id)
    before = request.GET.get("before", "")
    if not before.isdecimal() or len(before) > 18:
        raise Http404
    items, more = timeline.of(resource, record, request.person, before=int(before))
    url = f"{resource.url_of(record.pk)}timeline/?before={more}" if more else ""
    return render(request, "record.html", Bag(timeline=items, timeline_more_url=url), block="timeline")


def facts(resource: Resource, known: dict[str, Field], record: Any) -> list[Bag]:
    """What is known of a record, field by field, personal values masked; what is empty is left out."""
    fields = [f for f in known.values() if f.path != resource.title and f.kind != "state" and f.name != "number"]
    plain = [f for f in fields if not f.personal]
    row = type(record).objects.filter(pk=record.pk).values_list(*masks.paths(plain)).first()
    values = dict(zip((f.name for f in plain), masks.shown(plain, row or ()), strict=True))
    values |= masks.opened([record], fields, full=False)[0]
    return [
        Bag(
            label=f.label,
            kind=_kind(f),
            value=values[f.name],
            field=f.name,
            masked=f.hidden,
            reveal_url="",
            section=_section(f),
        )
        for f in fields
        if values[f.name] not in (None, "") and (f.form or values[f.name] is not False)
    ]


def _section(field: Field) -> str:
    """Where on the page a fact stands: "" is on top; what nobody types comes last."""
    return field.section or ("" if field.form or field.role in ("st", "who") else "记录")


def _kind(field: Field) -> str:
    return {"quantity": "number", "mobile": "phone"}.get(field.kind, field.kind)


def state(resource: Resource, record: Any) -> Bag | None:
    """The state as a label with tone and ring; None for records without states."""
    field = next((f for f in resource.fields if f.kind == "state"), None)
    if field is None:
        return None
    choice = field.choice(getattr(record, field.path))
    return Bag(label=choice.label, tone=choice.tone, p=choice.part)


def _actions(resource: Resource, record: Any, person: Any) -> list[Bag]:
    """Buttons: what the declaration allows in this state, to this person on this record."""
    now = getattr(record, "state", None)
    return [
        Bag(
            name=action.name,
            label=action.label,
            icon=action.icon,
            key=action.key,
            primary=action.primary,
            danger=action.danger,
            url=f"{resource.url_of(record.pk)}{action.name}/",
            dialog=True,
        )
        for action in resource.actions
        if action.button
        and action.allows_state(now)
        and _may(person, action.may, record)
        and (action.offered is None or action.offered(record))
    ]


def _tools(resource: Resource, record: Any, person: Any) -> list[Bag]:
    """What the manifests offer for chosen rows, for this one."""
    tools = [t for m in site().modules for make in m.tools for t in make(resource, person, "") if t.rows]
    now = getattr(record, "state", None)
    return [
        Bag(name="", label=t.label, icon=t.icon, key="", primary=t.primary, danger=False,
            url=f"{t.url}&id={record.pk}", dialog=t.dialog)
        for t in tools if not t.states or now in t.states
    ]  # fmt: skip


def _may(person: Any, permission: str, record: Any) -> bool:
    """Is this record inside the person's scope for the permission? (A collaborator is told by the action itself.)"""
    scope = person.scope(permission)
    owned = hasattr(record, "owner_id")
    if not person.may(permission):
        return False
    if not owned or scope is None or scope.covers(record.owner_id, record.unit_id):
        return True
    rows = type(record).objects.filter(pk=record.pk)
    return bool(scope.jobs) and rows.filter(type(record).visible_to(person, permission)).exists()


def line_tabs(resource: Resource, record: Any, person: Any) -> list[Bag]:
    """The lines of a record that exist for this person, a table a kind; a form's lines that are shown in another way
    (`kept`) once."""
    tabs = []
    otherwise = {lines.model for lines in resource.kept}
    form = [lines for lines in resource.shape.lines if lines.model not in otherwise]
    for lines in seen_by(person, (*form, *resource.kept)):
        rows = list(lines.model.objects.filter(**{lines.fk: record.pk}).order_by("id"))
        plain = [f for f in lines.fields if not f.personal]
        read = lines.model.objects.filter(**{lines.fk: record.pk}).order_by("id").values_list(*masks.paths(plain))
        shown = [dict(zip((f.name for f in plain), masks.shown(plain, r), strict=True)) for r in read]
        opened = masks.opened(rows, lines.fields, full=False)
        values = [one | other for one, other in zip(opened, shown, strict=True)]
        fields = [f for f in lines.fields if not f.fold or any(row[f.name] for row in values)]
        cells = [[row[f.name] for f in fields] for row in values]
        tabs.append(
            Bag(
                id=lines.name,
                label=lines.label,
                count=len(rows),
                columns=columns_of(fields),
                html="",
                rows=[Bag(id=r.pk, url="", label="", cells=c, muted=False) for r, c in zip(rows, cells, strict=True)],
                empty_text=f"还没有{lines.label}。",
            )
        )
    return tabs


def columns_of(fields: Any) -> list[Bag]:
    """Columns of a plain table."""
    return [
        Bag(
            name=f.name,
            label=f.label,
            kind=_kind(f),
            css="num" if f.numeric else "",
            pri=f.pri,
            width=0,
            sort_url="",
            sort_dir="",
            c=f.role,
        )
        for f in fields
    ]


def _related_tabs(resource: Resource, record: Any, person: Any) -> list[Bag]:
    tabs = []
    for related in resource.related:
        other = site().resources.get(related.resource)
        if other is None or not person.may(other.view_permission):
            continue
        known = other.fields_for(person)
        fields = [known[n] for n in related.fields if n in known]
        query = Query(conditions=({"field": related.fk, "op": "in", "value": str(record.pk)},), size=RELATED_MOST)
        page = Listing(other, person, query).page(fields)
        rows = [
            Bag(id=i, url=other.url_of(i), label="", cells=c, muted=False)
            for i, c in zip(page.ids, page.cells, strict=True)
        ]
        tabs.append(
            Bag(
                id=other.key.replace(".", "-"),
                label=related.label,
                count=f"{len(rows)}+" if page.after else len(rows),
                columns=columns_of(fields),
                rows=rows,
                html="",
                empty_text=f"还没有{related.label}。",
            )
        )
    return tabs


def _panels(resource: Resource, record: Any, person: Any) -> list[Any]:
    makers = (*site().panels.get(resource.key, ()), *site().panels.get("*", ()))
    return [panel for make in makers if (panel := make(record, person)) is not None]
