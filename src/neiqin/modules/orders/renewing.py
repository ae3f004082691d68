"""Open orders whose contact has another phone or name now ask to be updated (C-CUS-05)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.models import Change
from neiqin.kernel.personal.columns import Sealed, open_columns, seal_columns
from neiqin.kernel.personal.keys import index_many
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Todo
from neiqin.modules.customers.models import Address, Contact
from neiqin.modules.orders.actions import EDIT
from neiqin.modules.orders.models import Order, Renewal
from neiqin.modules.orders.states import APPROVED, EXECUTING, KEPT, RENEWED, SUBMITTED, WAITS

OPEN = (SUBMITTED, APPROVED, EXECUTING)
NOTHING = "联系方式没有变更，不用更新。"
# Of each kind of row: what it is called on a renewal, the column of the name, and those of phones.
SOURCES: tuple[tuple[Any, str, str, tuple[str, ...]], ...] = (
    (Contact, "contact", "name", ("mobile", "phone")),
    (Address, "address", "consignee", ("mobile",)),
)
MOST = 10


@dataclass(frozen=True)
class Moved:
    """A contact or address whose name or phone has been changed. phones: column -> (before, now)."""

    row: Any
    kind: str
    name: tuple[str, str]
    phones: dict[str, tuple[str, str]]

    def concerns(self, consignee: str, phone: str) -> tuple[str, str] | None:
        """(column of the phone, what has changed) of an order written with these; None: it was written with others.

        It is known by the phone it was written with; one without a phone by the name.
        """
        column = next((c for c, (before, _) in self.phones.items() if before and before == phone), "")
        if not column and (phone or consignee != self.name[0]):
            return None
        before, now = self.phones.get(column, ("", ""))
        called = self.name[0] != self.name[1] and consignee == self.name[0]
        what = "和".join(w for w, so in (("电话", before != now and now), ("姓名", called)) if so)
        return (column or "mobile", what) if what else None


def of_customers(happened: Happened) -> None:
    """Effect of customers that were edited: their open orders written with what was changed ask to be updated."""
    moved = {customer: rows for customer, rows in _moved(happened).items() if rows}
    if not moved:
        return
    orders = list(_open().filter(customer_id__in=moved).order_by("pk"))
    texts = open_columns(orders, ["consignee", "consignee_phone"])
    asked = []
    for order, text in zip(orders, texts, strict=True):
        for one in moved[order.customer_id]:
            if found := one.concerns(text["consignee"] or "", text["consignee_phone"] or ""):
                column, what = found
                said = (happened.data.get(order.customer_id) or {}).get("effective_on")
                from_on = date.fromisoformat(said) if said else None
                asked.append(
                    Renewal(order=order, phone=column, what=what, from_on=from_on, **{f"{one.kind}_id": one.row.pk})
                )
                break
    Renewal.objects.filter(order_id__in=[r.order_id for r in asked], state=WAITS).delete()
    Renewal.objects.bulk_create(asked)
    history.add_events(happened.run, "orders.order", [
        ("orders.order.outdated", r.order_id, None, None, {"words": f"{_words(r)}，这张订单等更新"}) for r in asked
    ])  # fmt: skip


def _open() -> Any:
    """Orders on whose way somebody may still be called."""
    return Order.objects.filter(state__in=OPEN, erased_at=None).exclude(progress__shipped__gte=100)


def _moved(happened: Happened) -> dict[int, list[Moved]]:
    """customer -> its rows whose name or phone this run has changed, with what was there before."""
    found: dict[int, list[Moved]] = defaultdict(list)
    for model, kind, name, phones in SOURCES:
        columns = (name, *phones)
        rows = Change.objects.filter(run_id=happened.run, tbl=model._meta.db_table, op="U")
        before = {r: b for r, b in rows.values_list("row_id", "before") if b and b.keys() & set(columns)}
        now = list(model.objects.filter(pk__in=before, customer_id__in=happened.ids, erased_at=None).order_by("pk"))
        was = [_as_it_was(row, before[row.pk], columns) for row in now]
        for row, old, new in zip(now, open_columns(was, columns), open_columns(now, columns), strict=True):
            pairs = {c: (old[c] or "", new[c] or "") for c in columns}
            found[row.customer_id].append(Moved(row, kind, pairs.pop(name), pairs))
    return found


def _as_it_was(row: Any, before: dict[str, Any], columns: Sequence[str]) -> Any:
    """The row with what its change has as the sealed values before."""
    sealed = {c: Sealed(bytes.fromhex(before[c][2:])) if before.get(c) else getattr(row, c) for c in columns}
    emptied = {c: Sealed() for c in columns if c in before and before[c] in (None, "", "\\x")}
    return type(row)(subject=row.subject, **sealed | emptied)


def _words(renewal: Renewal) -> str:
    since = f"（{renewal.from_on} 起）" if renewal.from_on else ""
    return f"{'联系人' if renewal.contact_id else '收货地址'}{renewal.what}已变更{since}"


def _waiting(orders: Iterable[int]) -> dict[int, Renewal]:
    rows = Renewal.objects.filter(order_id__in=orders, state=WAITS)
    return {r.order_id: r for r in rows.select_related("contact", "address")}


def _asks(order: Order) -> bool:
    return Renewal.objects.filter(order=order, state=WAITS).exists()


@action(Order, "采用新联系方式", may=EDIT, from_=OPEN, event="renewed", icon="phone", offered=_asks)
def renew(orders: Batch[Order]) -> None:
    """The order takes over phone and name as the customer's file has them now. That the customer has confirmed the
    order stays: it is the customer's own contact who has moved."""
    waiting = _waiting(orders.ids)
    orders.refuse({o.pk: NOTHING for o in orders if o.pk not in waiting})
    orders.refuse({o.pk: "这张订单的个人信息已清除，不能再改。" for o in orders if o.erased_at})
    texts = _current([waiting[i] for i in orders.ids])
    if not orders.records:
        return
    seal_columns(orders.records, [texts[i] for i in orders.ids])
    for column in ("consignee", "consignee_phone"):
        orders.set_each(column, {o.pk: getattr(o, column) for o in orders})
    phones = [(o.subject, texts[o.pk]["consignee_phone"]) for o in orders if "consignee_phone" in texts[o.pk]]
    index_many(
        [e for s, p in phones for e in ((s, "consignee_phone", p), (s, "consignee_phone:last4", p[-4:]))]
    )  # fmt: skip
    _decide(orders, waiting, RENEWED)


def _decide(orders: Batch[Order], waiting: dict[int, Renewal], state: str) -> None:
    Renewal.objects.filter(pk__in=[waiting[i].pk for i in orders.ids]).update(state=state)
    orders.tell({i: {"note": _words(waiting[i])} for i in orders.ids})


def _current(renewals: Sequence[Renewal]) -> dict[int, dict[str, str]]:
    """order -> what the file says now, of what has changed."""
    changes: dict[int, dict[str, str]] = defaultdict(dict)
    for _, kind, name, phones in SOURCES:
        mine = [r for r in renewals if getattr(r, f"{kind}_id")]
        texts = open_columns([getattr(r, kind) for r in mine], (name, *phones))
        for renewal, text in zip(mine, texts, strict=True):
            if "电话" in renewal.what and text[renewal.phone]:
                changes[renewal.order_id]["consignee_phone"] = text[renewal.phone] or ""
            if "姓名" in renewal.what:
                changes[renewal.order_id]["consignee"] = text[name] or ""
    return changes


@action(Order, "保持原联系方式", may=EDIT, from_=OPEN, event="contact_kept", icon="phone", offered=_asks)
def keep(orders: Batch[Order]) -> None:
    """This order goes on with the contact it was written with."""
    waiting = _waiting(orders.ids)
    orders.refuse({o.pk: NOTHING for o in orders if o.pk not in waiting})
    _decide(orders, waiting, KEPT)
    orders.unchanged_but_told()


def note(order: Order) -> Bag | None:
    """The hint on the order's page."""
    renewal = _waiting([order.pk]).get(order.pk) if order.state in OPEN else None
    if renewal is None:
        return None
    text = "在「操作」里采用新联系方式，或保持原样。"
    return panels.note("warn", f"{_words(renewal)}，更新这张订单。", text)


def todos(person: Any) -> list[Todo]:
    """The orders of this clerk, or this service person, that ask to be updated."""
    if person.id is None or not person.may("orders.view"):
        return []
    mine = _open().filter(Order.visible_to(person), Q(clerk_id=person.id) | Q(service_id=person.id))
    rows = Renewal.objects.filter(state=WAITS, order__in=mine).select_related("order").order_by("pk")[:MOST]
    return [
        Todo(f"更新订单：{r.order.number} {r.order.name}", f"/orders/order/{r.order_id}/",
             f"{_words(r)}，更新这张订单", "phone", tone="warn")
        for r in rows
    ]  # fmt: skip
