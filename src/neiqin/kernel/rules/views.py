"""The pages of decision tables: all of them, and one with its versions, rows and examples."""

from typing import Any

import orjson
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed, TooSlow
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.resources.pages.screen import Bag, person_field, render, screen
from neiqin.kernel.rules import actions, editor, sheets
from neiqin.kernel.rules.cells import BadCell
from neiqin.kernel.rules.compare import difference, told
from neiqin.kernel.rules.decide import Compiled
from neiqin.kernel.rules.models import MANAGE, VIEW, Table, Version

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES = 5_000_000
VERBS = {"publish": actions.publish, "retire": actions.retire, "delete": actions.delete}


@screen(VIEW)
def tables(request: Any) -> HttpResponse:
    """All tables with the version in force, and what comes after it."""
    rows, versions = [], list(Version.objects.order_by("number"))
    for table in Table.objects.order_by("name"):
        mine = [v for v in versions if v.table_id == table.pk]
        now = editor.current(mine)
        later = [
            v for v in mine if v.from_on is None or (v.state == Version.State.ACTIVE and v.from_on > clock.today())
        ]
        rows.append(Bag(table=table, version=now, later=later))
    return render(request, "rules.html", Bag(rows=rows))


@screen(VIEW)
def table(request: Any, code: str) -> HttpResponse:
    """One version (default: the newest) and what is different from another: `?compare=`, of a draft the one in force.

    POST `do`: import, publish, retire, delete. `?format=xlsx` gives the workbook.
    """
    found = editor.table_or_404(code)
    versions = list(found.versions.select_related("table").order_by("-number"))
    asked = request.GET.get("version", "")
    shown = next((v for v in versions if asked in ("", str(v.number))), None)
    if shown is None and asked:
        raise Http404
    problem = ""
    if request.method == "POST":
        problem = _post(request, found, shown)
        if not problem:
            gone = request.POST.get("do") in ("import", "delete")
            return HttpResponseRedirect(request.path if gone else request.get_full_path())
    if shown and request.GET.get("format") == "xlsx":
        return HttpResponse(
            sheets.write(shown),
            XLSX,
            headers={"Content-Disposition": f'attachment; filename="{code}-{shown.number}.xlsx"'},
        )
    now = editor.current(versions)
    page = Bag(
        table=found,
        versions=versions,
        shown=shown,
        now=now,
        labels=[c["label"] for c in [*found.inputs, *found.outputs]],
        inputs=len(found.inputs),
        author=person_field(shown.author_id) if shown else "",
        published_by=person_field(shown.published_by) if shown and shown.from_on else "",
        manages=request.person.may(MANAGE),
        problem=problem,
        today=clock.today(),
        examples=_ran(found, shown),
        compared=_compared(versions, shown, request.GET.get("compare", ""), now),
    )
    return render(request, "rule_table.html", page, status=422 if problem else 200)


def _compared(versions: list[Version], shown: Version | None, asked: str, now: Version | None) -> Bag | None:
    """What is different in this version from the one asked for; a draft is compared with the one in force."""
    draft = shown is not None and shown.state == Version.State.DRAFT
    other = next((v for v in versions if str(v.number) == asked), None) if asked else now if draft else None
    if shown is None or other is None or other == shown:
        return None
    parts = [("规则", difference(other.rows, shown.rows)), ("样例", difference(other.examples, shown.examples))]
    return Bag(other=other, parts=[Bag(label=label, told=told(rows), rows=rows) for label, rows in parts])


def _ran(found: Table, shown: Version | None) -> list[str] | None:
    """Of each example row of a draft "" or how it fails; None of what is published, whose examples held."""
    if shown is None or shown.state != Version.State.DRAFT:
        return None
    try:
        return editor.ran(Compiled(found, shown.number, shown.rows), shown.examples)
    except BadCell:
        return None


def _post(request: Any, found: Table, shown: Version | None) -> str:
    """Do what the form asks; gives the sentence of the problem, or ""."""
    given = request.POST
    try:
        if given.get("do") == "import":
            upload = request.FILES.get("file")
            content = sheets.read(upload.read(MOST_BYTES) if upload else b"", found)
            verb, record, params = actions.draft, found.pk, {"content": orjson.dumps(content).decode()}
        elif shown is not None and given.get("do") in VERBS:
            verb, record = VERBS[given["do"]], shown.pk
            params = {f.name: given.get(f.name, "") for f in verb.shape.fields}
        else:
            raise Http404
        seen = given.get("seen", "")[:9]
        versions = {record: int(seen)} if verb is actions.publish and seen.isdecimal() else None
        outcome = perform(verb, [record], by=request.person, params=params, versions=versions, source="web")
    except (BadCell, Invalid, NotAllowed, TooSlow) as error:
        return str(error)
    for refusal in outcome.refused.values():
        return refusal.text
    messages.success(request, f"{verb.label}：做好了。")
    return ""
