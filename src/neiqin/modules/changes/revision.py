"""What a change makes of its order: the row that `orders.revise` takes, and what kinds of change there are in it."""

from collections.abc import Iterable, Mapping
from typing import Any

from neiqin.modules.changes.models import PLACE, Change, ChangeLine

QUANTITY, PRICE, AMOUNT, DATE, TO, ALL = "数量", "价格", "金额", "交期", "收货", "取消"


def row_of(head: Mapping[str, Any], lines: Iterable[ChangeLine]) -> dict[str, Any]:
    """head: the change's own fields, personal ones opened; what is empty stays. Values as texts, as forms give them."""
    row: dict[str, Any] = {name: head[name] for name in PLACE if head.get(name)}
    if head.get("required_on"):
        row["required_on"] = str(head["required_on"])
    if given := [one for line in lines if (one := _line(line))]:
        row["lines"] = given
    return row


def _line(line: ChangeLine) -> dict[str, Any]:
    """One of them; {} for a line that stays as it is."""
    if line.new:
        return {
            "product": str(line.product_id or ""), "item_name": line.item_name, "spec": line.spec,
            "unit_name": line.unit_name, "quantity": _text(line.quantity), "price": _text(line.price),
            "promised_on": _text(line.promised_on),
        }  # fmt: skip
    if line.quantity == 0:
        return {"id": str(line.order_line_id or 0), "delete": True}
    pairs = (
        ("quantity", line.was_quantity, line.quantity), ("price", line.was_price, line.price),
        ("promised_on", line.was_promised_on, line.promised_on),
    )  # fmt: skip
    changed = {name: _text(after) for name, before, after in pairs if before != after}
    return {"id": str(line.order_line_id), **changed} if changed else {}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def kinds_of(change: Change, head: Mapping[str, Any], lines: Iterable[ChangeLine]) -> list[str]:
    """What is changed, in the words of the table 《变更知会》; whether the amount is another is known when it holds."""
    if change.whole:
        return [ALL]
    found = list(lines)
    said = [
        (QUANTITY, any(x.was_quantity != x.quantity for x in found)),
        (PRICE, any(not x.new and x.quantity and x.was_price != x.price for x in found)),
        (DATE, bool(head.get("required_on")) or any(not x.new and x.was_promised_on != x.promised_on for x in found)),
        (TO, any(head.get(name) for name in PLACE)),
    ]
    return [word for word, there in said if there]
