"""What imports and exports still hold of a person who is being erased (docs/decisions/0012-erasing.md)."""

from collections.abc import Collection, Sequence

import orjson

from neiqin.kernel.exchange.documents import Document, open_documents, seal_documents
from neiqin.kernel.exchange.models import FAILED, WORKING, WRITING, Export, Import
from neiqin.kernel.files import store
from neiqin.kernel.personal.blobs import open_blob, seal_blob

GONE = "里面可能有已清除的个人信息，文件已删除。要用就再导一次。"
NO_FILE = "里面有已清除的个人信息，原文件已删除。"


def busy(kinds: Collection[str]) -> bool:
    """Whether a file of these kinds is being read or written at this moment: it could bring the words back."""
    return (
        Import.objects.filter(resource__in=kinds, state__in=WORKING).exists()
        or Export.objects.filter(resource__in=kinds, state=WRITING).exists()
    )


def exports(kinds: Collection[str]) -> int:
    """Delete the files of all exports of these kinds that are still there; their owners read why. Gives how many."""
    rows = list(Export.objects.filter(resource__in=kinds, file__isnull=False).select_related("file"))
    Export.objects.filter(pk__in=[r.pk for r in rows]).update(state=FAILED, sentence=GONE, file=None, query="")
    for row in rows:
        if row.file is not None:
            store.forget_when_committed(row.file)
    return len(rows)


def imports(
    kinds: Collection[str], sure: Sequence[str], names: Sequence[str], beside: Collection[str], mark: str, *, by: object
) -> int:
    """Take a person out of the cells of imports, and delete the files they came from. sure: what only this person has
    (phones, …); a name counts where a cell of the same document is one of `beside`. Gives how many imports held it."""
    found = 0
    for imp in Import.objects.filter(resource__in=kinds).select_for_update(of=("self",)).select_related("file"):
        touched = False
        for part in imp.parts.order_by("n").iterator(chunk_size=1):
            documents = open_documents(part.body)
            if changed := [d for d in documents if _clear(d, sure, names, beside, mark)]:
                part.body = seal_documents(documents)
                part.save(update_fields=["body"])
                touched = touched or bool(changed)
        peek = open_blob(bytes(imp.peek)).decode() if imp.peek else ""
        if touched or any(word in peek for word in (*sure, *names)):
            found += 1
            kept, imp.notes = imp.file, [*imp.notes, NO_FILE]
            imp.file = store.keep(NO_FILE.encode(), kept.name, by=by, kind="text/plain")
            imp.peek = seal_blob(orjson.dumps([]))
            imp.save(update_fields=["file", "peek", "notes"])
            store.forget_when_committed(kept)
    return found


def _clear(document: Document, sure: Sequence[str], names: Sequence[str], beside: Collection[str], mark: str) -> bool:
    cells = [cell for row in document.cells for cell in row]
    words = [word for word in sure if any(word in cell for cell in cells)]
    named = [name for name in names if any(name in cell for cell in cells)]
    if named and (words or any(cell in beside for cell in cells)):
        words = [*named, *sure]
    if not words:
        return False

    def without(text: str) -> str:
        for word in words:
            text = text.replace(word, mark)
        return text

    document.cells = [[without(cell) for cell in row] for row in document.cells]
    document.keys, document.why, document.parsed = [without(key) for key in document.keys], without(document.why), None
    for said in (*document.doubts, *document.wrong, *document.warned):
        said.text = without(said.text)
    return True
