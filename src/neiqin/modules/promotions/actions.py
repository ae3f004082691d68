"""What is done with promotions: planned, approved by marketing, finance and legal at the same time, stopped."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import Action, action
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.approvals.declare import Asks
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats.pinyin import pinyin_key
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.resources.references import unseen
from neiqin.modules.catalog.models import ACTIVE, ENDED, PROMOTION, VOID, PriceList, PriceRow
from neiqin.modules.catalog.models import NUMBERS as LISTS
from neiqin.modules.promotions import fields
from neiqin.modules.promotions.models import DRAFT, NUMBERS, RUNNING, STOPPED, Deal, Promotion

KEY, URL = "promotions.promotion", "/promotions/promotion/"
VIEW, CREATE, EDIT = "promotions.view", "promotions.create", "promotions.edit"
DEALS = Lines("deals", "促销价", Deal, "promotion", fields.DEAL, 1, "加一行")
PLAN = Shape(fields.PROMOTION, (DEALS,))


def _fit(batch: NewBatch[Promotion]) -> Mapping[int, Refusal]:
    return unseen(PLAN, batch.rows, batch.by)


def _still_fit(batch: Batch[Promotion], changes: Changes) -> Mapping[int, Refusal]:
    return unseen(PLAN, changes, batch.by)


create = creating(Promotion, PLAN, numbers=NUMBERS, check=_fit, label="新建促销方案")
edit = editing(Promotion, PLAN, check=_still_fit, label="修改方案", from_=frozenset({DRAFT}))


@action(Promotion, "报批", may=EDIT, from_=DRAFT, to=RUNNING, event="launched", icon="send", key="S", primary=True,
        bulk=False)  # fmt: skip
def launch(promotions: Batch[Promotion]) -> None:
    """It gives its prices on documents of its days. Who has to agree first stands in 《审批路线》, and the gate asks
    them: marketing, finance and legal at the same time (C-FLOW-02)."""
    today = clock.today()
    promotions.refuse({
        p.pk: Refusal(f"最后一天 {p.until_on} 已经过了，改日期再报批。", "until_on")
        for p in promotions if p.until_on < today
    })  # fmt: skip
    lists = {p.pk: _list_of(p, promotions.now) for p in promotions}
    promotions.set(approved_at=promotions.now)
    promotions.set_each("price_list_id", {pk: one.pk for pk, one in lists.items()})
    if not promotions.preview:
        promotions.last(lambda: LISTS.assign(list(lists.values())))


def _list_of(promotion: Promotion, now: Any) -> PriceList:
    """The price list through which it holds, from the later of its first day and today on: never for the past."""
    name = f"{promotion.number} {promotion.name}"[:100]
    made = PriceList.objects.create(
        name=name, pinyin=pinyin_key(name)[:300], kind=PROMOTION, level=promotion.level, region=promotion.region,
        channel=promotion.channel, from_on=max(promotion.from_on, clock.today()), until_on=promotion.until_on,
        state=ACTIVE, created_at=now, updated_at=now,
    )  # fmt: skip
    PriceRow.objects.bulk_create(
        PriceRow(price_list=made, product_id=d.product_id, unit_name=d.unit_name, min_quantity=d.min_quantity,
                 price=d.price)
        for d in Deal.objects.filter(promotion=promotion).order_by("pk")
    )  # fmt: skip
    return made


@action(Promotion, "停止", may=EDIT, from_=RUNNING, to=STOPPED, event="stopped", icon="hand-stop", danger=True)
def stop(
    promotions: Batch[Promotion],
    *,
    reason: Annotated[str, Field("reason", "原因", required=True, maxlength=200)],
) -> None:
    """From now on documents get the price that they would have without it; what was priced before stays."""
    promotions.set(stop_note=reason)
    promotions.tell({i: {"reason": reason} for i in promotions.ids})
    end_lists([p.price_list_id for p in promotions if p.price_list_id])


def end_lists(ids: list[int]) -> None:
    """These lists give no price from today on."""
    yesterday = clock.today() - timedelta(days=1)
    lists = PriceList.objects.filter(pk__in=ids, state=ACTIVE)
    lists.filter(from_on__gt=yesterday).update(state=VOID)
    lists.filter(until_on__gt=yesterday).update(until_on=yesterday, state=ENDED)


def _measures(action: Action, rows: Mapping[int, Mapping[str, Any]], by: Any) -> Mapping[int, Mapping[str, Any]]:
    return {p.pk: {"amount": p.budget} for p in Promotion.objects.filter(pk__in=list(rows))}


def facts(record: int, person: Any) -> list[tuple[str, str]]:
    """What an approver looks at: how long, for whom, what it may cost, what each product costs then."""
    promotion = Promotion.objects.filter(Promotion.visible_to(person), pk=record).first()
    if promotion is None:
        return []
    whom = "、".join(x for x in (promotion.region, promotion.channel, promotion.level) if x) or "全部客户"
    found = [
        ("日期", f"{promotion.from_on} 到 {promotion.until_on}"), ("给谁", whom),
        ("预算", f"{promotion.budget:,.2f}"), ("目的", promotion.goal),
    ]  # fmt: skip
    deals = Deal.objects.filter(promotion=promotion).select_related("product").order_by("pk")[:20]
    return found + [(d.product.name, f"{d.price:.2f} 每{d.unit_name or d.product.unit_name}") for d in deals]


ASKS = Asks(launch.code, _measures, "促销活动·报批", facts)
