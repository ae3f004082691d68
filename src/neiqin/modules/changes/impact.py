"""What a change of an order would cause, before anything is saved: the rows that would change, by the very action that
would change them, and what that means in words (C-ORD-14)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from neiqin.kernel import clock
from neiqin.kernel.actions.history import ChangedRow
from neiqin.kernel.actions.perform import preview
from neiqin.kernel.actions.refusals import TooSlow
from neiqin.kernel.approvals.declare import UNMEASURED
from neiqin.kernel.fields.field import label_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.pages.runs import visible_changes
from neiqin.kernel.rules.decide import Undecided, decide
from neiqin.modules.catalog import policy
from neiqin.modules.changes import changing, departments
from neiqin.modules.changes.models import ANSWERED, Assessment, Change, ChangeLine
from neiqin.modules.customers import fields as customers
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import credit, measures, stocking
from neiqin.modules.orders.models import Collection, Invoicing, Order, OrderLine, Part, Progress
from neiqin.modules.orders.states import ALIVE, DONE, VOID
from neiqin.modules.stock import moving

NAME = "订单变更·执行"
NO_ROUTE = "不用审批"
BAD, WARN, OK = "bad", "warn", ""


@dataclass(frozen=True)
class _Line:
    """A line of the order as it would be."""

    product_id: int | None
    unit_name: str
    item_name: str
    quantity: Decimal
    price: Decimal | None
    list_price: Decimal | None
    off: Decimal
    gross: Decimal
    price_rule: str
    is_gift: bool


@dataclass
class Impact:
    """problem: why it could not be done, "" if it could; aspects: (about what, tone, sentence); changes: the row
    changes the person may see; measures: what the table of approval routes is asked."""

    problem: str = ""
    aspects: list[tuple[str, str, str]] = field(default_factory=list)
    changes: list[Any] = field(default_factory=list)
    measures: dict[str, Any] = field(default_factory=dict)
    rows: list[ChangedRow] = field(default_factory=list)


def of(change: Change, head: Mapping[str, Any], lines: Sequence[ChangeLine], person: Any) -> Impact:
    """change may be unsaved; head: what is to be different about the whole, opened. A constant number of queries."""
    order = Order.objects.get(pk=change.order_id)
    found = Impact()
    verb, params, rows = changing.deed_of(change, head, lines)
    try:
        outcome = preview(verb, [order.pk], by=SYSTEM, params=params, rows=rows)
    except (Invalid, TooSlow) as error:
        return Impact(problem=str(error))
    if refusal := outcome.refused.get(order.pk):
        return Impact(problem=refusal.text)
    found.rows, found.changes = outcome.changes, visible_changes(outcome, person)
    before = {line.pk: _read(line) for line in OrderLine.objects.filter(order=order)}
    after = {} if change.whole else _after(before, outcome.changes)
    amount = Decimal(0) if change.whole else sum((x.gross for x in after.values()), Decimal(0))
    moved = [x for pk, x in after.items() if not x.is_gift and _asks_for_more(before.get(pk), x)]
    judged = measures.judge([order.pk], {order.pk: moved})[order.pk] if moved else []
    found.measures = _measures(order, moved, judged, amount)
    found.aspects = [
        *_money(order, amount), *_price(moved, judged), *_credit(found.measures, person),
        *_stock(before, after, person), *_departments(change, order, outcome.changes), *_out(order, amount),
        *_route(order, found.measures),
    ]  # fmt: skip
    return found


def _read(line: OrderLine) -> _Line:
    return _Line(**{name: getattr(line, name) for name in _Line.__dataclass_fields__})


def _after(before: Mapping[int, _Line], rows: Iterable[ChangedRow]) -> dict[int, _Line]:
    """The lines after the previewed changes."""
    after = dict(before)
    for row in rows:
        if row.table != OrderLine._meta.db_table:
            continue
        if row.op == "D":
            after.pop(row.row, None)
            continue
        known = vars(after[row.row]) if row.row in after else dict.fromkeys(_Line.__dataclass_fields__)
        after[row.row] = _typed({**known, **{k: v for k, v in row.after.items() if k in known}})
    return after


def _typed(values: Mapping[str, Any]) -> _Line:
    """History keeps numbers as JSON has them."""
    numbers = ("quantity", "price", "list_price", "off", "gross")
    found: dict[str, Any] = {
        name: Decimal(str(value)) if name in numbers and value is not None else value for name, value in values.items()
    }
    return _Line(**found)


def _asks_for_more(before: _Line | None, after: _Line) -> bool:
    """Whether the price of a line has to be allowed anew: it is another, or more is sold at it."""
    return before is None or after.price != before.price or after.quantity > before.quantity


def _measures(order: Order, moved: Sequence[_Line], judged: Sequence[policy.Judged], amount: Decimal) -> dict[str, Any]:
    """As for the audit of an order, of what is asked for anew: price level, discount, and how far over the limit the
    difference brings the customer."""
    worst = policy.strictest(judged)
    now = credit.standing({order.customer_id})[order.customer_id]
    grown = amount - (order.amount if order.state in ALIVE else Decimal(0))
    owed = credit.Credit(now.exposure + grown, now.limit, now.temporary)
    level = Customer.objects.filter(pk=order.customer_id).values_list("level", flat=True).first() or ""
    return {
        "amount": max(amount, order.amount), "level": customers.level.choice(level).label or "无",
        "factor": policy.weighted(measures.priced(moved, {})) if moved else Decimal(1),
        "price_level": worst.level if worst else policy.LEVELS[0],
        "over_credit": owed.percent if owed.locked and grown > 0 else Decimal(0),
    }  # fmt: skip


def _money(order: Order, amount: Decimal) -> list[tuple[str, str, str]]:
    if amount == order.amount:
        return [("金额", OK, f"不变，{amount:,.2f}")]
    return [("金额", WARN, f"{order.amount:,.2f} → {amount:,.2f}（{amount - order.amount:+,.2f}）")]


def _price(moved: Sequence[_Line], judged: Sequence[policy.Judged]) -> list[tuple[str, str, str]]:
    return [
        ("价格", WARN if one.level != policy.LEVELS[0] else OK,
         f"{line.item_name} {plain(line.price or Decimal(0))}，{one.factor * 100:.1f} 折"
         + ("，低于底价" if one.below_floor else "") + (f"，要{one.level}批" if one.level != policy.LEVELS[0] else ""))
        for line, one in zip(moved, judged, strict=True)
    ]  # fmt: skip


def _credit(asked: Mapping[str, Any], person: Any) -> list[tuple[str, str, str]]:
    over = asked["over_credit"]
    return [("信用", BAD, f"超信用额度 {over}%")] if over and person.may(customers.CREDIT) else []


def _stock(before: Mapping[int, _Line], after: Mapping[int, _Line], person: Any) -> list[tuple[str, str, str]]:
    more = {
        pk: x.quantity - (before[pk].quantity if pk in before else Decimal(0))
        for pk, x in after.items() if x.product_id and (pk not in before or x.quantity > before[pk].quantity)
    }  # fmt: skip
    if not more or not person.may(stocking.VIEW):
        return []
    there = stocking.free({after[pk].product_id or 0 for pk in more})
    known = moving.factors({(after[pk].product_id or 0, after[pk].unit_name) for pk in more})
    found = []
    for pk, quantity in more.items():
        line = after[pk]
        factor = known.get((line.product_id or 0, line.unit_name))
        if line.product_id in there and factor:
            left = stocking.cut(there[line.product_id] / factor)
            words = f"{line.item_name}多要 {plain(quantity)}{line.unit_name}，可用 {plain(left)}{line.unit_name}"
            found.append(("库存", WARN if quantity > left else OK, words))
    return found


def _departments(change: Change, order: Order, rows: Iterable[ChangedRow]) -> list[tuple[str, str, str]]:
    """How far each department is, what it has spent, how its dates move, and whether it can keep the new date."""
    told = {
        a.department: a for a in Assessment.objects.filter(change=change.pk or 0, state=ANSWERED)
    }  # fmt: skip
    moved = {r.row: r.after for r in rows if r.table == Part._meta.db_table}
    due = change.required_on or order.required_on
    found = []
    for part in departments.at_work(order.pk):
        said, after = told.get(part.department), moved.get(part.pk, {})
        words = [label_of(Part.STATES, part.state) + f" {part.progress}%"]
        if part.state == DONE and "state" in after:
            words.append("要再开工")
        if "end_on" in after:
            words.append(f"计划完成 {part.end_on} → {after['end_on']}")
        if after.get("state") == VOID:
            words.append("任务取消")
        end = date.fromisoformat(after["end_on"]) if "end_on" in after else part.due_on
        tone = WARN if len(words) > 1 else OK
        if said:
            words.append(f"答复 {said.possible_on} 能完成")
            words += [f"已发生成本 {said.spent:,.2f}"] if said.spent else []
            words += [said.note] if said.note else []
            end = said.possible_on or end
        if due and not change.whole and (end > due or (end < clock.today() and part.state != DONE)):
            tone = BAD
            words.append(f"赶不上交期 {due}")
        found.append((part.department, tone, "，".join(words)))
    return found


def _out(order: Order, amount: Decimal) -> list[tuple[str, str, str]]:
    """What is out, invoiced and paid already."""
    progress = Progress.objects.filter(order=order).first() or Progress()
    found = [("发货", WARN, f"已发 {plain(progress.shipped)}%，已发的不变")] if progress.shipped else []
    for label, model, verb in (("开票", Invoicing, "补开"), ("收款", Collection, "补收")):
        done = model.objects.filter(order=order).exclude(state=VOID).aggregate(s=Sum("amount"))["s"]
        if done:
            rest = f"还要{verb} {amount - done:,.2f}" if amount >= done else f"多了 {done - amount:,.2f}，要退或冲减"
            found.append((label, WARN, f"已{label} {done:,.2f}，{rest}"))
    return found


def _route(order: Order, asked: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Whose approval it needs."""
    given = {**UNMEASURED, **asked, "action": NAME, "unit": order.unit.name}
    try:
        (made,) = decide("approvals", [given], clock.today())
    except Undecided as error:
        return [("审批", BAD, str(error))]
    route = str(made.outputs["route"])
    return [("审批", OK if route == NO_ROUTE else WARN, f"{route}（{made.where}）")]


def measured(action: Any, rows: Mapping[int, Mapping[str, Any]], by: Any) -> dict[int, dict[str, Any]]:
    """What the gate asks of changes that are to be carried out."""
    found = {}
    changes = list(Change.objects.filter(pk__in=rows).order_by("pk"))
    lines = changing.lines_of([c.pk for c in changes])
    for change in changes:
        found[change.pk] = of(change, changing.head_of(change), lines[change.pk], by).measures
    return found


def facts(record: int, person: Any) -> list[tuple[str, str]]:
    """What an approver looks at first."""
    change = Change.objects.filter(Change.visible_to(person), pk=record).first()
    if change is None:
        return []
    found = of(change, changing.head_of(change), changing.lines_of([record])[record], person)
    told = [("订单", f"{change.order.number} {change.name}"), ("变更", f"{change.kinds}：{change.reason}")]
    return (
        told
        + [(about, words) for about, _, words in found.aspects]
        + ([("不能执行", found.problem)] if found.problem else [])
    )
