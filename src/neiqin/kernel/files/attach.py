"""Attachments of records: the verbs, made for every resource, and what a person may do with a record's files.

Each verb is an action on the record the file hangs on, so its lock, scope, right, timeline and request keys are those
of any action. It changes no column of the record: its version stays, so an open form is not made stale by a photo.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from django.db import models

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import Action, action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.files import store
from neiqin.kernel.files.models import Attachment, StoredFile
from neiqin.kernel.resources import told
from neiqin.kernel.resources.resource import Resource, site

KEPT = timedelta(days=30)  # how long a removed file can be brought back
MOST = 500  # files of one record
FILE = Field("file", "文件", "number", required=True, min=1, max=2**63 - 1)
WHICH = Field("attachment", "附件", "number", required=True, min=1, max=2**63 - 1)
OF = Field("of", "哪个附件的新版", "text", default="", maxlength=36)
NOTE = Field("note", "说明", default="", maxlength=200)
CATEGORY = Field("category", "类别", default="", maxlength=20)
GONE = Refusal("找不到这个附件，可能刚被别人删除。刷新再看。", code="missing")
TOLD = (
    Field("name", "名称"),
    Field("number", "版本", "number"),
    Field("category", "类别"),
    Field("note", "说明"),
    Field("sha256", "校验码"),
    Field("filed_at", "归档时间", "moment"),
    Field("removed_at", "删除时间", "moment"),
)
VERBS: dict[str, "Verbs"] = {}


@dataclass(frozen=True)
class Verbs:
    """The verbs on one kind of record. attach and file are None where records of this kind are not edited."""

    attach: Action | None
    file: Action | None
    remove: Action
    restore: Action


class Attachments:
    """Plugged in by the manifest: gives every resource of the site its verbs on files, once in a process."""

    def plug(self) -> None:
        told.HANGING[Attachment._meta.db_table] = (Attachment, "附件", TOLD)
        for resource in site().resources.values():
            if resource.key not in VERBS:
                VERBS[resource.key] = _verbs(resource)


def _verbs(resource: Resource) -> Verbs:
    def verb(body: Callable[..., Any], label: str, may: str, event: str) -> Action:
        declare = action(resource.model, label, may=may, event=event, button=False, bulk=False, icon="paperclip")
        return declare(body)

    view, edit = resource.view_permission, resource.edit
    return Verbs(
        verb(attach_file, "上传附件", edit.may, "file_added") if edit else None,
        verb(file_file, "归档附件", edit.may, "file_filed") if edit else None,
        verb(remove_file, "删除附件", view, "file_removed"),
        verb(restore_file, "恢复附件", view, "file_restored"),
    )


def attach_file(
    batch: Batch[Any],
    *,
    file: Annotated[int, FILE],
    of: Annotated[str, OF] = "",
    category: Annotated[str, CATEGORY] = "",
    note: Annotated[str, NOTE] = "",
) -> None:
    """Hang a stored file on the record, as a new one or as the next version of the group `of`."""
    _attach(batch, file, of, {"category": category, "note": note})


def file_file(batch: Batch[Any], *, attachment: Annotated[int, WHICH]) -> None:
    """File it (归档): from now on it cannot be changed or removed, and its hash stands in the chain."""
    row = _one(batch, attachment, removed=False)
    if row is not None and row.filed_at is not None:
        batch.leave(batch.ids)
    elif row is not None and not _refused(batch, _why_not_filed(row)):
        _change(batch, row, "归档附件", filed_at=batch.now, filed_by=batch.by.id)


def remove_file(batch: Batch[Any], *, attachment: Annotated[int, WHICH]) -> None:
    """Take an unfiled file away; its body stays for 30 days."""
    row = _one(batch, attachment, removed=False)
    if row is not None and not _refused(batch, _why_not_removed(batch, row)):
        _change(batch, row, "删除附件", removed_at=batch.now, removed_by=batch.by.id)


def restore_file(batch: Batch[Any], *, attachment: Annotated[int, WHICH]) -> None:
    """Bring a removed file back."""
    row = _one(batch, attachment, removed=True)
    if row is not None and not _refused(batch, _why_not_removed(batch, row)):
        _change(batch, row, "恢复附件", removed_at=None, removed_by=None)


def _attach(batch: Batch[Any], file: int, of: str, told: dict[str, str]) -> None:
    stored = StoredFile.objects.filter(pk=file, person_id=batch.by.id).first()
    kind = _kind(batch)
    rows = of_records(kind, batch.ids)
    group = _group(of) if of else uuid4()
    versions = rows.filter(group=group)
    if stored is None or (of and not versions.filter(removed_at=None).exists()):
        batch.refuse(dict.fromkeys(batch.ids, GONE))
    elif rows.filter(sha256=stored.sha256, name=stored.name, removed_at=None).exists():
        text = f"「{stored.name}」已经在这里了，内容一样，没有再存一份。"
        batch.refuse(dict.fromkeys(batch.ids, Refusal(text, "file", "same")))
    elif not of and rows.count() >= MOST:
        batch.refuse(dict.fromkeys(batch.ids, Refusal(f"附件已有 {MOST} 个。打成压缩包，或删掉用不着的。", "file")))
    for record in batch.records:
        number = (versions.aggregate(n=models.Max("number"))["n"] or 0) + 1
        assert stored is not None
        Attachment.objects.create(
            kind=kind, record_id=record.pk, group=group, number=number, name=stored.name, sha256=stored.sha256,
            size=stored.size, file=stored, added_at=batch.now, added_by=batch.by.id, **told,
        )  # fmt: skip
        _tell(batch, f"上传附件 {stored.name}" + (f"（第 {number} 版）" if number > 1 else ""))


def _group(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid4()  # no such group, which is told like any other that is not there


def _one(batch: Batch[Any], attachment: int, *, removed: bool) -> Attachment | None:
    """The row, if it hangs on the batch's record and is (not) removed; the record's lock guards it. Else refused."""
    rows = of_records(_kind(batch), batch.ids).filter(removed_at__isnull=not removed).select_related("file")
    row = rows.filter(pk=attachment).first()
    if row is None:
        batch.refuse(dict.fromkeys(batch.ids, GONE))
    return row


def _refused(batch: Batch[Any], why: str) -> bool:
    if why:
        batch.refuse(dict.fromkeys(batch.ids, why))
    return bool(why)


def _why_not_removed(batch: Batch[Any], row: Attachment) -> str:
    if row.filed_at is not None:
        return f"「{row.name}」已归档，不能删除。内容变了就上传新版，旧版留着。"
    if row.file_id is None:
        return f"「{row.name}」删除已超过 {KEPT.days} 天，内容已清掉。"
    mine = row.added_by == batch.by.id
    return (
        ""
        if mine or may_edit(site().resources[row.kind], row.record_id, batch.by)
        else "只有上传的人和能修改这条记录的人能删除附件。"
    )


def _why_not_filed(row: Attachment) -> str:
    if row.file is None or not store.is_whole(row.file):
        return f"「{row.name}」存下来之后被改动过，不能归档。重新上传一份，再归档。"
    return "" if row.file.sha256 == row.sha256 else f"「{row.name}」的校验码对不上，不能归档。重新上传一份，再归档。"


def _change(batch: Batch[Any], row: Attachment, words: str, **values: Any) -> None:
    Attachment.objects.filter(pk=row.pk).update(**values)
    _tell(batch, f"{words} {row.name}")


def _kind(batch: Batch[Any]) -> str:
    return str(type(batch.records[0])._meta.label_lower)


def _tell(batch: Batch[Any], words: str) -> None:
    batch.unchanged_but_told()
    batch.tell({i: {"words": words} for i in batch.ids})


def of_records(kind: str, ids: Iterable[int]) -> Any:
    """The attachments of these records, oldest first, removed ones too."""
    return Attachment.objects.filter(kind=kind, record_id__in=list(ids)).order_by("id")


def may_edit(resource: Resource, record_id: int, person: Any) -> bool:
    """Whether the person, who may see this record, may edit it, hence add files to it."""
    if resource.edit is None or not person.may(resource.edit.may):
        return False
    if person.same_scope(resource.edit.may, resource.view_permission):
        return True
    model = resource.model
    return bool(model.objects.filter(model.visible_to(person, resource.edit.may), pk=record_id).exists())


def filed_on(kind: str, ids: Iterable[int]) -> set[int]:
    """Those of these records that a filed file hangs on: they must not be deleted."""
    return set(of_records(kind, ids).filter(filed_at__isnull=False).values_list("record_id", flat=True))
