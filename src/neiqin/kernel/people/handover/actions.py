"""What is done with packages. The records themselves are moved by jobs (moving.py), each by its own kind's action."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.jobs.queue import defer
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.checks import absent
from neiqin.kernel.people.handover import sharing
from neiqin.kernel.people.handover.models import (
    BACK,
    DRAFT,
    GIVEN,
    HANDED,
    KEPT,
    OVER,
    PARTLY,
    REFUSED,
    RETURNED,
    RETURNING,
    RUNNING,
    VOID,
    Item,
    Package,
    Signature,
    Taker,
)
from neiqin.kernel.people.models import Collaborator

MAY = "handover.create"
NUMBERS = Numbers("number", Pattern("JJ", digits=6))


class Kinds(tuple[Choice, ...]):
    """The kinds that can be handed over. Looked up late: the manifests are read after this module."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Choice]:
        return (Choice(r.key, r.label) for r in sharing.kinds())

    def __hash__(self) -> int:
        return id(type(self))

    def __eq__(self, other: object) -> bool:
        return self is other


giver = Field("owner", "交出人", "person", ref="people.person", required=True, list=True, filter=True, role="who")
reason = Field("reason", "原因", required=True, maxlength=200, list=True, help="如 休假、离职、调岗", span=2)
return_on = Field(
    "return_on", "归还日期", "date", list=True, filter=True, role="due", help="到这天还给交出人，空着就是不用还"
)
person = Field("person", "接手人", "person", ref="people.person", required=True)
kind = Field("kind", "交什么（空着是全部）", "choice", choices=Kinds())
part = Field("part", "地区（空着是其余的）", maxlength=40)
TAKERS = Lines("takers", "接手人", Taker, "package", (person, kind, part), 1, "加接手人")
PACKAGE = Shape((giver, return_on, reason), (TAKERS,))


def _fits(rows: Mapping[int, Mapping[str, Any]], givers: Mapping[int, int]) -> dict[int, Refusal]:
    """Takers are here and not the giver; the day of return is to come."""
    problems: dict[int, Refusal] = {}
    for key, row in rows.items():
        takers = {n: t for n, t in enumerate(row.get("takers") or ()) if not t.get("delete") and t.get("person")}
        if row.get("return_on") and row["return_on"] <= clock.today():
            problems[key] = Refusal("「归还日期」要晚于今天。", "return_on")
        for at, taker in takers.items():
            if taker["person"] == givers[key]:
                problems.setdefault(key, Refusal("接手人不能是交出人，换一位。", f"takers-{at}-person"))
        for at, refusal in absent([person], takers).items():
            problems.setdefault(key, Refusal(refusal.text, f"takers-{at}-person"))
    return problems


def _new(batch: NewBatch[Package]) -> Mapping[int, Refusal]:
    return _fits(batch.rows, {key: row["owner"] for key, row in batch.rows.items()})


def _let_in(batch: Batch[Package], _: Changes | None = None) -> None:
    """Takers see the package, whoever it is of."""
    label = Package._meta.label_lower
    takers = set(Taker.objects.filter(package_id__in=batch.ids).values_list("package_id", "person_id"))
    rows = Collaborator.objects.filter(model=label, record_id__in=batch.ids)
    known = {(record, who): pk for pk, record, who in rows.values_list("pk", "record_id", "person_id")}
    Collaborator.objects.filter(pk__in=[pk for pair, pk in known.items() if pair not in takers]).delete()
    Collaborator.objects.bulk_create(
        Collaborator(model=label, record_id=record, person_id=who) for record, who in sorted(takers - known.keys())
    )


def _changed(batch: Batch[Package], changes: Changes) -> Mapping[int, Refusal]:
    return _fits(changes, {p.pk: p.owner_id for p in batch})


create = creating(Package, PACKAGE, numbers=NUMBERS, check=_new, after=_let_in, label="办交接", may=MAY)
edit = editing(Package, PACKAGE, check=_changed, after=_let_in, label="修改交接包", may=MAY, from_=frozenset({DRAFT}))


@action(Package, "交出", may=MAY, from_=(DRAFT, PARTLY), to=RUNNING, event="started", icon="share", primary=True,
        bulk=False, confirm="按下面的份额把记录交给接手人。")  # fmt: skip
def hand(packages: Batch[Package]) -> None:
    """Have the package carried out with the rights of who says so; what was refused before is tried again."""
    mine = [r for r in sharing.kinds() if r.hand_over is not None and packages.by.may(r.hand_over.may)]
    if not mine:
        packages.refuse(dict.fromkeys(packages.ids, "你没有移交记录的权限，让能移交的人来交。"))
    Item.objects.filter(package_id__in=packages.ids, state=REFUSED).delete()
    packages.set(asked_by_id=packages.by.id)
    for package in packages:
        defer("handover.carry_out", lock=f"handover-{package.pk}", package=package.pk)


def _counted(packages: Batch[Package]) -> dict[int, Counter[str]]:
    found = {i: Counter[str]() for i in packages.ids}
    for package, state in Item.objects.filter(package_id__in=packages.ids).values_list("package_id", "state"):
        found[package][state] += 1
    return found


@action(Package, "交接办完", may=MAY, from_=RUNNING, event="handed", button=False, bulk=False, icon="circle-check")
def settle(packages: Batch[Package]) -> None:
    """All that could be handed over is."""
    counts = _counted(packages)
    packages.set_each("state", {i: PARTLY if c[REFUSED] else HANDED for i, c in counts.items()})
    packages.set(done_at=packages.now)
    packages.tell({i: {"note": _words((c[GIVEN], "交出"), (c[REFUSED], "没交成"))} for i, c in counts.items()})


@action(Package, "归还", may=MAY, from_=OVER, to=RETURNING, event="recalled", icon="arrow-back-up", bulk=False,
        confirm="仍由接手人负责、交接后没有换过负责人的记录还给交出人。")  # fmt: skip
def give_back(packages: Batch[Package]) -> None:
    """Have everything brought back that is still where the package brought it."""
    for package in packages:
        defer("handover.bring_back", lock=f"handover-{package.pk}", package=package.pk)


@action(Package, "归还办完", may=MAY, from_=RETURNING, to=RETURNED, event="returned", button=False, bulk=False,
        icon="circle-check")  # fmt: skip
def settle_back(packages: Batch[Package]) -> None:
    """All that could be given back is."""
    counts = _counted(packages)
    packages.tell({i: {"note": _words((c[BACK], "归还"), (c[KEPT], "没有归还"))} for i, c in counts.items()})


def _words(*parts: tuple[int, str]) -> str:
    return "，".join(f"{label} {count:,} 条" for count, label in parts if count) or "没有要交接的记录"


@action(Package, "取消", may=MAY, from_=DRAFT, to=VOID, event="cancelled", icon="circle-x", danger=True, bulk=False)
def cancel(packages: Batch[Package]) -> None:
    """It will not be carried out."""


@action(Package, "签收", may="", from_=(*OVER, RETURNED), event="signed", icon="checkbox", key="S", bulk=False)
def sign(packages: Batch[Package]) -> None:
    """Giver and takers confirm what was handed over, each for himself."""
    pairs = Taker.objects.filter(package_id__in=packages.ids).values_list("package_id", "person_id")
    asked = {*pairs, *((p.pk, p.owner_id) for p in packages)}
    signed = set(Signature.objects.filter(package_id__in=packages.ids, person_id=packages.by.id).values_list(
        "package_id", flat=True
    ))  # fmt: skip
    packages.refuse({i: "只由交出人和接手人签收。" for i in packages.ids if (i, packages.by.id) not in asked})
    packages.refuse(dict.fromkeys(signed, "你已经签收过。"))
    Signature.objects.bulk_create(
        Signature(package_id=i, person_id=packages.by.id, signed_at=packages.now) for i in packages.ids
    )
