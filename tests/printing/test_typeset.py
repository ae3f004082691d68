"""What stands on the paper: read back from the PDF."""

import re
from decimal import Decimal
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typst import TypstError

from neiqin.kernel.printing import lists, typeset
from neiqin.kernel.printing.amounts import amount_in_words
from neiqin.kernel.printing.forms import RECORD
from tests.effort import tries

DELIVERY = Path(__file__).parent.parent / "stranger/lent.typ"
SHEET = {"number": "KH000001", "qr": typeset.qr("KH000001"), "times": 1, "watermark": "", "title": "澄江精密",
         "facts": [("名称", "澄江精密")], "tables": []}  # fmt: skip


def pages_of(body):
    document = pdfium.PdfDocument(body)
    return [document[n].get_textpage().get_text_range().replace("\r\n", "\n") for n in range(len(document))]


def record(*sheets):
    data = {"title": "客户记录单", "by": "周启明", "at": "2026-11-26 10:00", "sheets": [SHEET | s for s in sheets]}
    return typeset.pdf(RECORD.template, "A4", data)


def listing(rows, money=(1,)):
    amounts = [[str(row[n]) for n in money] for row in rows]
    sheet = {
        "number": "", "qr": "", "times": 1, "watermark": "", "filter": "全部", "head": ["名称", "额度"],
        "rows": [[name, f"{amount:,.2f}"] for name, amount in rows], "right": [1], "money": list(money),
        "sums": amounts if money else [], "totals": [("额度", f"{sum(a for _, a in rows):,.2f}")] if money else [],
    }  # fmt: skip
    data = {"title": "客户", "by": "周启明", "at": "", "sheets": [sheet]}
    return pages_of(typeset.pdf(lists.TEMPLATE, lists.PAPER, data))


def test_rare_names_and_signs_are_printed():
    [page] = pages_of(record({"title": "䶮𬭎 35² 5µm ￥¥ № ℃ ① ㎡ 繁體字"}))
    assert "䶮𬭎 35² 5µm ￥¥ № ℃ ① ㎡ 繁體字" in page


def test_every_character_that_is_said_to_be_there_is():
    wanted = [c for c in sorted(typeset._covered()) if "\u4e00" <= c <= "\u9fff" or c > "\uffff"]
    assert len(wanted) > 10_000
    got = "".join(pages_of(record({"title": "".join(wanted)})))
    assert set(wanted) - set(got) == set()


def test_a_character_without_glyph_is_named_and_nothing_is_printed():
    with pytest.raises(typeset.Missing, match=r"^「😀」、「\U0002a700」 没有印刷字形"):
        record({"facts": [("备注", "好\U0002a700😀")]})


@pytest.mark.parametrize(
    "text",
    ['#read("/etc/passwd")', "#import \"/base.typ\": *", "]#panic()[", "$x^2$ *b* _i_ = h", "\\u{41}", "<sheet-end>",
     "@label `raw` // comment /* */", "{{ 7*7 }}", "https://example.cn/a"],
)  # fmt: skip
def test_markup_is_printed_as_it_was_typed(text):
    [page] = pages_of(record({"title": text, "facts": [("备注", text)]}))
    assert page.count(text) == 2


@tries(12)
@given(st.text(st.sampled_from(sorted(c for c in typeset._covered() if c > " " and c != "\xad")), max_size=40))
def test_no_text_stops_the_printer(text):
    assert len(pages_of(record({"title": text, "facts": [(text, text)]}))) >= 1


def test_ten_thousand_characters_go_on_over_pages():
    text = "".join(f"{n:05}" for n in range(2000))
    got = pages_of(record({"facts": [("备注", text)]}))
    joined = re.sub(r"\s|[\u200b\ufffe\x02]|.*页.*", "", "\n".join(p.split("备注")[-1] for p in got))
    assert text in joined


def test_short_and_long_facts_stand_in_their_order():
    text = "很长的一段说明，" * 9
    facts = [("甲", "1"), ("乙", text), ("丙", "3"), ("丁", "4"), ("戊", text), ("己", text), ("庚", "7")]
    [page] = pages_of(record({"facts": facts}))
    at = [page.index(label) for label, _ in facts]
    assert at == sorted(at)


def test_each_page_of_a_list_has_the_sum_of_its_own_rows():
    rows = [(f"客户{n:03}", Decimal(n) * Decimal("1234.57") - 60_000) for n in range(300)]
    got = listing(rows)
    assert len(got) > 5
    seen = []
    for page in got:
        assert page.count("名称 额度") == 1  # the head comes again
        mine = [int(n) for n in re.findall(r"客户 ?(\d{3})", page)]
        assert f"本页小计 {sum(rows[n][1] for n in mine):,.2f}" in page
        seen += mine
    assert seen == list(range(300))
    assert f"额度 合计 {sum(a for _, a in rows):,.2f}" in got[-1]


def test_a_list_without_money_has_no_sums():
    [page] = listing([("澄江精密", Decimal(1))], money=())
    assert "小计" not in page


def test_each_sheet_counts_its_own_pages():
    long = {"facts": [(f"第{n}项", "值") for n in range(300)], "number": "KH000002", "times": 3}
    got = pages_of(record({}, long))
    feet = [re.search(r"第 (\d) 页　共 (\d) 页", page).groups() for page in got]
    assert feet == [("1", "1"), *((str(n), "4") for n in (1, 2, 3, 4))]
    assert "第 3 次打印" in got[1]
    assert "次打印" not in got[0]
    assert "打印人 周启明" in got[0]


def test_an_unapproved_form_says_so_across_the_page():
    assert "未审批" in pages_of(record({"watermark": "未审批"}))[0]


def delivery(**more):
    sheet = SHEET | {"head": ["品名", "金额"], "rows": [["阀门", "100,200.05"]],
                     "words": amount_in_words(Decimal("100200.05"))}  # fmt: skip
    return typeset.pdf(DELIVERY, "241", {"title": "借用单", "by": "", "at": "", "sheets": [sheet]}, **more)


def place(body):
    """(page size in mm, where the title stands: mm from the left and from the top)."""
    page = pdfium.PdfDocument(body)[0]
    found = page.get_textpage().search("借用单").get_next()
    left, bottom, _, _ = page.get_textpage().get_charbox(found[0])
    width, height = page.get_size()
    mm = 25.4 / 72
    return (round(width * mm, 1), round(height * mm, 1)), (left * mm, (height - bottom) * mm)


def test_a_continuous_form_moves_by_what_the_printer_is_off():
    size, at = place(delivery())
    assert size == (241.0, 140.0)
    _, moved = place(delivery(left=3.5, top=-2))
    assert (round(moved[0] - at[0], 1), round(moved[1] - at[1], 1)) == (3.5, -2.0)
    assert "合计大写 壹拾万零贰佰元零伍分" in pages_of(delivery())[0]


def test_a_wrong_template_is_an_error_not_an_empty_page(tmp_path):
    (tmp_path / "bad.typ").write_text("#nothing()")
    with pytest.raises(TypstError):
        typeset.pdf(tmp_path / "bad.typ", "A4", {})
