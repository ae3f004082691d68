"""What is done with orders on their way in: handed in, made into an order, given back, handed in again."""

from typing import Annotated, Any

from django.db.models import F

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import creating, editing
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.notices.tell import Kind, News, tell_each
from neiqin.modules.intake import fields, matching
from neiqin.modules.intake.models import BACK, NEW, NUMBERS, TAKEN, VOID, Intake, Word
from neiqin.modules.orders.models import Order, OrderLine

KEY, URL = "intake.intake", "/intake/intake/"
VIEW, CREATE, TAKE = "intake.view", "intake.create", "orders.create"
ORDER = Field("order", "订单", "ref", ref="orders.order", required=True)
INTAKE = Shape(fields.INTAKE)
TOLD = Kind("intake.back", "来单退回补充")
WHY = Field("reason", "要补什么", required=True, maxlength=200, span=2)

create = creating(Intake, INTAKE, numbers=NUMBERS, label="聊天下单")
edit = editing(Intake, INTAKE, may=CREATE, from_=frozenset({NEW, BACK}))


@action(Intake, "录成订单", may=TAKE, from_=(NEW, BACK), to=TAKEN, event="taken", icon="clipboard-list", bulk=False,
        button=False)  # fmt: skip
def take(intakes: Batch[Intake], *, order: Annotated[int, ORDER]) -> None:
    """An order was made of it; what the customer called things is learned for the next time."""
    made = Order.objects.filter(Order.visible_to(intakes.by), pk=order).first()
    if made is None:
        intakes.refuse(dict.fromkeys(intakes.ids, "这张订单不在你能看到的范围里。"))
        return
    intakes.set(order_id=made.pk, customer_id=made.customer_id, name=made.name, taken_by_id=intakes.by.id,
                taken_at=intakes.now, owner_id=made.owner_id, unit_id=made.unit_id)  # fmt: skip
    learn(made, intakes.now)


def learn(order: Order, now: Any) -> int:
    """Words of an order's lines that are not certain by themselves -> what the customer meant; how many. One look and
    one statement; a word that meant something else begins anew."""
    lines = OrderLine.objects.filter(order=order, product__isnull=False).exclude(customer_item="")
    pairs = {
        matching.key(x.customer_item): (x.customer_item, x.product)
        for x in lines.select_related("product") if x.product
    }  # fmt: skip
    known = matching.certain(pairs.values(), None)
    new = {k: p for (k, (_, p)), sure in zip(pairs.items(), known, strict=True) if not sure and k}
    there = Word.objects.filter(customer_id=order.customer_id, key__in=new)
    same = [w.pk for w in there if w.product_id == new[w.key].pk]
    Word.objects.filter(pk__in=same).update(times=F("times") + 1, learned_at=now)
    kept = set(Word.objects.filter(pk__in=same).values_list("key", flat=True))
    Word.objects.bulk_create(
        [Word(customer_id=order.customer_id, key=k, product=p, times=1, learned_at=now)
         for k, p in sorted(new.items()) if k not in kept],
        update_conflicts=True, unique_fields=["customer", "key"], update_fields=["product", "times", "learned_at"],
    )  # fmt: skip
    return len(new)


@action(Intake, "退回补充", may=TAKE, from_=NEW, to=BACK, event="given_back", icon="arrow-back-up", bulk=False)
def give_back(intakes: Batch[Intake], *, reason: Annotated[str, WHY]) -> None:
    """Something is missing that only who handed it in knows."""
    intakes.set(reason=reason)
    intakes.tell({i: {"reason": reason} for i in intakes.ids})
    tell_each([
        News(x.asked_by_id, f"来单退回补充：{x.name}", reason, f"{URL}{x.pk}/", TOLD.name, about=(KEY, x.pk),
             run=intakes.run)
        for x in intakes if x.asked_by_id and x.asked_by_id != intakes.by.id
    ])  # fmt: skip


@action(Intake, "补好再交", may=CREATE, from_=BACK, to=NEW, event="handed_again", icon="send", primary=True, bulk=False)
def hand_again(intakes: Batch[Intake]) -> None:
    """What was missing is there."""
    intakes.set(reason="")


@action(Intake, "作废", may=CREATE, from_=(NEW, BACK), to=VOID, event="voided", icon="circle-x", danger=True)
def void(
    intakes: Batch[Intake], *, reason: Annotated[str, Field("reason", "原因", required=True, maxlength=200)]
) -> None:
    """No order will come of it."""
    intakes.tell({i: {"reason": reason} for i in intakes.ids})
