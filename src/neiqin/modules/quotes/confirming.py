"""The customer accepts or refuses a quote on the phone (C-LEAD-10)."""

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.refusals import RefuseLate
from neiqin.kernel.fields.field import label_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.guests.asks import Answer, Ask, Contact, Given, Shown
from neiqin.kernel.personal.columns import open_columns
from neiqin.modules.customers.models import Contact as CustomerContact
from neiqin.modules.quotes import fields
from neiqin.modules.quotes.actions import expired, versions_of
from neiqin.modules.quotes.models import Quote, QuoteLine
from neiqin.modules.quotes.states import ACCEPTED, DRAFT, REFUSED, REPLACED, SENT, VOID

HEAD = ("品名", "规格", "数量", "含税单价", "金额", "交期")
YES, NO = "yes", "no"


def contacts(quote: Quote) -> list[Contact]:
    """The customer's contacts; nobody is shown what has not been sent, or does not hold any more."""
    if quote.state in (DRAFT, VOID):
        return []
    rows = list(
        CustomerContact.objects.filter(customer_id=quote.customer_id, erased_at=None, left=False).order_by("id")
    )
    names = open_columns(rows, ["name"])
    return [Contact("customers.contact", c.pk, c.subject, t["name"] or "") for c, t in zip(rows, names, strict=True)]


def not_yet(quote: Quote) -> str:
    """Nobody is asked about what he does not have, or what he can no longer answer."""
    if quote.state == DRAFT:
        return "报价单还是草稿，先点「发送」，再请客户确认。"
    if quote.state == VOID:
        return "报价单已作废，不能再请客户确认。"
    return _closed(quote)


def show(quote: Quote) -> Shown:
    """The offer as it was sent; closed where it can no longer be answered."""
    lines = QuoteLine.objects.filter(quote=quote).order_by("pk")
    rows = [
        [x.item_name, x.spec, f"{plain(x.quantity)}{x.unit_name}", x.said, f"{x.gross:,.2f}",
         f"{x.days} 天" if x.days is not None else "—"]
        for x in lines
    ]  # fmt: skip
    facts = [("单号", quote.number), ("有效期至", f"{quote.valid_until}"), *terms(quote)]
    return Shown(f"{quote.name} 的报价", facts, HEAD, rows, _closed(quote))


def terms(quote: Quote) -> list[tuple[str, str]]:
    """What holds beside the prices, in words; what is not said is left out."""
    found = [
        ("付款方式", label_of(fields.SETTLEMENTS, quote.settlement) if quote.settlement else ""),
        ("交货地点", quote.place), ("运费", _freight(quote)), ("质保", quote.warranty),
        ("已减优惠", f"{quote.order_discount:,.2f}" if quote.order_discount else ""),
        ("合计（含税）", f"{quote.amount:,.2f}"), ("备注", quote.remark),
    ]  # fmt: skip
    return [(label, text) for label, text in found if text]


def _freight(quote: Quote) -> str:
    extra = f"，另收 {quote.freight:,.2f}" if quote.freight else ""
    return label_of(fields.BEARERS, quote.freight_by) + extra


def _closed(quote: Quote) -> str:
    if quote.state == REPLACED:
        newer = versions_of([quote.head]).filter(state__in=(SENT, ACCEPTED, REFUSED)).order_by("-edition").first()
        return f"这份报价已有新版本{f' {newer.number}' if newer else ''}，请以新版本为准。"
    if quote.state == SENT and quote.over:
        return f"这份报价的有效期到 {quote.valid_until} 为止，已过期。"
    return {ACCEPTED: "这份报价已经接受过了。", REFUSED: "这份报价已经答复过了。"}.get(quote.state, "")


def answered(quotes: Batch[Quote], given: Given) -> None:
    """Accepted while it holds, or refused with a reason, which is kept with the answer under the contact's key."""
    if given.choice == YES and (late := expired(quotes)):
        raise RefuseLate(late)  # the invitation has its answer already: all of it is taken back
    note = "客户在链接上接受" if given.choice == YES else "客户在链接上拒绝，原因在「客户确认」里"
    quotes.set(
        answered_at=quotes.now, answered_by=fields.LINK, answered_note=note,
        state=ACCEPTED if given.choice == YES else REFUSED,
    )  # fmt: skip


ASK = Ask(
    "quotes.accept", "确认报价", Quote, contacts, show,
    (Answer(YES, "接受报价", "optional"), Answer(NO, "不接受", "required")), answered, (SENT,), not_yet,
)  # fmt: skip
