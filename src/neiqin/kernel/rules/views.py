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
from neiqin.kernel.rules import actions, sheets
from neiqin.kernel.rules.cells import BadCell
from neiqin.kernel.rules.models import MANAGE, VIEW, Table, Version

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BYTES = 5_000_000


@screen(VIEW)
def tables(request: Any) -> HttpResponse:
    """All tables with the version in force."""
    today, rows = clock.today(), []
    versions = list(Version.objects.exclude(state=Version.State.DRAFT).order_by("number"))
    for table in Table.objects.order_by("name"):
        mine = [v for v in versions if v.table_id == table.pk and v.from_on and v.from_on <= today]
        rows.append(Bag(table=table, version=next((v for v in mine if not v.until_on or v.until_on >= today), None)))
    return render(request, "rules.html", Bag(rows=rows))


@screen(VIEW)
def table(request: Any, code: str) -> HttpResponse:
    """One version (default: the newest). POST `do`: import, publish, retire. `?format=xlsx` gives the workbook."""
    found = Table.objects.filter(code=code).first() if code.isprintable() else None
    versions = list(found.versions.select_related("table").order_by("-number")) if found else []
    asked = request.GET.get("version", "")
    shown = next((v for v in versions if asked in ("", str(v.number))), None)
    if found is None or (shown is None and asked):
        raise Http404
    problem = ""
    if request.method == "POST":
        problem = _post(request, found, shown)
        if not problem:
            return HttpResponseRedirect(request.path if request.POST.get("do") == "import" else request.get_full_path())
    if shown and request.GET.get("format") == "xlsx":
        return HttpResponse(
            sheets.write(shown),
            XLSX,
            headers={"Content-Disposition": f'attachment; filename="{code}-{shown.number}.xlsx"'},
        )
    page = Bag(
        table=found,
        versions=versions,
        shown=shown,
        labels=[c["label"] for c in [*found.inputs, *found.outputs]],
        inputs=len(found.inputs),
        author=person_field(shown.author_id) if shown else "",
        published_by=person_field(shown.published_by) if shown and shown.from_on else "",
        manages=request.person.may(MANAGE),
        problem=problem,
        today=clock.today(),
    )
    return render(request, "rule_table.html", page, status=422 if problem else 200)


def _post(request: Any, found: Table, shown: Version | None) -> str:
    """Do what the form asks; gives the sentence of the problem, or ""."""
    given = request.POST
    try:
        if given.get("do") == "import":
            upload = request.FILES.get("file")
            content = sheets.read(upload.read(MOST_BYTES) if upload else b"", found)
            verb, record, params = actions.draft, found.pk, {"content": orjson.dumps(content).decode()}
        elif shown is not None and given.get("do") in ("publish", "retire"):
            verb, record = (actions.publish if given["do"] == "publish" else actions.retire), shown.pk
            params = {f.name: given.get(f.name, "") for f in verb.shape.fields}
        else:
            raise Http404
        outcome = perform(verb, [record], by=request.person, params=params, source="web")
    except (BadCell, Invalid, NotAllowed, TooSlow) as error:
        return str(error)
    for refusal in outcome.refused.values():
        return refusal.text
    messages.success(request, f"{verb.label}：做好了。")
    return ""
