"""What drafts, kept views and texts still hold of a person who is being erased."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

from django.db.models import F, Q, Value
from django.db.models.functions import Replace

from neiqin.kernel.personal.blobs import open_blob
from neiqin.kernel.resources.models import Draft, SavedView


def drafts(records: Mapping[str, Collection[int]], sure: Sequence[str], names: Sequence[str]) -> int:
    """Delete unsaved forms that hold what only this person has, or a name of theirs in a form of these
    records. How many."""
    gone = []
    for draft in Draft.objects.filter(resource__in=records).iterator():
        values = "\n".join(value for _, value in parse_qsl(open_blob(bytes(draft.body)).decode()))
        own = draft.record_id in records[draft.resource] or not draft.record_id
        if any(word in values for word in sure) or (own and any(name in values for name in names)):
            gone.append(draft.pk)
    Draft.objects.filter(pk__in=gone).delete()
    return len(gone)


def views(words: Sequence[str]) -> int:
    """Delete kept views that look for these words. How many."""
    gone = [pk for pk, q in SavedView.objects.values_list("pk", "query") if any(w in unquote(q) for w in words)]
    SavedView.objects.filter(pk__in=gone).delete()
    return len(gone)


def texts(rows: Any, columns: Sequence[str], words: Sequence[str], mark: str) -> int:
    """Put `mark` for these words into these text columns of the rows of a query. Gives how many texts changed."""
    changed = 0
    for column in columns:
        holding, without = Q(), F(column)
        for word in words:
            holding |= Q(**{f"{column}__contains": word})
            without = Replace(without, Value(word), Value(mark))  # type: ignore[assignment]
        changed += rows.filter(holding).update(**{column: without}) if words else 0
    return changed
