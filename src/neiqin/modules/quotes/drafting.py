"""What a quote begins with: its last version, another quote, a template; and templates made of quotes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from django.db.models import Max

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal, RefuseLate
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.people.checks import taken
from neiqin.kernel.personal.columns import open_columns, seal_columns
from neiqin.kernel.resources.references import unseen
from neiqin.modules.quotes import fields
from neiqin.modules.quotes.actions import EDIT, KEY, create, pushed_alive, versions_of, whole
from neiqin.modules.quotes.models import Offered, Quote, QuoteLine, Template, TemplateLine
from neiqin.modules.quotes.states import DRAFT, OUT, REPLACED, VOID

TEMPLATES = "quotes.templates"
VALID_DAYS, LONGEST = 30, 365
TEMPLATE = Shape(fields.TEMPLATE, (Lines("lines", "明细", TemplateLine, "template", fields.SOLD, 1, "加一行"),))
NAME = fields.TEMPLATE[0]
UNTIL = Field("valid_until", "有效期至", "date", help=f"空着是今天起 {VALID_DAYS} 天")
COPIED = tuple(f.name for f in fields.SOLD)


# Another version


@action(
    Quote, "出新版本", may=EDIT, from_=OUT, event="renewed", icon="copy", key="V", bulk=False,
    offered=lambda quote: not pushed_alive([quote.pk]),
)  # fmt: skip
def renew(quotes: Batch[Quote], *, valid_until: Annotated[date | None, UNTIL] = None) -> None:
    """A draft of the next version, with the same lines. The one before holds until its successor is sent, and stays
    readable for ever."""
    if valid_until and valid_until < clock.today():
        quotes.refuse(dict.fromkeys(quotes.ids, Refusal("「有效期至」已经过了，写今天以后的日子。", "valid_until")))
    _refuse_renewal(quotes)
    if not quotes.records:
        return
    heads = {q.head: q for q in quotes}
    editions = {h: max(r) for h, r in _editions(heads).items()}
    numbers = dict(Quote.objects.filter(pk__in=heads).values_list("pk", "number"))
    until = valid_until or clock.today() + timedelta(days=VALID_DAYS)
    made = {q.pk: _next(q, editions[q.head] + 1, numbers[q.head], until, quotes) for q in quotes}
    texts = open_columns(list(quotes), ["contact", "contact_phone"])
    seal_columns(list(made.values()), [{k: t[k] or "" for k in t} for t in texts])
    Quote.objects.bulk_create(made.values())
    lines = [(made[x.quote_id], x) for x in QuoteLine.objects.filter(quote_id__in=made).order_by("pk")]
    QuoteLine.objects.bulk_create(_again(x, quote=new) for new, x in lines)
    told = [(f"{KEY}.created", n.pk, None, DRAFT, {"words": f"第 {n.edition} 版"}) for n in made.values()]
    history.add_events(quotes.run, KEY, told)
    quotes.unchanged_but_told()
    quotes.tell({i: {"words": f"起草新版本 {n.number}"} for i, n in made.items()})


def _refuse_renewal(quotes: Batch[Quote]) -> None:
    problems: dict[int, str] = dict.fromkeys(pushed_alive(quotes.ids), "已经下推了订单，不能再换版本，另报一份。")
    heads = {q.head: q for q in quotes}
    later = versions_of(heads).exclude(state__in=(VOID, REPLACED)).order_by("edition")
    for other in later:
        if other.edition > heads[other.head].edition:
            problems[heads[other.head].pk] = f"已经有新版本 {other.number} 了。"
    quotes.refuse(problems)


def _editions(heads: Iterable[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for pk, first, edition in versions_of(heads).values_list("pk", "first_id", "edition"):
        found[first or pk].append(edition)
    return found


def _next(quote: Quote, edition: int, base: str, until: Any, batch: Batch[Quote]) -> Quote:
    kept = ("customer_id", "name", "owner_id", "unit_id", "order_discount", "freight", "amount", "net", "tax")
    terms = tuple(f.name for f in fields.TERMS)
    return Quote(
        first_id=quote.head, edition=edition, number=f"{base}-V{edition}", doc_date=clock.today(), valid_until=until,
        clerk_id=batch.by.id, created_at=batch.now, updated_at=batch.now,
        **{name: getattr(quote, name) for name in (*kept, *terms)},
    )  # fmt: skip


def _again(line: QuoteLine, **changed: Any) -> QuoteLine:
    values = {f.attname: getattr(line, f.attname) for f in QuoteLine._meta.concrete_fields if not f.primary_key}
    del values["quote_id"]
    return QuoteLine(**values, **changed)


# From another quote, from a template


def begin(source: Quote | Template, customer: int, until: Any, by: Any, key: str | None = None) -> Any:
    """A new quote for a customer with the lines and terms of a quote or template; the outcome of its creation. Prices
    of another customer's quote are left to the price list."""
    row: dict[str, Any] = {f.name: getattr(source, f.name) for f in fields.TERMS}
    lines: Any = source.lines.order_by("pk")
    own = not isinstance(source, Quote) or source.customer_id == customer
    days = source.valid_days if isinstance(source, Template) else VALID_DAYS
    row |= {"customer": customer, "valid_until": until or clock.today() + timedelta(days=days)}
    row["lines"] = [_copied(x, prices=own) for x in lines]
    if isinstance(source, Quote):
        row |= {"order_discount": source.order_discount, "freight": source.freight} if own else {}
        (texts,) = open_columns([source], ["contact", "contact_phone"])
        row |= {k: t or "" for k, t in texts.items()} if own else {"settlement": ""}
    return perform(create, rows=[_said(row)], by=by, source="web", key=key)


def _copied(line: Offered, *, prices: bool) -> dict[str, Any]:
    row = {name: getattr(line, "product_id" if name == "product" else name) for name in COPIED}
    if not prices:
        row |= {"price": None, "factor": None}
    return _said(row)


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    """As a form would post it."""
    return {k: v if v is None or isinstance(v, list) else str(v) for k, v in row.items()}


# Templates


def _named(batch: NewBatch[Template]) -> Mapping[int, Refusal]:
    names = {p: row["name"] for p, row in batch.rows.items()}
    return taken(Template, NAME, names, editing=False) | unseen(TEMPLATE, batch.rows, batch.by) | whole(batch.rows)


def _renamed(batch: Batch[Template], changes: Changes) -> Mapping[int, Refusal]:
    names = {i: c["name"] for i, c in changes.items() if "name" in c}
    return taken(Template, NAME, names, editing=True) | unseen(TEMPLATE, changes, batch.by) | whole(changes)


create_template = creating(Template, TEMPLATE, check=_named, label="新建报价模板", may=TEMPLATES)
edit_template = editing(Template, TEMPLATE, check=_renamed, label="修改报价模板", may=TEMPLATES)


@action(Quote, "存为模板", may=TEMPLATES, event="kept", icon="file-text", bulk=False)
def keep(quotes: Batch[Quote], *, name: Annotated[str, NAME]) -> None:
    """Its lines and terms as a template, without the customer."""
    for quote in list(quotes):
        row: dict[str, Any] = {f.name: getattr(quote, f.name) for f in fields.TERMS} | {"name": name}
        row["valid_days"] = min(max((quote.valid_until - quote.doc_date).days, 1), LONGEST)
        row["lines"] = [_copied(x, prices=True) for x in QuoteLine.objects.filter(quote=quote).order_by("pk")]
        outcome = perform(create_template, rows=[_said(row)], by=quotes.by, source="web")
        if refusal := next(iter(outcome.refused.values()), None):
            raise RefuseLate({quote.pk: refusal})
        history.resume(quotes.run)
    quotes.unchanged_but_told()
    quotes.tell({i: {"words": f"存为报价模板「{name}」"} for i in quotes.ids})


def last_edition(quote: Quote) -> int:
    """The number of the newest version that is not void."""
    return versions_of([quote.head]).exclude(state=VOID).aggregate(n=Max("edition"))["n"] or quote.edition
