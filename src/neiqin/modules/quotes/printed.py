"""报价单 on A4: to whom, what at which price, the sum in words, the terms, the stamp. practice.md 2.6."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.people.company import company_name
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.printing.amounts import amount_in_words
from neiqin.kernel.printing.forms import Form
from neiqin.kernel.resources.resource import site
from neiqin.modules.quotes import confirming
from neiqin.modules.quotes.models import Quote, QuoteLine
from neiqin.modules.quotes.states import DRAFT, REPLACED, VOID

HEAD = ["序号", "品名", "规格型号", "单位", "数量", "含税单价", "金额", "交期", "备注"]
PARTS = ["no", "name", "name", "unit", "quantity", "price", "amount", "", ""]
MARKS = {DRAFT: "草稿", REPLACED: "已有新版本", VOID: "已作废"}


def sheets(records: Sequence[Quote], person: Any) -> list[dict[str, Any]]:
    """What each quote says on paper; three queries for any number."""
    lines: dict[int, list[QuoteLine]] = defaultdict(list)
    for line in QuoteLine.objects.filter(quote__in=[q.pk for q in records]).order_by("pk"):
        lines[line.quote_id].append(line)
    texts = open_columns(list(records), ["contact", "contact_phone"])
    names = site().names("people.person", [q.owner_id for q in records])
    return [
        _sheet(q, lines[q.pk], t["contact"] or "", t["contact_phone"] or "", names.get(q.owner_id, ""))
        for q, t in zip(records, texts, strict=True)
    ]


def _sheet(quote: Quote, lines: Sequence[QuoteLine], contact: str, phone: str, rep: str) -> dict[str, Any]:
    rows = [
        [str(n), x.item_name, x.spec, x.unit_name, plain(x.quantity), x.said, f"{x.gross:,.2f}",
         f"{x.days} 天" if x.days is not None else "", x.remark]
        for n, x in enumerate(lines, 1)
    ]  # fmt: skip
    facts = [
        ("致", quote.name), ("日期", f"{quote.doc_date}"), ("有效期至", f"{quote.valid_until}"), ("联系人", contact),
        ("电话", phone), ("报价人", rep),
    ]  # fmt: skip
    rates = sorted({f"{float(x.tax_rate) * 100:g}%" for x in lines if x.tax_rate})
    terms = [("税率", "、".join(rates)), *(t for t in confirming.terms(quote) if not t[0].startswith("合计"))]
    return {
        "company": company_name(), "facts": [f for f in facts if f[1]], "head": HEAD, "parts": PARTS,
        "rows": rows, "total": ("合计（含税）", f"{quote.amount:,.2f}", f"人民币{amount_in_words(quote.amount)}"),
        "terms": [f"{label}：{words}" for label, words in terms],
    }  # fmt: skip


def said(quote: Quote, sheet: Any = None) -> str:
    """The quote as a message: what, at which price, on which terms, until when."""
    lines = [
        f"{n}. {' '.join(filter(None, (x.item_name, x.spec)))}，{plain(x.quantity)}{x.unit_name}，"
        f"含税单价 {x.said}，金额 {x.gross:,.2f}" + (f"，交期 {x.days} 天" if x.days is not None else "")
        for n, x in enumerate(QuoteLine.objects.filter(quote=quote).order_by("pk"), 1)
    ]
    terms = [f"{label}：{words}" for label, words in confirming.terms(quote)]
    head = f"【{company_name()}】{quote.name} 报价 {quote.number}"
    return "\n".join([head, *lines, *terms, f"有效期至：{quote.valid_until}"])


def _mark(quote: Quote) -> str:
    return MARKS.get(quote.state, "")


FORMS = [
    Form("quotes.quotation", "报价单", Path(__file__).parent / "forms/quotation.typ", sheets, kind="quotes.quote",
         mark=_mark, said=said),
]  # fmt: skip
