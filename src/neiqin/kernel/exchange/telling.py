"""Who asked for an import or export that took long is told when it is there."""

from datetime import timedelta

from neiqin.kernel import clock
from neiqin.kernel.exchange.models import Export, Import
from neiqin.kernel.notices.tell import INBOX, Kind, tell
from neiqin.kernel.resources.resource import site

FINISHED = Kind("exchange.finished", "导入导出做完", INBOX)
LONG = timedelta(seconds=20)


def of_import(imp: Import, said: str) -> None:
    """said: what has become of it. A state that comes again (columns changed, checked again) is told again."""
    resource = site().resources[imp.resource]
    key = f"import-{imp.pk}-{imp.state}-{clock.now():%Y%m%d%H%M}"
    tell(
        [imp.person_id],
        f"导入{resource.label}{said}",
        imp.file.name,
        url=f"/imports/{imp.pk}/",
        kind=FINISHED.name,
        key=key,
    )


def of_export(export: Export, what: str) -> None:
    """what: the kind and number of what is in the file."""
    if clock.now() - export.created_at > LONG:
        text = f"{what}。文件保留 7 天。"
        tell([export.person_id], "导出的文件好了", text, url="/exports/", kind=FINISHED.name, key=f"export-{export.pk}")
