"""Screens and API of hand-over packages, and what a package shows of its items."""

from collections import Counter
from typing import Any

from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.people.handover import actions, sharing
from neiqin.kernel.people.handover.models import (
    BACK,
    DRAFT,
    GIVEN,
    KEPT,
    REFUSED,
    RUNNING,
    STATES,
    VOID,
    Item,
    Package,
    Signature,
)
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Resource, site

FIRST = 100
ITEM_STATES = {
    GIVEN: ("已交", "ok", "100"),
    REFUSED: ("没交成", "warn", "x"),
    BACK: ("已还", "off", "100"),
    KEPT: ("没还", "warn", "x"),
}
signed = (
    Field("person", "签收人", "person", ref="people.person"),
    Field("signed_at", "签收时间", "moment"),
)
package = Resource(
    Package,
    "交接包",
    noun="个",
    icon="share",
    section="管理",
    slug="handovers",
    fields=(
        Field("number", "编号", "code", form=False, list=True, filter=True, role="id"),
        Field("name", "交接", form=False, list=True, role="name"),
        *actions.PACKAGE.fields,
        Field("asked_by", "经办人", "person", ref="people.person", form=False, list=True, filter=True, pri=2),
        Field("done_at", "办完时间", "moment", form=False, list=True, pri=3),
        Field("created_at", "建立时间", "moment", form=False, filter=True),
        Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True, role="st"),
    ),
    shape=actions.PACKAGE,
    fast_sorts=("-created_at",),
    number="number",
    create=actions.create,
    edit=actions.edit,
    actions=(actions.hand, actions.sign, actions.give_back, actions.cancel),
    kept=(Lines("signatures", "签收", Signature, "package", signed),),
)

SHARE = (Field("kind", "种类"), Field("taker", "接手人"), Field("count", "份额", "number"))
RESULT = (
    Field("kind", "种类"),
    Field("taker", "接手人"),
    Field("given", "已交", "number"),
    Field("refused", "没交成", "number"),
    Field("back", "已还", "number"),
    Field("kept", "没还", "number"),
)
LISTED = (
    Field("record", "记录", "ref"),
    Field("taker", "接手人"),
    Field("state", "状态", "state"),
    Field("why", "原因"),
)


def _tab(name: str, label: str, count: Any, fields: tuple[Field, ...], rows: list[list[Any]], empty: str) -> Bag:
    return panels.table(name, label, fields, map(panels.line, rows), count=count, empty=empty)


def what_goes(record: Package, by: Any) -> Bag | None:
    """Before: what each taker will get. Afterwards: what became of it, by kind and taker."""
    if record.state == VOID:
        return None
    if record.state == DRAFT:
        parts = [(k, t, len(ids)) for k, given in sharing.shares(record).items() for t, ids in given.items()]
        names = site().names("people.person", [t for _, t, _ in parts])
        rows = [[site().resources[k].label, names[t], n] for k, t, n in parts]
        empty = "名下没有这里要交的记录。"
        return _tab("shares", "会交什么", f"{sum(n for *_, n in parts):,}", SHARE, rows, empty)
    counts: dict[tuple[str, int], Counter[str]] = {}
    for kind, taker, state in Item.objects.filter(package=record).values_list("kind", "taker_id", "state"):
        counts.setdefault((kind, taker), Counter())[state] += 1
    names = site().names("people.person", [t for _, t in counts])
    order = (GIVEN, REFUSED, BACK, KEPT)
    rows = [[site().resources[k].label, names[t], *(c[s] for s in order)] for (k, t), c in counts.items()]
    empty = "正在交接，过一会儿刷新。" if record.state == RUNNING else "没有交接任何记录。"
    return _tab("shares", "交接结果", f"{sum(c.total() for c in counts.values()):,}", RESULT, rows, empty)


def items_of(record: Package, by: Any) -> Bag | None:
    """The records, first what was refused or kept, each with its reason."""
    if record.state in (DRAFT, VOID):
        return None
    rows = Item.objects.filter(package=record)
    told = [*rows.filter(state__in=(REFUSED, KEPT)).order_by("id")[:FIRST]]
    told += rows.exclude(state__in=(REFUSED, KEPT)).order_by("id")[: FIRST - len(told)]
    total = rows.count()
    label = "交接清单" if total <= FIRST else f"交接清单（前 {FIRST} 条，没交成的在前）"
    return _tab("items", label, f"{total:,}", LISTED, listed(told, by), "还没有交接任何记录。")


def listed(items: list[Item], by: Any) -> list[list[Any]]:
    """Items as cells: a record's title, linked, only to who may see it."""
    titles: dict[tuple[str, int], str] = {}
    for resource in sharing.kinds():
        ids = [i.record_id for i in items if i.kind == resource.key]
        seen = resource.model.objects.filter(resource.model.visible_to(by), pk__in=ids) if ids else None
        pairs = seen.values_list("pk", resource.title) if seen is not None else ()
        titles |= {(resource.key, pk): title for pk, title in pairs}
    names = site().names("people.person", list({i.taker_id for i in items}))
    return [[_linked(i, titles), names[i.taker_id], ITEM_STATES[i.state], i.reason] for i in items]


def _linked(item: Item, titles: dict[tuple[str, int], str]) -> Any:
    resource, title = site().resources[item.kind], titles.get((item.kind, item.record_id))
    return Bag(label=title, url=resource.url_of(item.record_id)) if title else Bag(label="你看不到的记录", url="")
