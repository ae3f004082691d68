"""What big prints still hold of a person who is being erased."""

from collections.abc import Collection

from neiqin.kernel.files import store
from neiqin.kernel.printing.models import FAILED, WORKING, Job

GONE = "里面可能有已清除的个人信息，文件已删除。要用就再打一次。"


def busy(kinds: Collection[str]) -> bool:
    """Whether one of these kinds is being made at this moment."""
    return Job.objects.filter(kind__in=kinds, state=WORKING).exists()


def prints(kinds: Collection[str]) -> int:
    """Delete the files of all big prints of these kinds that are still there. Gives how many."""
    rows = list(Job.objects.filter(kind__in=kinds, file__isnull=False).select_related("file"))
    Job.objects.filter(pk__in=[r.pk for r in rows]).update(state=FAILED, sentence=GONE, file=None, query="")
    for row in rows:
        if row.file is not None:
            store.forget_when_committed(row.file)
    return len(rows)
