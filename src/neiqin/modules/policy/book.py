"""The book of regulations: a chapter, or what words and state find in all of it; each clause with its screen."""

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse

from neiqin.kernel.resources.listing import BadQuery, Listing, Query
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.modules.policy import places
from neiqin.modules.policy import resources as declared
from neiqin.modules.policy.models import Clause
from neiqin.modules.policy.shipped import DONE, OFF, PART

BOOK, ALL, MOST = "/policy/", "all", 1000
CHAPTERS = {c.value: c.label for c in declared.CHAPTERS}
READ = (
    declared.CODE,
    declared.CHAPTER,
    declared.NAME,
    declared.TEXT,
    declared.KIND,
    declared.SOURCES,
    declared.STATE,
)


@screen("")
def show(request: Any) -> HttpResponse:
    """A chapter; the whole book where words or a state are asked for; for htmx only its listing."""
    asked = {name: request.GET.get(name, "")[:100] for name in ("q", "state", "chapter")}
    if asked["chapter"] not in CHAPTERS:
        narrowed = asked["q"] or asked["state"] or asked["chapter"] == ALL
        asked["chapter"] = ALL if narrowed else next(iter(CHAPTERS))
    error, parts = "", []
    try:
        parts = _parts(request, asked)
    except BadQuery as problem:
        error = str(problem)
    page = Bag(
        url=BOOK,
        list_url=declared.clause.url,
        parts=parts,
        shown=sum(len(part.rows) for part in parts),
        error=error,
        whole=_address(asked | {"q": "", "state": "", "chapter": ALL}),
        **asked,
        **_around(asked),
    )
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"
    block = "listing" if fragment else None
    return render(request, "policy/book.html", page, block=block, status=400 if error else 200)


def _parts(request: Any, asked: dict[str, str]) -> list[Bag]:
    """The clauses in the order of the book, by chapter."""
    given = {"state": asked["state"], "chapter": "" if asked["chapter"] == ALL else asked["chapter"]}
    conditions = tuple({"field": name, "op": "in", "value": value} for name, value in given.items() if value)
    query = Query(Query.read(request.GET).q, conditions, size=MOST)
    found = Listing(declared.clause, request.person, query).page(READ)
    parts: dict[str, list[Bag]] = {}
    for pk, (code, chapter, name, text, kind, sources, state) in zip(found.ids, found.cells, strict=True):
        row = Bag(url=declared.clause.url_of(pk), code=code, name=name, text=text, kind=kind, state=state)
        row.sources, row.place = sources.split("、"), places.of(code, request.person)
        parts.setdefault(chapter, []).append(row)
    return [Bag(label=chapter, rows=rows) for chapter, rows in parts.items()]


def _around(asked: dict[str, str]) -> dict[str, Any]:
    """What stands around the rows: how far the whole book is carried out, its chapters, its states."""
    counts = Counter(Clause.objects.values_list("chapter", "state"))
    states, total = Counter[str](), Counter[str]()
    for (chapter, state), count in counts.items():
        states[state] += count
        total[chapter] += count
    views = [Bag(label="全部", count=total.total(), url=_address(asked | {"state": ""}), current=not asked["state"])]
    views += [
        Bag(
            label=c.label,
            count=states[c.value],
            url=_address(asked | {"state": c.value, "chapter": ALL}),
            current=asked["state"] == c.value,
        )
        for c in declared.STATES
        if states[c.value] or c.value != OFF
    ]
    chapters = [
        Bag(
            label=label,
            done=counts[code, DONE],
            total=total[code],
            url=_address(asked | {"chapter": code}),
            current=asked["chapter"] == code,
        )
        for code, label in CHAPTERS.items()
    ]
    whole = Bag(
        label="全部",
        done=states[DONE],
        total=total.total(),
        url=_address(asked | {"chapter": ALL}),
        current=asked["chapter"] == ALL,
    )
    told = f"{total.total()} 条，已落实 {states[DONE]}，部分 {states[PART]}"
    return {"views": views, "chapters": [whole, *chapters], "told": told}


def _address(asked: dict[str, str]) -> str:
    return f"{BOOK}?{urlencode({name: value for name, value in asked.items() if value})}"
