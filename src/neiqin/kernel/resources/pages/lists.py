"""The list page, its fragments and the person's own views, columns and widths."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from neiqin.kernel import clock
from neiqin.kernel.fields import formats
from neiqin.kernel.fields.conditions import OPERATORS, SPANS, describe, family
from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.resources import finding, masks
from neiqin.kernel.resources.listing import COUNT_CAP, SIZES, BadQuery, Listing, Query
from neiqin.kernel.resources.models import Layout, SavedView
from neiqin.kernel.resources.pages.screen import Bag, render
from neiqin.kernel.resources.resource import Resource, site


def show(request: Any, resource: Resource) -> HttpResponse:
    """A page of the list; for htmx only its listing."""
    person = request.person
    layout = Layout.objects.filter(person_id=person.id, resource=resource.key).first()
    error, listing, query = None, None, Query(size=SIZES[0])
    try:
        query = Query.read(request.GET, size=layout.size if layout and layout.size else 50)
        listing = Listing(resource, person, query)
        columns = shown_columns(resource, person, layout)
        found = listing.page(columns)
    except BadQuery as problem:
        error, found, columns = str(problem), None, shown_columns(resource, person, layout)
    page = _frame(request, resource, person, query, layout, columns)
    page.error = error
    if listing is not None and found is not None:
        _fill(page, resource, listing, found, columns)
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"
    return render(request, "list.html", page, block="listing" if fragment else None, status=400 if error else 200)


def shown_columns(resource: Resource, person: Any, layout: Layout | None) -> list[Field]:
    """The columns of a list: those of the layout, else the declared ones; only what this person may see."""
    known = {n: f for n, f in resource.fields_for(person).items() if not f.hidden}
    chosen = [known[n] for n in (layout.columns if layout else ()) if n in known]
    return chosen or [f for f in known.values() if f.list]


def _frame(
    request: Any, resource: Resource, person: Any, query: Query, layout: Layout | None, columns: list[Field]
) -> Bag:
    known = resource.fields_for(person)
    tools = [t for m in site().modules for make in m.tools for t in make(resource, person, _here(query))]
    can_create = resource.create is not None and person.may(resource.create.may)
    return Bag(
        label=resource.label,
        noun=resource.noun,
        url=resource.url,
        icon=resource.icon,
        q=query.q,
        error=None,
        new=Bag(label=resource.create.label, url=f"{resource.url}new/", key="N")
        if can_create and resource.create
        else None,
        views=_views(resource, person, query),
        save_view_url=f"{resource.url}views/",
        chips=_chips(resource, query, known),
        filters=[_filter(f) for f in known.values() if f.filter],
        filter_url=query.address(resource.url),
        sorts=_sorts(resource, query, known),
        columns=[_column(resource, f, query, layout) for f in columns],
        all_columns=[Bag(name=f.name, label=f.label, shown=f in columns) for f in known.values() if not f.hidden],
        columns_url=f"{resource.url}columns/",
        rows=[],
        totals=None,
        count_text="",
        count_url=None,
        page_text="",
        prev_url="",
        next_url="",
        size=query.size,
        sizes=[Bag(n=n, url=query.address(resource.url, size=n), current=n == query.size) for n in SIZES],
        actions=[
            Bag(
                name=a.name,
                label=a.label,
                icon=a.icon,
                danger=a.danger,
                key=a.key,
                url=f"{resource.url}do/{a.name}/",
                page=False,
            )
            for a in resource.actions
            if a.bulk and person.may(a.may)
        ]
        + [
            Bag(name="", label=t.label, icon=t.icon, danger=False, key="", url=t.url, page=not t.dialog)
            for t in tools
            if t.rows and not t.one
        ],
        tools=[t for t in tools if not t.rows],
        empty=None,
    )


def _fill(page: Bag, resource: Resource, listing: Listing, found: Any, columns: list[Field]) -> None:
    query = listing.query
    title = next((i for i, f in enumerate(columns) if f.path == resource.title), 0)
    marks = site().marks(resource.kind, found.ids)
    if marks:
        page.columns[title].marked = True
    page.rows = [
        Bag(id=i, url=resource.url_of(i), label=str(cells[title]), cells=cells, muted=False, marks=marks.get(i, ()))
        for i, cells in zip(found.ids, found.cells, strict=True)
    ]
    count = listing.count()
    page.count_text = f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}"
    page.prev_url = query.address(resource.url, before=found.before) if found.before else ""
    page.next_url = query.address(resource.url, after=found.after) if found.after else ""
    totals = listing.page_totals(found, columns)
    page.totals = totals if any(v is not None for v in totals.values()) else None
    if not found.ids:
        page.empty = _empty(resource, listing, page)


def _empty(resource: Resource, listing: Listing, page: Bag) -> Bag:
    """Which filter to drop to see how many (DESIGN section 7, 5)."""
    query, links = listing.query, []
    for chip in page.chips:
        rest = tuple(c for c in query.conditions if c is not chip.condition)
        count = Listing(resource, listing.person, Query(query.q, rest, query.sort)).count()
        if count:
            shown = f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}"
            links.append(Bag(label=f"去掉「{chip.label}」，看 {shown} {resource.noun}", url=chip.remove_url))
    if query.q:
        links.append(Bag(label="清空搜索", url=query.address(resource.url, q="")))
    if query.conditions or query.q:
        return Bag(title=f"没有符合条件的{resource.label}", text="放宽一个条件再看。", links=links)
    new = [Bag(label=page.new.label, url=page.new.url)] if page.new else []
    return Bag(title=f"还没有{resource.label}", text=f"你能看到的范围里还没有{resource.label}。", links=new)


def _here(query: Query) -> str:
    return query.address("", size=50).removeprefix("?")


def _views(resource: Resource, person: Any, query: Query) -> list[Bag]:
    here = _here(query)
    views = [Bag(label="全部", url=resource.url, current=not here, count=None, hot=False, mine=False, delete_url="")]
    views += [
        Bag(
            label=view.name,
            url=f"{resource.url}?{view.query}",
            current=view.query == here,
            count=None,
            hot=False,
            mine=True,
            delete_url=f"{resource.url}views/{view.pk}/delete/",
        )
        for view in SavedView.objects.filter(person_id=person.id, resource=resource.key).order_by("id")[:20]
    ]
    return views


def _chips(resource: Resource, query: Query, known: dict[str, Field]) -> list[Bag]:
    pairs = [(known[c["field"]], c) for c in query.conditions if c["field"] in known]
    values = [
        (f, v) for f, c in pairs if f.kind in REFERENCE_KINDS for v in str(c["value"]).split(",") if v.isdecimal()
    ]
    names = {
        (f.kind, key[1]): name for f, _ in values for key, name in masks.names_for(values).items() if key[0] == f.ref
    }
    chips = []
    for _, condition in pairs:
        try:
            label, text = describe(condition, known, names)
        except (KeyError, ValueError):
            continue
        rest = tuple(c for c in query.conditions if c is not condition)
        chips.append(
            Bag(label=label, text=text, remove_url=query.address(resource.url, conditions=rest), condition=condition)
        )
    return chips


def filter_words(resource: Resource, person: Any, query: Query) -> str:
    """What a list is narrowed to, in words."""
    chips = [f"{c.label} {c.text}" for c in _chips(resource, query, resource.fields_for(person))]
    return "；".join([*([f"搜「{finding.told(query.q)}」"] if query.q else []), *chips]) or "全部"


def _filter(field: Field) -> Bag:
    kind = family(field)
    resource = site().resources.get(field.ref)
    choices = [(c.value, c.label) for c in field.choices] or ([("1", "是"), ("0", "否")] if kind == "bool" else [])
    ops = [o for o in OPERATORS[kind] if o[0] != "span"]
    if kind == "date":
        ops, choices = [("span", "在")], list(SPANS.items())
    return Bag(
        name=field.name,
        label=field.label,
        kind=field.kind,
        ops=ops,
        choices=choices,
        picker_url=f"{resource.url}pick/" if resource else "",
    )


def _sorts(resource: Resource, query: Query, known: dict[str, Field]) -> list[Bag]:
    current = query.sort or resource.fast_sorts[0]
    labels = {f.sort or f.path: f.label for f in known.values()}
    fast = [(s, labels.get(s.lstrip("-"), s)) for s in resource.fast_sorts]
    slow = [(f"-{f.path}", f.label) for f in known.values() if f.sortable]
    found = []
    for sort, label in fast + slow:
        same = sort.lstrip("-") == current.lstrip("-")
        turned = (current[1:] if current.startswith("-") else f"-{current}") if same else sort
        found.append(Bag(label=f"按{label}", url=query.address(resource.url, sort=turned), current=same))
    return found


def _column(resource: Resource, field: Field, query: Query, layout: Layout | None) -> Bag:
    column = field.sort or field.path
    fast = {s.lstrip("-"): s for s in resource.fast_sorts}
    current = query.sort or resource.fast_sorts[0]
    direction = ("desc" if current.startswith("-") else "asc") if current.lstrip("-") == column else ""
    first = fast.get(column, f"-{column}" if field.numeric or field.kind == "moment" else column)
    target = (column if direction == "desc" else f"-{column}") if direction else first
    kind = {"quantity": "number", "mobile": "phone"}.get(field.kind, field.kind)
    return Bag(
        name=field.name,
        label=field.label + ("（元）" if kind == "money" else ""),
        kind=kind,
        css="num" if field.numeric else "",
        pri=field.pri,
        width=int((layout.widths if layout else {}).get(field.name, field.width)),
        sort_dir=direction,
        sort_url=query.address(resource.url, sort=target) if column in fast or field.sortable else "",
        c=field.role,
        marked=False,
    )


@require_POST
def columns(request: Any, resource: Resource) -> HttpResponse:
    """Keep the person's columns (`column`, in order), one width (`width` = name:pixels), or go back to the default."""
    known = resource.fields_for(request.person)
    layout, _ = Layout.objects.get_or_create(person_id=request.person.id, resource=resource.key)
    if request.POST.get("reset"):
        layout.columns, layout.widths, layout.size = [], {}, 0
    elif "width" in request.POST:
        name, _, pixels = request.POST["width"].partition(":")
        if name in known and pixels.isdecimal():
            layout.widths[name] = min(int(pixels[:5]), 800)
    else:
        layout.columns = [n for n in request.POST.getlist("column") if n in known]
    layout.save()
    return HttpResponse(status=204) if "width" in request.POST else HttpResponseRedirect(_back(request, resource))


@require_POST
def save_view(request: Any, resource: Resource) -> HttpResponse:
    """Keep the present filter and sort under a name."""
    try:
        name = formats.clean_text(request.POST.get("name", ""), 20)
        query = formats.clean_text(request.POST.get("query", ""), 2000)
    except formats.BadFormat:
        return HttpResponseRedirect(resource.url)
    if name:
        SavedView.objects.update_or_create(
            person_id=request.person.id,
            resource=resource.key,
            name=name,
            defaults={"query": query, "created_at": clock.now()},
        )
    return HttpResponseRedirect(f"{resource.url}?{query}" if query else resource.url)


@require_POST
def delete_view(request: Any, resource: Resource, view: int) -> HttpResponse:
    """Forget a view of one's own."""
    SavedView.objects.filter(pk=view, person_id=request.person.id, resource=resource.key).delete()
    return HttpResponseRedirect(resource.url)


def _back(request: Any, resource: Resource) -> str:
    target = request.POST.get("next", "")
    return target if target.startswith(resource.url) and "\n" not in target else resource.url
