"""What goes out opens safely in Excel, keeps its digits, and comes back as it was."""

import io
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.exchange import writing
from neiqin.kernel.exchange.columns import Target, match
from neiqin.kernel.exchange.reading import read
from neiqin.kernel.exchange.writing import About, Export, Heading, error_workbook, template
from tests.effort import tries

TARGETS = [
    Target("name", "客户名称", required=True),
    Target("mobile", "手机", kind="mobile"),
    Target("level", "等级", kind="choice"),
    Target("city", "城市", kind="choice"),
    Target("limit", "信用额度", kind="money"),
    Target("_key", "_key", kind="code"),
]
ABOUT = About("客户", "张三&李四", datetime(2026, 11, 26, 1, 30, tzinfo=UTC), "负责人：张三", "月末对账")


def parts(body):
    """The text of every part of a workbook."""
    with zipfile.ZipFile(io.BytesIO(body)) as zipped:
        return {name: zipped.read(name).decode() for name in zipped.namelist() if name.endswith((".xml", ".rels"))}


def is_dead(body):
    """No formula, no link, nothing outside the file (a drop-down's list is no formula of a cell)."""
    return not any(re.search(r"<f[ >]|<hyperlink|TargetMode=.External", text) for text in parts(body).values())


def exported(headings, rows, form="xlsx"):
    out = io.BytesIO()
    with Export(out, headings, ABOUT, form) as export:
        export.extend(rows)
    return out.getvalue()


def test_a_template_asks_for_what_is_needed_and_keeps_digits():
    body = template(TARGETS, "带 * 的必填。", {"level": ["A", "B"], "city": [f"城市{n}" for n in range(100)]})
    book = read(body, "模板.xlsx")
    sheet, told = book.sheets
    assert sheet.headers == ("*客户名称", "手机", "等级", "城市", "信用额度", "_key")
    assert sheet.header_rows == (2,)
    assert sheet.notes == ("第 1 行是标题或说明，没有读。",)
    assert match(sheet.headers, [], TARGETS).settled
    assert [row.cells for row in told.sample] == [
        ["客户名称", "是", "文字", "", ""],
        ["手机", "否", "11 位手机号", "13800000000", ""],
        ["等级", "否", "从下拉里选", "A", "A、B"],
        ["城市", "否", "从下拉里选", "城市0", "、".join(f"城市{n}" for n in range(100))],
        ["信用额度", "否", "数字，最多两位小数", "3862.50", ""],
    ]
    xml = parts(body)
    first = xml["xl/worksheets/sheet1.xml"]
    assert '<formula1>"A,B"</formula1>' in first
    assert "<formula1>选项!$A$1:$A$100</formula1>" in first
    assert re.search(r'<col min="6" max="6" [^>]*hidden="1"', first)
    assert 'ySplit="2"' in first
    assert 'state="hidden"' in xml["xl/workbook.xml"]
    assert is_dead(body)


def test_the_error_workbook_has_the_failed_rows_with_their_reasons():
    body = error_workbook(
        ["客户名称", "手机"],
        [(3, ["甲", "13800000000"]), (4, ["乙", "123"]), (9, ["", "1"])],
        {4: [(1, "手机要 11 位。")], 9: [(0, "没有填。"), (-1, "整行不对。")]},
    )
    (sheet,) = read(body, "错误.xlsx").sheets
    assert sheet.headers == ("客户名称", "手机", "行号", "错误原因")
    assert [row.cells for row in sheet.rows()] == [
        ["乙", "123", "4", "手机要 11 位。"],
        ["", "1", "9", "客户名称：没有填。整行不对。"],
    ]
    xml = parts(body)
    assert xml["xl/comments1.xml"].count("<comment ") == 2
    assert "手机要 11 位。" in xml["xl/comments1.xml"]
    assert "FFFFC7CE" in xml["xl/styles.xml"]


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf", "Zs", "Zl", "Zp")), max_size=12)
LIVELY = st.one_of(TEXT, st.sampled_from(["=1+1", "+86 138", "-1", "@a", "=cmd|'/c calc'!A0", "http://a.cn", "'0012"]))


@tries(40)
@given(st.lists(st.tuples(LIVELY, LIVELY), min_size=1, max_size=5))
def test_the_error_workbook_given_again_is_what_was_read_before(rows):
    written = "".join(f'x{n},"{a}","{b}"\n' for n, (a, b) in enumerate(rows) for a, b in [(_quoted(a), _quoted(b))])
    (sheet,) = read(f"编号,名称,备注\n{written}".encode(), "x.csv").sheets
    first = list(sheet.rows())
    body = error_workbook(
        sheet.headers, [(r.number, r.cells) for r in first], {r.number: [(1, "不对。")] for r in first}
    )
    (again,) = read(body, "x.xlsx").sheets
    second = list(again.rows())
    assert again.headers == (*sheet.headers, "行号", "错误原因")
    assert [row.cells[:-2] for row in second] == [row.cells for row in first]
    assert [row.cells[-2] for row in second] == [str(row.number) for row in first]
    assert is_dead(body)


def _quoted(text):
    return text.replace('"', '""')


HEADINGS = [
    Heading("单号", "code"),
    Heading("客户"),
    Heading("金额", "money"),
    Heading("日期", "date"),
    Heading("建档", "moment"),
    Heading("决策人", "bool"),
    Heading("手机", "mobile"),
]
ROW = [
    "622202123456789012",
    "=1+1",
    Decimal("-3862.50"),
    date(2026, 11, 20),
    datetime(2026, 11, 20, 1, 30, tzinfo=UTC),
    True,
    "13800000000",
]


def test_an_export_keeps_digits_dates_and_amounts_and_says_what_it_is():
    body = exported(HEADINGS, [ROW, [None] * 7])
    book = read(body, "x.xlsx")
    sheet, told = book.sheets
    (row,) = sheet.rows()
    assert row.cells == [
        "622202123456789012",
        "=1+1",
        "-3862.5",
        "2026-11-20",
        "2026-11-20 09:30:00",
        "是",
        "13800000000",
    ]
    assert row.kinds == "ttnddtt"
    assert row.suspect == {}
    facts = [told.headers, *(row.cells for row in told.sample)]
    assert [list(fact) for fact in facts] == [
        ["内容", "客户"],
        ["筛选", "负责人：张三"],
        ["行数", "2 行"],
        ["导出时间", "2026-11-26 09:30"],
        ["导出人", "张三&李四"],
        ["用途", "月末对账"],
        ["水印", "张三&李四 2026-11-26 09:30 导出，用途：月末对账"],
    ]
    first = parts(body)["xl/worksheets/sheet1.xml"]
    assert "<autoFilter ref=" in first
    assert 'ySplit="1"' in first
    assert "张三&amp;&amp;李四 2026-11-26 09:30 导出" in first
    assert is_dead(body)


def test_an_export_in_csv_is_what_excel_opens_safely():
    body = exported(HEADINGS, [ROW], "csv")
    assert body.startswith(b"\xef\xbb\xbf")
    assert body.decode("utf-8-sig") == (
        "单号,客户,金额,日期,建档,决策人,手机\r\n"
        "622202123456789012,'=1+1,-3862.50,2026-11-20,2026-11-20 09:30,是,13800000000\r\n"
        "# 导出人：张三&李四 2026-11-26 09:30 导出，用途：月末对账\r\n"
    )


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1"])
def test_text_that_excel_would_run_is_defused_in_csv_and_comes_back(text):
    body = exported([Heading("编号"), Heading("备注")], [["x", text]], "csv")
    assert f"'{text}" in body.decode("utf-8-sig")
    (row,) = read(body, "x.csv").sheets[0].rows()
    assert row.cells[1].lstrip("'\t\n ") == text.strip()


def test_a_number_longer_than_excel_holds_goes_out_as_text():
    body = exported([Heading("数", "quantity")], [[Decimal("12345678901234.123456")], [Decimal("1.5")]])
    assert [(row.cells, row.kinds) for row in read(body, "x.xlsx").sheets[0].rows()] == [
        (["12345678901234.123456"], "t"),
        (["1.5"], "n"),
    ]


def test_an_export_goes_on_on_a_second_sheet(monkeypatch):
    monkeypatch.setattr(writing, "ROWS_A_SHEET", 3)
    book = read(exported([Heading("数", "number"), Heading("客户")], [[n, "甲"] for n in range(7)]), "x.xlsx")
    assert [sheet.name for sheet in book.sheets] == ["数据", "数据2", "数据3", "说明"]
    assert [row.cells[0] for sheet in book.sheets[:3] for row in sheet.rows()] == [str(n) for n in range(7)]
    assert book.sheets[3].sample[1].cells == ["行数", "7 行，分在 3 个工作表"]


def test_an_export_that_breaks_off_says_so():
    out = io.BytesIO()

    def rows():
        yield ["甲"]
        raise RuntimeError

    with pytest.raises(RuntimeError), Export(out, [Heading("客户")], ABOUT) as export:
        export.extend(rows())
    assert read(out.getvalue(), "x.xlsx").sheets[-1].sample[-1].cells == ["注意", "导出中途停了，数据不全，不要使用。"]


@tries(40)
@given(st.lists(st.tuples(st.text(max_size=20), LIVELY), min_size=1, max_size=4))
def test_no_text_ever_comes_out_alive(rows):
    headings = [Heading("客户"), Heading("备注", "long")]
    assert is_dead(exported(headings, rows))
    for line in exported(headings, rows, "csv").decode("utf-8-sig", "surrogatepass").split("\r\n"):
        assert not line.startswith(writing.LIVE)
