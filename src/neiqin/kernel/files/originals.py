"""The original beside a form: a photo, a PDF or a screenshot that one types from. It is stored when it is chosen, so
that pages of a PDF can be drawn and a refused form still has it, and hangs on the record when that is saved."""

from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.files import attach, kinds, pages, previews, store
from neiqin.kernel.files.models import Attachment, StoredFile
from neiqin.kernel.resources.pages.beside import BESIDE
from neiqin.kernel.resources.pages.screen import Bag, screen
from neiqin.kernel.resources.resource import Resource, site

NAME, CATEGORY, URL = "original", "原件", "/files/originals/"
MOST = 20


class Originals:
    """Plugged in by the manifest: `original` in a form are ids of stored files, attached when the record is saved."""

    def plug(self) -> None:
        if not any(isinstance(b, Originals) for b in BESIDE):
            BESIDE.append(self)

    def given(self, posted: Any) -> bool:
        return bool(_ids(posted))

    def keep(self, posted: Any, resource: Resource, record_id: int, by: Any) -> None:
        mine = {s.pk: s for s in _waiting(posted, by)}
        here = Attachment.objects.filter(kind=resource.key, record_id=record_id)
        there = set(here.filter(file_id__in=_ids(posted)).values_list("file_id", flat=True))
        for number in _ids(posted):
            if number in mine:
                self._attach(resource, record_id, mine[number], by)
            elif number not in there:  # a form sent twice finds it there
                raise _invalid("有一份原件已经不在了。不附它，或重新选一次，再保存。")

    def shown(self, posted: Any, resource: Resource, record: Any, person: Any) -> list[Bag]:
        made = [Bag(which=str(s.pk), name=s.name, id=s.pk) for s in _waiting(posted, person)]
        if record is not None:
            rows = attach.of_records(resource.key, [record.pk]).filter(removed_at=None).select_related("file")
            made += [Bag(which=f"a{r.pk}", name=r.name, id=0) for r in rows if r.file and previews.has_preview(r.file)]
        return made

    def begun(self, asked: Any, resource: Resource, person: Any) -> dict[str, Any]:
        return {}

    def above(self, posted: Any, resource: Resource, person: Any) -> list[Bag]:
        return []

    def _attach(self, resource: Resource, record_id: int, stored: StoredFile, by: Any) -> None:
        verb = attach.VERBS[resource.key].attach
        assert verb is not None  # its form was just saved
        try:
            outcome = perform(verb, [record_id], by=by, params={"file": stored.pk, "category": CATEGORY}, source="web")
        except NotAllowed:
            raise _invalid(f"你没有给{resource.noun}上传附件的权限。不附原件，再保存。") from None
        refusal = outcome.refused.get(record_id)
        if refusal is not None and refusal.code != "same":
            raise _invalid(refusal.text)


@screen("")
@require_POST
def add(request: Any) -> JsonResponse:
    """Store what was chosen, dropped or pasted (`file`); answers with its id and name, or why not."""
    writes = any(request.person.may(r.edit.may) for r in site().resources.values() if r.edit)
    given = request.FILES.get("file")
    if not writes or given is None:
        raise Http404
    try:
        stored, _ = pages.keep(given, request.person)
    except (kinds.NotTaken, store.TooLarge, BadFormat) as error:
        return JsonResponse({"problem": str(error)}, status=422)
    return JsonResponse({"id": stored.pk, "name": stored.name})


@screen("")
def about(request: Any, which: str) -> JsonResponse:
    """How many pages it has that can be looked at, or why it cannot."""
    try:
        return JsonResponse({"pages": previews.pages_of(_found(request.person, which))[0], "problem": ""})
    except previews.NoPreview as error:
        return JsonResponse({"pages": 0, "problem": str(error)})
    except store.Damaged:
        return JsonResponse({"pages": 0, "problem": f"{pages.DAMAGED}，不给看。"})


@screen("")
def picture(request: Any, which: str, page: int) -> HttpResponse:
    """One page as a picture drawn by us."""
    if page >= previews.MOST_PAGES:
        raise Http404
    try:
        return pages.drawn_page(*previews.picture_of(_found(request.person, which), page))
    except (previews.NoPreview, store.Damaged):
        raise Http404 from None


def _found(person: Any, which: str) -> StoredFile:
    """12: a file that this person has just stored; a12: an attachment that he may see. Raises Http404."""
    number = which.removeprefix("a")
    if not (number.isascii() and number.isdecimal()) or len(number) > 18:
        raise Http404
    if which.startswith("a"):
        _, row = pages.find(person, int(number))
        assert row.file is not None
        return row.file
    stored = StoredFile.objects.filter(pk=int(number), person_id=person.id).first()
    if stored is None:
        raise Http404
    return stored


def _ids(posted: Any) -> list[int]:
    found = [int(v) for v in posted.getlist(NAME) if v.isascii() and v.isdecimal() and len(v) < 19]
    return list(dict.fromkeys(found))[:MOST]


def _waiting(posted: Any, person: Any) -> list[StoredFile]:
    """Stored by this person, and nowhere attached: no record may take away another one's body."""
    found = StoredFile.objects.filter(pk__in=_ids(posted), person_id=person.id)
    return list(found.exclude(pk__in=Attachment.objects.filter(file__in=_ids(posted)).values("file")).order_by("pk"))


def _invalid(text: str) -> Invalid:
    return Invalid([Problem("", "", text)])
