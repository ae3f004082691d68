"""Setting up warehouses, and writing down what came, went, moved or was counted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.people.checks import taken
from neiqin.kernel.resources.references import unseen
from neiqin.modules.stock import fields
from neiqin.modules.stock.models import (
    COUNT,
    DIRECTIONS,
    KEEP,
    NUMBERS,
    OPEN,
    POSTED,
    SETUP,
    SHUT,
    TRANSFER,
    VOID,
    Entry,
    EntryLine,
    Stock,
    Warehouse,
)
from neiqin.modules.stock.moving import (
    Move,
    Place,
    Shelves,
    back,
    factors,
    in_turn,
    main_warehouse,
    move,
    moved,
    open_places,
)

WAREHOUSE = Shape(fields.WAREHOUSE)
LINES = Lines("lines", "明细", EntryLine, "entry", fields.LINE, 1, "加一行")
ENTRY = Shape(fields.ENTRY, (LINES,))
CODE = fields.WAREHOUSE[0]
MODEL = "stock.entry"
Row = Mapping[str, Any]


def _one_main(batch: Batch[Warehouse], chosen: Sequence[int]) -> None:
    """The one said last is the main warehouse; the one before is it no more."""
    if chosen:
        Warehouse.objects.filter(main=True).exclude(pk=chosen[-1]).update(main=False)


def _codes(batch: NewBatch[Warehouse]) -> Mapping[int, Refusal]:
    return taken(Warehouse, CODE, {p: row["code"] for p, row in batch.rows.items()}, editing=False)


def _other_codes(batch: Batch[Warehouse], changes: Changes) -> Mapping[int, Refusal]:
    return taken(Warehouse, CODE, {i: c["code"] for i, c in changes.items() if "code" in c}, editing=True)


def _made(batch: NewBatch[Warehouse]) -> None:
    _one_main(batch, [w.pk for w in batch if w.main])


def _edited(batch: Batch[Warehouse], changes: Changes) -> None:
    _one_main(batch, [i for i, c in changes.items() if c.get("main")])


create_warehouse = creating(Warehouse, WAREHOUSE, check=_codes, after=_made, label="新建仓库", may=SETUP)
edit_warehouse = editing(Warehouse, WAREHOUSE, check=_other_codes, after=_edited, label="修改仓库", may=SETUP)


@action(Warehouse, "停用", may=SETUP, from_=OPEN, to=SHUT, event="shut", icon="circle-x", danger=True)
def shut(warehouses: Batch[Warehouse]) -> None:
    """Nothing comes or goes any more; only an empty one."""
    full = Stock.objects.filter(warehouse__in=warehouses.ids, on_hand__gt=0).values_list("warehouse_id", flat=True)
    warehouses.refuse(dict.fromkeys(set(full), "里面还有货，先调拨或出库，再停用。"))
    warehouses.set(main=False)


@action(Warehouse, "恢复使用", may=SETUP, from_=SHUT, to=OPEN, event="opened", icon="rotate")
def reopen(warehouses: Batch[Warehouse]) -> None:
    """In use again."""


def _fit(batch: NewBatch[Entry]) -> Mapping[int, Refusal]:
    """The places are in use, the units known, and there is what is taken out. The stocks are locked first, in one
    order: two who take the same come one after the other."""
    problems = unseen(ENTRY, batch.rows, batch.by)
    rows = {p: row for p, row in batch.rows.items() if p not in problems}
    if silent := [row for row in rows.values() if not row["warehouse"]]:
        main = main_warehouse()
        for row in silent:
            row["warehouse"] = main.pk if main else None
    used = {row[name] for row in rows.values() for name in ("warehouse", "to") if row[name]}
    in_use = set(Warehouse.objects.filter(pk__in=used, state=OPEN).values_list("pk", flat=True))
    known = factors({(x["product"], x["unit_name"] or "") for row in rows.values() for x in row["lines"]})
    for position, row in rows.items():
        if refusal := _unfit(row, in_use) or _unknown(row, known):
            problems[position] = refusal
    rows = {p: row for p, row in rows.items() if p not in problems}
    if any(DIRECTIONS[row["kind"]] < 0 for row in rows.values()):
        return problems | _short(rows, known, lock=batch.locks)
    return problems


def _unfit(row: Row, in_use: set[int]) -> Refusal | None:
    if row["warehouse"] is None:
        return Refusal("没有默认发货仓，选「仓库」。", "warehouse")
    if row["warehouse"] not in in_use:
        return Refusal("这个仓库已停用，换一个。", "warehouse")
    if row["kind"] == TRANSFER and (not row["to"] or row["to"] == row["warehouse"]):
        return Refusal("调拨要填「调入仓库」，而且不能是同一个。", "to")
    if row["kind"] != TRANSFER and row["to"]:
        return Refusal("「调入仓库」只有调拨才填。", "to")
    if row["to"] and row["to"] not in in_use:
        return Refusal("调入的仓库已停用，换一个。", "to")
    if row["done_on"] and row["done_on"] > clock.today():
        return Refusal("「日期」还没到。", "done_on")
    return None


def _unknown(row: Row, known: Mapping[tuple[int, str], Decimal]) -> Refusal | None:
    seen = set()
    for n, line in enumerate(row["lines"]):
        if (line["product"], line["unit_name"] or "") not in known:
            return Refusal(
                f"「第 {n + 1} 行」的产品没有「{line['unit_name']}」这个单位，先在产品里写它等于几个。",
                f"lines-{n}-unit_name",
            )
        if row["kind"] == COUNT and line["product"] in seen:
            return Refusal(f"「第 {n + 1} 行」的产品前面已经盘过，合成一行。", f"lines-{n}-product")
        if row["kind"] != COUNT and line["quantity"] <= 0:
            return Refusal(f"「第 {n + 1} 行的数量」要大于 0。", f"lines-{n}-quantity")
        seen.add(line["product"])
    return None


def _short(rows: Mapping[int, Row], known: Mapping[tuple[int, str], Decimal], *, lock: bool) -> dict[int, Refusal]:
    problems = {}
    for position, short in in_turn({p: _taken(row, known) for p, row in rows.items()}, lock=lock).items():
        n = next(n for n, x in enumerate(rows[position]["lines"]) if x["product"] == short.product)
        problems[position] = Refusal(short.text, f"lines-{n}-quantity")
    return problems


def _taken(row: Row, known: Mapping[tuple[int, str], Decimal]) -> dict[Place, Decimal]:
    """place -> what the entry takes out of it, in the base unit."""
    needs = defaultdict[Place, Decimal](Decimal)
    for line in row["lines"]:
        quantity = line["quantity"] * known[line["product"], line["unit_name"] or ""]
        if DIRECTIONS[row["kind"]] < 0:
            needs[row["warehouse"], line["product"]] += quantity
    return needs


def _post(entries: NewBatch[Entry]) -> None:
    """The movements of new entries; a 盘点 moves what is more or less than the books say."""
    by_entry = {e.pk: e for e in entries}
    lines = list(EntryLine.objects.filter(entry__in=by_entry).order_by("pk"))
    known = factors({(x.product_id, x.unit_name) for x in lines})
    places = {(by_entry[x.entry_id].warehouse_id, x.product_id) for x in lines if _counts(by_entry[x.entry_id])}
    open_places(places, entries.now)
    shelves = Shelves(places, lock=True)
    moves = []
    for line in lines:
        entry, quantity = by_entry[line.entry_id], line.quantity * known[line.product_id, line.unit_name]
        place = (entry.warehouse_id, line.product_id)
        if _counts(entry):
            moves.append(Move(place, quantity - shelves.left(place), entry.pk))
            shelves.take({place: shelves.left(place) - quantity})
            continue
        moves.append(Move(place, quantity * DIRECTIONS[entry.kind], entry.pk))
        if entry.to_id:
            moves.append(Move((entry.to_id, line.product_id), quantity, entry.pk))
    move(moves, MODEL, now=entries.now, run=entries.run, by=entries.by)


def _counts(entry: Entry) -> bool:
    return entry.kind == COUNT


create_entry = creating(Entry, ENTRY, numbers=NUMBERS, check=_fit, after=_post, label="新建出入库单", may=KEEP)


@action(Entry, "作废", may=KEEP, from_=POSTED, to=VOID, event="voided", icon="circle-x", danger=True)
def void(
    entries: Batch[Entry], *, reason: Annotated[str, Field("reason", "原因", required=True, maxlength=200)]
) -> None:
    """Written down by mistake: movements the other way round take it back. What has gone on since cannot be."""
    moves = back(moved(MODEL, entries.ids))
    wanted: dict[int, dict[Place, Decimal]] = {i: {} for i in entries.ids}
    for one in moves:
        wanted[one.record][one.place] = -one.quantity
    short = in_turn(wanted, lock=entries.locks)
    entries.refuse({i: f"{s.text}收进来的已经发走或用掉，不能作废。" for i, s in short.items()})
    kept = [m for m in moves if m.record not in short]
    move(kept, MODEL, now=entries.now, run=entries.run, by=entries.by)
    entries.tell({i: {"reason": reason} for i in entries.ids})
