"""Looking after attachments: which are damaged, and the bodies of removed ones cleared away after a month."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

from django.db import transaction

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.files import store
from neiqin.kernel.files.attach import KEPT
from neiqin.kernel.files.models import Attachment

NOBODY = SimpleNamespace(id=None)


@dataclass(frozen=True)
class Damage:
    """An attachment whose body is gone or altered. kind and record: what it hangs on; filed: it is 归档."""

    kind: str
    record: int
    attachment: int
    name: str
    filed: bool
    why: str


def verify_all() -> Iterator[Damage]:
    """Read every attachment's body and compare it with its hash at upload; gives the damaged ones, and marks them."""
    rows = Attachment.objects.filter(file__isnull=False).select_related("file").order_by("id")
    for row in rows.iterator(chunk_size=500):
        assert row.file is not None
        why = "校验码和历史记录里的不同" if row.file.sha256 != row.sha256 else ""
        if not store.check(row.file):
            why = "内容被改动过" if store.path_of(row.file.place).exists() else "文件不在磁盘上"
        if why:
            yield Damage(row.kind, row.record_id, row.pk, row.name, row.filed_at is not None, why)


def sweep_removed() -> int:
    """Forget the bodies of files removed over 30 days ago; that they were there stays known. Gives how many."""
    old = Attachment.objects.filter(removed_at__lt=clock.now() - KEPT, file__isnull=False).select_related("file")
    rows = list(old.order_by("id")[:500])
    if rows:
        with transaction.atomic():
            history.begin("files.sweep", by=NOBODY, source="worker")
            Attachment.objects.filter(pk__in=[r.pk for r in rows]).update(file=None)
    for row in rows:
        if row.file is not None and not Attachment.objects.filter(file_id=row.file_id).exists():
            store.forget(row.file)
    return len(rows)
