"""Orders out of chats against 50,000 products: how much is right at first and after one correction, and how long thirty
lines take. Runs inside a measured process (`bench.inside`); the fifty messages are `tests/intake/chats.txt`."""

from typing import Any

from bench.inside import _milliseconds as milliseconds

PRODUCTS = 50_000
KINDS = (
    "深沟球轴承", "调心球轴承", "圆柱滚子轴承", "推力球轴承", "滚针轴承", "骨架油封", "O 形圈", "普通气缸", "电磁阀",
    "快插接头",
    "同步带", "三角带", "滚子链", "联轴器", "润滑脂", "直线导轨", "滚珠丝杠", "伺服电机", "变频器", "减速机",
)  # fmt: skip


def _stock() -> dict[str, Any]:
    """The demo's products by code, among fifty thousand others of the same kinds with sizes of their own; indexed."""
    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.kernel.resources import finding
    from neiqin.kernel.resources.resource import site
    from neiqin.modules.catalog import actions as catalog
    from neiqin.modules.catalog.models import Product
    from tests.intake import chats

    rows = [*chats.products()]
    for n in range(PRODUCTS - len(rows)):
        size = f"{n % 97 + 10}×{n % 89 + 20}×{n % 13 + 5}" if n % 3 else f"{'ABCDEFGH'[n % 8]}{1000 + n % 8999}"
        rows.append({"code": f"X{n:05}", "name": KINDS[n % len(KINDS)], "spec": size, "unit_name": "个"})
    for start in range(0, len(rows), 2000):
        made = perform(catalog.create_product, by=SYSTEM, rows=rows[start : start + 2000])
        if made.refused:
            raise RuntimeError(str(made.refused)[:300])
    finding.mend(site().resources["catalog.product"])
    return {p.code: p for p in Product.objects.filter(code__in=[r["code"] for r in chats.products()])}


def chat_orders(n: int) -> dict[str, Any]:
    """Shares of things wanted that are right at first and after one correction each, and milliseconds of n readings of
    a message of thirty lines."""
    from neiqin.kernel import clock
    from neiqin.modules.customers.models import Customer
    from neiqin.modules.intake import matching
    from neiqin.modules.intake.models import Word
    from neiqin.modules.intake.reading import read
    from tests.intake import chats

    known = _stock()
    customer = Customer.objects.filter(owner__isnull=False).order_by("pk")[0]
    first = second = wanted = wrong = 0
    for chat in chats.chats():
        reading, matches = chats.understood(chat, customer)
        right = chats.right(chat, reading, matches)
        wanted, first = wanted + len(right), first + sum(right)
        codes = [w[0] for w in chat.wanted]
        wrong += sum(m.sure and m.product is not None and m.product.code not in codes for m in matches)
        for match, one in zip(matches, chat.wanted, strict=False):  # what a clerk would choose instead
            if match.product is None or match.product.code != one[0]:
                Word.objects.update_or_create(
                    customer=customer, key=matching.key(match.item.words),
                    defaults={"product": known[one[0]], "learned_at": clock.now()},
                )  # fmt: skip
        second += sum(chats.right(chat, *chats.understood(chat, customer)))
        Word.objects.filter(customer=customer).delete()
    lines = [c.text.split("\n")[0].split("，")[0] for c in chats.chats() if c.wanted and "\t" not in c.text][:30]
    text = "\n".join(lines)

    def look() -> None:
        matching.match(read(text, chats.TODAY).items, customer)

    return {"wanted": wanted, "first": first, "second": second, "wrong": wrong, "lines": len(lines),
            "times": [milliseconds(look) for _ in range(n)]}  # fmt: skip
