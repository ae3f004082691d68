"""What departments are asked because of a change: what it would mean to them before, and to know it afterwards
(C-ORD-14, C-ORD-15, C-FLOW-09)."""

from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Greatest

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import insert
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.models import Collaborator
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.rules.decide import decide
from neiqin.modules.changes.models import ANSWERED, ASKED, KNOWN, WAITING, Assessment, Change, Knowing
from neiqin.modules.changes.models import VOID as NOT_NEEDED
from neiqin.modules.orders.models import Part
from neiqin.modules.orders.parts import OPEN, holders
from neiqin.modules.orders.states import VOID

ANSWER = "changes.answer"
TOLD = Kind("changes.asked", "订单变更", MAIL)
NOBODY = "无"
_SHAPE = (
    Field("change", "变更", "number", required=True), Field("part", "交付任务", "number"),
    Field("department", "部门环节", required=True), Field("name", "客户"),
    Field("owner", "承办人", "number", required=True),
)  # fmt: skip


@action(
    Assessment, "请部门评估", may=ANSWER, event="created", creates=True, shape=Shape(_SHAPE), button=False, bulk=False,
    icon="help",
)  # fmt: skip
def ask(batch: NewBatch[Assessment]) -> None:
    """Each department is asked what it would mean. Done by the system when the rep passes a change on."""
    insert(batch, Assessment, Shape(_SHAPE))
    _let_in(batch.records)
    _tell(batch.records, "请评估订单变更", batch.run)


@action(
    Knowing, "知会部门", may=ANSWER, event="created", creates=True, button=False, bulk=False, icon="bell",
    shape=Shape((*_SHAPE, Field("revision", "版次", "number", required=True))),
)  # fmt: skip
def tell(batch: NewBatch[Knowing]) -> None:
    """Each department hears that another version holds. Done by the system when a change is carried out."""
    insert(batch, Knowing, Shape((*_SHAPE, Field("revision", "版次", "number", required=True))))
    _let_in(batch.records)
    _tell(batch.records, "订单已变更，请确认新版", batch.run)


def _let_in(rows: Iterable[Any]) -> None:
    """Who is asked sees the change."""
    pairs = {(row.change_id, row.owner_id) for row in rows}
    Collaborator.objects.bulk_create(
        [Collaborator(model="changes.change", record_id=change, person_id=person) for change, person in sorted(pairs)],
        ignore_conflicts=True,
    )


def _tell(rows: Collection[Any], words: str, run: int) -> None:
    changes = Change.objects.in_bulk({row.change_id for row in rows})
    tell_each([
        News(row.owner_id, f"{words}：{row.department} {changes[row.change_id].number} {row.name}",
             changes[row.change_id].reason, f"/changes/change/{row.change_id}/", TOLD.name,
             about=("changes.change", row.change_id), run=run)
        for row in rows
    ])  # fmt: skip


def _by_own(rows: Batch[Any]) -> None:
    rows.refuse({r.pk: "不是问你的，由承办人来答。" for r in rows if r.owner_id != rows.by.id})


@action(Assessment, "答复评估", may=ANSWER, from_=ASKED, to=ANSWERED, event="answered", icon="message", primary=True,
        bulk=False)  # fmt: skip
def answer(
    assessments: Batch[Assessment],
    *,
    possible_on: Annotated[date, Field("possible_on", "能完成的日期", "date", required=True)],
    spent: Annotated[
        Decimal | None, Field("spent", "已发生成本", "money", min=0, help="已经投料、已经采购的，含税")
    ] = None,
    note: Annotated[str, Field("note", "说明", maxlength=200, span=2)] = "",
) -> None:
    """By when the department can have it, and what it has spent on what is not wanted any more."""
    _by_own(assessments)
    if possible_on < clock.today():
        assessments.refuse(dict.fromkeys(assessments.ids, Refusal("「能完成的日期」已经过了。", "possible_on")))
    assessments.set(possible_on=possible_on, spent=spent, note=note, answered_at=assessments.now)
    assessments.tell({i: {"note": f"{possible_on}{'，' + note if note else ''}"} for i in assessments.ids})


@action(Knowing, "已知悉", may=ANSWER, from_=WAITING, to=KNOWN, event="known", icon="check", primary=True, key="K")
def know(rows: Batch[Knowing]) -> None:
    """The department goes on by the new version; only then it can report on the order again."""
    _by_own(rows)
    rows.set(known_at=rows.now)
    newest = Knowing.objects.filter(pk__in=rows.ids, part=OuterRef("pk")).order_by("-revision").values("revision")[:1]
    seen = Part.objects.filter(pk__in=[r.part_id for r in rows if r.part_id])
    seen.update(seen_revision=Greatest("seen_revision", Subquery(newest)))


def at_work(order: int) -> list[Part]:
    """The departments that have something to do for an order, or have done it."""
    return list(Part.objects.filter(order_id=order).exclude(state=VOID).order_by("end_on", "pk"))


def still_open(order: int) -> list[Part]:
    return [p for p in at_work(order) if p.state in OPEN]


def ask_all(changes: Collection[Change]) -> None:
    """One assessment for each department at work."""
    rows = [_row(c, p) for c in changes for p in at_work(c.order_id)]
    if rows:
        perform(ask, rows=rows, by=SYSTEM, parsed=True)


def _row(change: Change, part: Part) -> dict[str, Any]:
    return {
        "change": change.pk, "part": part.pk, "department": part.department, "name": change.name,
        "owner": part.owner_id,
    }  # fmt: skip


def tell_all(change: Change, revision: int, kinds: Iterable[str], parts: Collection[Part]) -> None:
    """Every department with an open task, and those that the table 《变更知会》 names for what is changed."""
    rows = {p.department: _row(change, p) for p in parts}
    made = decide("change_knowing", [{"kind": kind} for kind in kinds], clock.today())
    named = dict(
        pair for d in made for pair in zip(d.outputs["department"], d.outputs["position"], strict=True)
        if pair[0] != NOBODY
    )  # fmt: skip
    people = holders(named.values())
    for department, position in named.items():
        if department not in rows and (who := people.get(position)):
            rows[department] = {
                "change": change.pk, "part": None, "department": department, "name": change.name, "owner": who.pk,
            }  # fmt: skip
    if rows:
        perform(tell, rows=[{**row, "revision": revision} for row in rows.values()], by=SYSTEM, parsed=True)


def drop(changes: Iterable[int]) -> None:
    """What is not answered need not be any more."""
    Assessment.objects.filter(change__in=list(changes), state=ASKED).update(
        state=NOT_NEEDED, version=F("version") + 1, updated_at=clock.now()
    )
