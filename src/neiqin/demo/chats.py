"""Orders that come as a message: one that the clerk pastes and makes into an order in the morning, one that a rep hands
in for today; and a promotion, with a plan that the three departments still have on their desks."""

from datetime import timedelta
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.catalog.models import Product
from neiqin.modules.customers.models import Customer
from neiqin.modules.intake import actions, filling
from neiqin.modules.intake.models import Intake
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders.models import Order
from neiqin.modules.promotions import actions as promotions
from neiqin.modules.promotions.models import Promotion

CUSTOMER = "Around the Horn"
SAID = """老板好，补个单：
1、Chai 12件
2、NW11 三件
3、Tofu 两件
收货人：Thomas Hardy，London Colchester 120 Hanover Sq.
下周五前要到，谢谢"""
WAITING = "王工要货：ZC-6205 40个，油封TC50*72*8二十个，明天上午送，老地方"


def take_one(clerk: Any) -> dict[str, Any]:
    """Pasted, understood, filled in and saved, as on the screen; what was certain and what was guessed is said."""
    customer = Customer.objects.get(name=CUSTOMER)
    made = perform(actions.create, by=clerk, rows=[{"customer": customer.pk, "said": SAID}], source="demo").done[0]
    filled = filling.understand(SAID, customer, clerk)
    row = filling.values_of(filled)
    row["lines"] = [{k: v for k, v in one.items() if v and k != "product__text"} for one in row["lines"]]
    outcome = perform(orders.create, by=clerk, rows=[row], source="demo")
    if outcome.refused:
        raise ValueError(f"demo data refused: {outcome.refused}")
    perform(actions.take, [made], by=clerk, params={"order": outcome.done[0]}, source="demo")
    order = Order.objects.get(pk=outcome.done[0])
    sure = sum(m.sure for m in filled.matches)
    return {"count": len(filled.matches), "note": f"{order.number}：{sure} 行有把握，"
            f"{len(filled.matches) - sure} 行要核对，{order.amount:,.2f} 元"}  # fmt: skip


def hand_in() -> None:
    """For today, unless there is one: a rep's customer said it on the phone."""
    if Intake.objects.filter(taken_at=None).exists():
        return
    rep = actor_of(Login.objects.values_list("person_id", flat=True).get(username="zhouqiming"))
    customer = Customer.objects.filter(owner_id=rep.id, state="active").order_by("pk").first()
    if customer is not None:
        row = {"customer": customer.pk, "said": WAITING, "note": "客户电话里说的"}
        perform(actions.create, by=rep, rows=[row], source="demo")


def promote() -> None:
    """Two promotions of the demo's goods unless there are some: one in force, one that waits for three reviews."""
    goods = list(Product.objects.filter(code__in=("MF-LJ2", "MF-EP2", "CD-8M", "CD-B68")).order_by("code"))
    if Promotion.objects.exists() or len(goods) < 4:
        return
    today = clock.today()
    manager = actor_of(Login.objects.values_list("person_id", flat=True).get(username="lujianguo"))
    rows = [
        {"name": "润滑脂冬季促销", "goal": "清去年的库存，带动密封件", "from_on": str(today - timedelta(days=6)),
         "until_on": str(today + timedelta(days=12)), "budget": "20000",
         "deals": [{"product": p.pk, "price": price} for p, price in zip(goods[2:], ("319", "259"), strict=True)]},
        {"name": "传动件开年活动", "goal": "春节前备货", "from_on": str(today + timedelta(days=20)),
         "until_on": str(today + timedelta(days=50)), "budget": "15000",
         "deals": [{"product": p.pk, "price": price} for p, price in zip(goods[:2], ("59.80", "15.20"), strict=True)]},
    ]  # fmt: skip
    made = perform(promotions.create, by=manager, rows=rows, source="demo")
    if made.refused:
        raise ValueError(f"demo data refused: {made.refused}")
    perform(promotions.launch, made.done[:1], by=SYSTEM, source="demo")
    perform(promotions.launch, made.done[1:], by=manager, source="demo")
