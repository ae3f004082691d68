"""A new master key: everything that is wrapped or sealed under the old ones is brought under it.

While the system stands still, because running processes know only the keys they began with. It may be killed at any
moment: every step takes only what is still under an old key, and the old keys stay until an administrator moves them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

from neiqin.config import keys
from neiqin.kernel.files import store
from neiqin.kernel.personal import blobs
from neiqin.kernel.personal.columns import PersonalText, open_columns
from neiqin.kernel.personal.keys import index_many, rewrap

FINDABLE = ("mobile", "phone")  # the personal columns that are found by value
CHUNK = 1000
NOTE = "rotating"  # stands in the keys folder while a rotation is under way


def rotate(data: Path) -> tuple[str, list[str], dict[str, int]]:
    """(the new key's file, the old ones' files, what was brought under it and how many). Raises OSError."""
    note = data / "keys" / NOTE
    if not note.exists():
        note.write_text(str(max(settings.MASTER_KEYS) + 1))
    newest = int(note.read_text())
    settings.MASTER_KEYS[newest] = keys.secret(data, f"master-{newest}")
    old = [f"{name}.key" for name in keys.master_names(data) if name != f"master-{newest}"]
    counts = {"个人密钥": _rewrap(), "附件": store.rewrap_all(), "暂存内容": _reseal(), "联系方式索引": _index()}
    note.unlink()
    return f"master-{newest}.key", old, counts


def _rewrap() -> int:
    total = 0
    while True:
        with transaction.atomic():
            done = rewrap()
        total += done
        if not done:
            return total


def _reseal() -> int:
    total = 0
    models: list[Any] = apps.get_models()
    for model, column in ((m, c) for m in models for c in getattr(m, "sealed", ())):
        for chunk in _chunks(model):
            with transaction.atomic():
                for row in chunk.exclude(**{column: b""}).select_for_update():
                    fresh = blobs.resealed(bytes(getattr(row, column)))
                    if fresh is not None:
                        model.objects.filter(pk=row.pk).update(**{column: fresh})
                        total += 1
    return total


def _index() -> int:
    """Write the blind indexes anew: they are HMACs under the master key."""
    total = 0
    for model in apps.get_models():
        columns = {f.name for f in model._meta.concrete_fields if isinstance(f, PersonalText)}
        names = [n for n in FINDABLE if n in columns]
        for chunk in _chunks(model) if names else ():
            rows = list(chunk)
            entries = []
            for row, texts in zip(rows, open_columns(rows, names), strict=True):
                for name in names:
                    if text := texts[name]:
                        subject = row.subject
                        entries += [(subject, name, text), (subject, f"{name}:last4", text[-4:])]
            index_many(list(dict.fromkeys(entries)))
            total += len(entries)
    return total


def _chunks(model: Any) -> Iterator[Any]:
    """Querysets of 1,000 rows at most, by id."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT coalesce(max(id), 0) FROM "{model._meta.db_table}"')
        most = cursor.fetchone()[0]
    for start in range(0, most + 1, CHUNK):
        yield model.objects.filter(pk__gte=start, pk__lt=start + CHUNK).order_by("pk")
