"""What is done with quotes: written, sent, answered by the customer, renewed as another version, voided; templates."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from django.db.models import Q

from neiqin.kernel import copying
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.resources.references import unseen
from neiqin.modules.catalog.models import ON_SALE, Product
from neiqin.modules.customers.moving import take_along
from neiqin.modules.orders import money
from neiqin.modules.quotes import fields
from neiqin.modules.quotes.models import Pushed, Quote, QuoteLine
from neiqin.modules.quotes.states import ACCEPTED, DRAFT, OUT, REFUSED, REPLACED, SENT, VOID

KEY, URL = "quotes.quote", "/quotes/quote/"
CHECK = "/quotes/check/"  # entering.py
VIEW, CREATE, EDIT = "quotes.view", "quotes.create", "quotes.edit"
NUMBERS = Numbers("number", Pattern("BJ", by_day=True))
LINES = Lines("lines", "明细", QuoteLine, "quote", fields.LINE, 1, "加一行", check=CHECK, told=fields.TOLD)
QUOTE = Shape(fields.HEAD, (LINES,))
CHANGED = Shape(tuple(f for f in fields.HEAD if f is not fields.customer), (LINES,))
WHY = Field("reason", "原因", required=True, maxlength=200)
BY_HAND = tuple(m for m in fields.MEANS if m.value != fields.LINK)
HOW = Field("how", "怎么答复的", "choice", choices=BY_HAND, required=True)


def _fit(batch: NewBatch[Quote]) -> Mapping[int, Refusal]:
    return unseen(QUOTE, batch.rows, batch.by) | whole(batch.rows)


def _still_fit(batch: Batch[Quote], changes: Changes) -> Mapping[int, Refusal]:
    return unseen(CHANGED, changes, batch.by) | whole(changes)


def whole(rows: Mapping[int, Mapping[str, Any]]) -> dict[int, Refusal]:
    """Each new line has something to sell, on sale, of more than nothing."""
    wanted = {x["product"] for row in rows.values() for x in row.get("lines") or () if x.get("product")}
    stopped = dict(Product.objects.filter(pk__in=wanted).exclude(state=ON_SALE).values_list("pk", "name"))
    problems: dict[int, Refusal] = {}
    for key, row in rows.items():
        for n, line in enumerate(row.get("lines") or ()):
            if refusal := _unfit(n, line, stopped):
                problems.setdefault(key, refusal)
    return problems


def _unfit(n: int, line: Mapping[str, Any], stopped: Mapping[int, str]) -> Refusal | None:
    if line.get("delete"):
        return None
    if not line.get("id") and not line.get("product") and not line.get("item_name"):
        return Refusal(f"「第 {n + 1} 行」没有产品，选一个产品或写品名。", f"lines-{n}-product")
    if "quantity" in line and (line["quantity"] is None or line["quantity"] <= 0):
        return Refusal(f"「第 {n + 1} 行的数量」要大于 0。", f"lines-{n}-quantity")
    if line.get("product") in stopped:
        return Refusal(f"「第 {n + 1} 行」的{stopped[line['product']]}已停售，换一个产品。", f"lines-{n}-product")
    return None


def _changed(batch: Batch[Quote], changes: Changes) -> None:
    """The discount is shared over the lines that there are now, and they are added up."""
    by_quote: dict[int, list[QuoteLine]] = defaultdict(list)
    for line in QuoteLine.objects.filter(quote_id__in=batch.ids).order_by("pk"):
        by_quote[line.quote_id].append(line)
    moved = [line for quote in batch for line in money.share(quote, by_quote[quote.pk])]
    copying.update(moved, ("off", "gross", "net", "tax"))
    for column in ("amount", "net", "tax"):
        batch.set_each(column, {q.pk: getattr(q, column) for q in batch})


create = creating(Quote, QUOTE, numbers=NUMBERS, check=_fit, label="新建报价单")
edit = editing(Quote, CHANGED, check=_still_fit, after=_changed, label="修改报价单", from_=frozenset({DRAFT}))


@action(Quote, "发送", may=EDIT, from_=DRAFT, to=SENT, event="sent", icon="send", key="S", primary=True)
def send(quotes: Batch[Quote]) -> None:
    """It is the customer's from now on and never changes; what price policy asks for stands in 《审批路线》. An earlier
    version, if there is one, holds no more."""
    unpriced = QuoteLine.objects.filter(quote_id__in=quotes.ids, price=None).order_by("-pk")
    quotes.refuse({
        i: Refusal(f"「{item}」没有报价：价目表里没有，填上单价。", "lines")
        for i, item in unpriced.values_list("quote_id", "item_name")
    })  # fmt: skip
    quotes.refuse({
        q.pk: Refusal("「整单优惠」比明细合计还多，改小。", "order_discount") for q in quotes if q.amount < 0
    })  # fmt: skip
    _replace(quotes)
    quotes.set(sent_at=quotes.now)


def _replace(quotes: Batch[Quote]) -> None:
    """The versions before these hold no more, unless the customer took one of them while its successor was written."""
    heads = {q.head: q for q in quotes if q.edition > 1}
    before = list(versions_of(heads).filter(state__in=OUT).select_for_update(no_key=True, of=("self",)).order_by("pk"))
    before = [q for q in before if q.pk != heads[q.head].pk]
    ordered = set(pushed_alive([q.pk for q in before]))
    problems = {}
    for old in before:
        new = heads[old.head]
        if old.pk in ordered:
            problems[new.pk] = f"{old.number} 已经下推了订单，不能再换版本，另报一份。"
        elif old.state == ACCEPTED and old.answered_at and old.answered_at > new.created_at:
            problems[new.pk] = f"客户刚接受了 {old.number}，这一版不用发了。要改就作废它，从那一版重新出新版本。"
    quotes.refuse(problems)
    gone = [q for q in before if heads[q.head].pk not in problems]
    Quote.objects.filter(pk__in=[q.pk for q in gone]).update(state=REPLACED)
    told = [(f"{KEY}.replaced", q.pk, q.state, REPLACED, {"words": f"换成新版本 {heads[q.head].number}"}) for q in gone]
    history.add_events(quotes.run, KEY, told)


def versions_of(heads: Iterable[int]) -> Any:
    """All versions of the offers that these began."""
    return Quote.objects.filter(Q(pk__in=list(heads)) | Q(first__in=list(heads)))


def pushed_alive(ids: Iterable[int]) -> list[int]:
    """Those of these quotes of which an order came that is not void."""
    rows = Pushed.objects.filter(quote_id__in=list(ids)).exclude(order__state=VOID)
    return list(rows.values_list("quote_id", flat=True).distinct())


def expired(quotes: Iterable[Quote]) -> dict[int, str | Refusal]:
    """After its last day nothing can be done with an offer but another version of it: those of them, and why."""
    return {q.pk: f"有效期到 {q.valid_until} 为止，已过期。出新版本再办。" for q in quotes if q.over}


@action(
    Quote, "登记客户接受", may=EDIT, from_=SENT, to=ACCEPTED, event="accepted", icon="user-check", key="Q",
    offered=lambda quote: not quote.over,
)  # fmt: skip
def accept(
    quotes: Batch[Quote],
    *,
    how: Annotated[str, HOW],
    proof: Annotated[str, Field("proof", "凭证", required=True, maxlength=200, help="谁、什么时候、采购单号或回签件")],
) -> None:
    """Take down that the customer accepted, while it held."""
    quotes.refuse(expired(quotes))
    quotes.set(answered_at=quotes.now, answered_by=how, answered_note=proof)
    quotes.tell({i: {"note": f"{label_of(fields.MEANS, how)}，{proof}"} for i in quotes.ids})


@action(Quote, "登记客户拒绝", may=EDIT, from_=SENT, to=REFUSED, event="refused", icon="message")
def refuse(
    quotes: Batch[Quote],
    *,
    reason: Annotated[str, WHY.but(help="价格、交期、付款、别家中标……")],
    how: Annotated[str, HOW.but(required=False)] = "",
) -> None:
    """Take down that the customer does not want it, and why."""
    quotes.set(answered_at=quotes.now, answered_by=how, answered_note=reason)
    quotes.tell({i: {"reason": reason} for i in quotes.ids})


@action(
    Quote, "作废", may=EDIT, from_=(DRAFT, *OUT), to=VOID, event="voided", icon="circle-x", danger=True
)  # fmt: skip
def void(quotes: Batch[Quote], *, reason: Annotated[str, WHY]) -> None:
    """It does not hold any more; its number stays visible and is not used again."""
    quotes.refuse(dict.fromkeys(pushed_alive(quotes.ids), "已经下推了订单，先作废那些订单。"))
    quotes.tell({i: {"reason": reason} for i in quotes.ids})


@action(Quote, "登记已发给客户", may=EDIT, from_=SENT, event="handed", button=False, bulk=False, icon="send")
def hand(
    quotes: Batch[Quote],
    *,
    way: Annotated[str, Field("way", "怎么发的", "choice", choices=fields.WAYS, required=True)],
) -> None:
    """A person has sent its text or its paper himself; nothing is sent from here."""
    quotes.unchanged_but_told()
    quotes.tell({i: {"words": f"用{label_of(fields.WAYS, way)}发给了客户"} for i in quotes.ids})


def of_merged(happened: Happened) -> None:
    """What was offered under the file that went is part of the other's history now."""
    take_along(happened, "quotes_quote")
