"""Files of clerks and platforms come in as they see them; what is no data is told."""

import codecs
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neiqin.kernel.exchange.reading import Limits, Unreadable, read, read_clipboard
from tests.exchange.books import raw_xlsx, xlsx


def table(body, filename="文件.csv", **options):
    """The only sheet of a file, its rows as lists, and what was said."""
    (sheet,) = read(body if isinstance(body, bytes) else body.encode(), filename, **options).sheets
    rows = sheet.rows()
    cells = [row.cells for row in rows]
    return list(sheet.headers), cells, rows


def inline(place, text):
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def test_a_number_cell_reads_as_excel_shows_it():
    body = xlsx([["单号", "金额", "比例"], [123456, 0.1 + 0.2, 1234.5], [-7, 1e-7, 99999999999999]])
    headers, cells, _ = table(body)
    assert headers == ["单号", "金额", "比例"]
    assert cells == [["123456", "0.3", "1234.5"], ["-7", "0.0000001", "99999999999999"]]


def test_dates_times_and_booleans_read_as_iso_and_words():
    body = raw_xlsx(
        f'<row r="1">{inline("A1", "启用")}{inline("B1", "何时")}</row>'
        '<row r="2"><c r="A2" t="b"><v>1</v></c><c r="B2" t="d"><v>2026-11-20T09:30:00</v></c></row>'
    )
    (sheet,) = read(body, "x.xlsx").sheets
    assert [(row.cells, row.kinds) for row in sheet.rows()] == [(["是", "2026-11-20 09:30:00"], "bd")]


def test_digits_lost_in_a_number_cell_are_suspect_and_so_is_scientific_notation():
    body = xlsx([["订单号", "手机"], [6222021234567890123, "1.6672E+17"], [12345, "6.22E+18"]])
    (sheet,) = read(body, "x.xlsx").sheets
    first, second = sheet.rows()
    assert first.cells == ["6222021234567890000", "1.6672E+17"]
    assert first.suspect == {
        0: "表格软件把这格存成了数字，第 16 位起已经丢了。在原文件里把这一列设成文本，重新填这一格。",
        1: "这格是科学计数法，后面几位已经丢了，不能还原。从原系统重新导出，这一列按文本存。",
    }
    assert list(second.suspect) == [1]


def test_a_formula_gives_its_value_and_never_runs():
    body = raw_xlsx(
        f'<row r="1">{inline("A1", "甲")}{inline("B1", "乙")}</row>'
        '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c>'
        f"{inline('B2', '=cmd|calc!A0')}</row>"
        '<row r="3"><c r="A3" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="B3"><f>A1</f></c></row>'
        '<row r="4"><c r="A4"><v>4</v></c></row>'
    )
    book = read(body, "x.xlsx")
    assert book.notes == ("有 2 格是公式错误或没有算出值（如 A3），读成空。",)
    rows = list(book.sheets[0].rows())
    assert [row.cells for row in rows] == [["2", "=cmd|calc!A0"], ["4", ""]]


def test_a_row_with_a_broken_formula_keeps_its_suspicion():
    body = raw_xlsx(
        f'<row r="1">{inline("A1", "名称")}{inline("B1", "金额")}</row>'
        '<row r="2"><c r="A2" t="inlineStr"><is><t>笔</t></is></c><c r="B2" t="e"><v>#N/A</v></c></row>'
    )
    (row,) = read(body, "x.xlsx").sheets[0].rows()
    assert row.suspect == {1: "这格是公式错误（如 #N/A），没有值。在原文件里改好公式，或粘贴成数值。"}


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ('"=""193012345678901234"""', "193012345678901234"),
        ('="0012"', "0012"),
        ("'00123", "00123"),
        ("\t6917000000000000001", "6917000000000000001"),
        ("`1000000000000000001", "1000000000000000001"),
        ("20250228111004\t", "20250228111004"),
        ("１３８００００００００", "13800000000"),
        ("ＡＢ－１", "AB－1"),
        ("杭州\u00a0某某\u200b公司", "杭州 某某公司"),
        ("'=1+1", "=1+1"),
        ("O'Neil", "O'Neil"),
    ],
)
def test_what_platforms_do_to_keep_numbers_is_undone(written, seen):
    assert table(f"单号,名称\n{written},甲\n")[1] == [[seen, "甲"]]


def test_preamble_rulers_blank_lines_and_totals_are_left_out_and_told():
    headers, cells, rows = table(
        "某银行对账单\n账号：6222,户名：甲\n----------明细----------\n"
        "日期,摘要,金额\n2026-11-01,货款,10.00\n\n2026-11-02,货款,5.50\n小计,,15.50\n2026-11-03,退款,-1.00\n"
        "合计,,14.50\n共3笔记录\n----------------\n制表人：王五\n"
    )
    assert headers == ["日期", "摘要", "金额"]
    assert cells == [
        ["2026-11-01", "货款", "10.00"],
        ["2026-11-02", "货款", "5.50"],
        ["2026-11-03", "退款", "-1.00"],
    ]
    assert rows.totals == {"金额": Decimal("14.50")}
    assert rows.notes == [
        "第 1—3 行是标题或说明，没有读。",
        "第 6 行是空行，没有当数据。",
        "第 8 行是小计，没有当数据。",
        "第 10 行是合计，没有当数据。",
        "第 11 行是笔数，没有当数据。",
        "第 12 行是分隔线，没有当数据。",
        "第 13 行是说明，没有当数据。",
    ]


def test_wechat_pay_names_its_sums_in_one_row_and_gives_them_in_the_next():
    _, cells, rows = table(
        "交易时间,微信订单号,应结订单金额,手续费\n`2026-11-01 10:00:00,`4200001,`0.10,`0.00\n"
        "总交易单数,应结订单总金额,手续费总金额\n`1,`0.10,`0.00\n"
    )
    assert cells == [["2026-11-01 10:00:00", "4200001", "0.10", "0.00"]]
    assert rows.totals == {"总交易单数": 1, "应结订单总金额": Decimal("0.10"), "手续费总金额": Decimal("0.00")}


def test_alipay_comments_above_and_below_are_no_data():
    headers, cells, rows = table(
        "#支付宝账务明细查询\n#账号：[2088]\n#-----账务明细列表-----\n账务流水号,商户订单号,收入金额（+元）,备注\n"
        "1\t,2\t,3.00,\n#-----账务明细列表结束-----\n#导出时间：2026-11-01\n".encode("gbk")
    )
    assert headers == ["账务流水号", "商户订单号", "收入金额（+元）", "备注"]
    assert cells == [["1", "2", "3.00", ""]]
    assert rows.notes == ["第 1—3 行是标题或说明，没有读。", "第 6—7 行是说明，没有当数据。"]


def test_a_row_of_totals_is_one_also_when_every_column_has_a_sum():
    _, cells, rows = table("客户,金额,数量\n甲,1.50,2\n合计：,1.50,2\n")
    assert cells == [["甲", "1.50", "2"]]
    assert rows.totals == {"金额": Decimal("1.50"), "数量": 2}


def test_a_customer_of_that_name_whose_row_has_words_is_no_total():
    assert table("客户,城市\n合计,杭州\n")[1] == [["合计", "杭州"]]


def test_years_and_months_are_headers_of_columns():
    assert table("产品,2025,2026年,1月\n笔,1,2,3\n")[:2] == (["产品", "2025", "2026年", "1月"], [["笔", "1", "2", "3"]])


def test_a_row_explaining_the_header_is_no_data():
    _, cells, rows = table("订单号,结算金额,收入合计\n,收入+支出,各项收入之和\n'881,1.00,2.00\n'882,3.00,4.00\n")
    assert cells == [["881", "1.00", "2.00"], ["882", "3.00", "4.00"]]
    assert rows.notes == ["第 2 行是对表头的说明，没有当数据。"]


def test_merged_groups_above_join_the_header_below():
    body = xlsx(
        [[], [None, None, "姓名", "电话", "数量", "金额"], ["DD1", datetime(2026, 11, 1), "甲", "1", 1, 2.5]],
        merged=[("A1:A2", "订单号"), ("B1:B2", "日期"), ("C1:D1", "收货人"), ("E1:F1", "商品")],
    )
    headers, cells, rows = table(body)
    assert headers == ["订单号", "日期", "收货人 姓名", "收货人 电话", "商品 数量", "商品 金额"]
    assert cells[0][0] == "DD1"
    assert rows.notes == ["表头占两行（第 1、2 行），上下合成一个名字。"]


def test_a_merged_title_over_the_whole_table_is_no_header():
    headers, _, rows = table(xlsx([[], ["客户", "金额"], ["甲", 1]], merged=[("A1:B1", "十一月对账单")]))
    assert headers == ["客户", "金额"]
    assert rows.notes == ["第 1 行是标题或说明，没有读。"]


def test_merged_order_cells_are_filled_down_and_marked():
    body = xlsx(
        [["订单编号", "货品", "数量"], [None, "笔", 1], [None, "纸", 2], ["DD2", "墨", 3]], merged=[("A2:A3", "DD1")]
    )
    (sheet,) = read(body, "x.xlsx").sheets
    rows = sheet.rows()
    assert [(row.cells, set(row.filled)) for row in rows] == [
        (["DD1", "笔", "1"], set()),
        (["DD1", "纸", "2"], {0}),
        (["DD2", "墨", "3"], set()),
    ]
    assert rows.notes == ["「订单编号」有 1 格是合并单元格，按上面一格补齐。"]


def test_repeated_and_missing_headers_get_names():
    headers, cells, rows = table("姓名,金额,,金额\n甲,1,备注,2\n")
    assert headers == ["姓名", "金额", "第 3 列", "金额（2）"]
    assert cells == [["甲", "1", "备注", "2"]]
    assert rows.notes == ["第 3 列没有表头，按位置起名。"]


def test_a_header_repeated_on_each_printed_page_is_no_data():
    _, cells, rows = table("姓名,金额\n甲,1\n姓名,金额\n乙,2\n")
    assert cells == [["甲", "1"], ["乙", "2"]]
    assert rows.notes == ["第 3 行是又一行表头，没有当数据。"]


def test_a_row_longer_than_the_header_has_a_problem_and_a_shorter_one_is_completed():
    body = "甲,乙\n" + "1,2\n" * 300 + "1,2,3\n4\n"
    rows = list(read(body.encode(), "x.csv").sheets[0].rows())
    assert rows[-2].problem == "比表头多 1 格，多半有一格里带着分隔符却没有加引号。核对这一行。"
    assert (rows[-2].number, rows[-1].cells, rows[-1].problem) == (302, ["4", ""], "")


def test_hidden_and_empty_sheets_are_told_and_the_others_offered():
    book = read(xlsx([["甲"], ["1"]], name="订单", hidden_旧=[["乙"]], 空=[], 退货=[["丙"], ["2"]]), "x.xlsx")
    assert [sheet.name for sheet in book.sheets] == ["订单", "退货"]
    assert book.notes == ("工作表「hidden_旧」是隐藏的，没有读。", "工作表「空」前 200 行是空的，没有读。")
    assert [row.cells for row in book.sheets[1].rows()] == [["2"]]


def test_a_file_of_only_a_header_has_no_rows():
    assert table("客户,手机\n")[:2] == (["客户", "手机"], [])


def test_a_table_without_header_counts_its_columns():
    headers, cells, rows = table("1,2026-11-01\n2,2026-11-02\n")
    assert headers == ["第 1 列", "第 2 列"]
    assert cells == [["1", "2026-11-01"], ["2", "2026-11-02"]]
    assert rows.notes == ["没有找到表头，各列按顺序叫「第 1 列」「第 2 列」。"]


def test_cells_pasted_from_excel_keep_their_line_breaks():
    (sheet,) = read_clipboard('名称\t地址\r\n甲\t"杭州\n西湖"\r\n').sheets
    assert (sheet.name, sheet.headers) == ("剪贴板", ("名称", "地址"))
    assert [row.cells for row in sheet.rows()] == [["甲", "杭州\n西湖"]]


def test_cells_pasted_into_a_grid_have_no_header():
    (sheet,) = read_clipboard("笔\t3\n纸\t5", header=False).sheets
    assert [row.cells for row in sheet.rows()] == [["笔", "3"], ["纸", "5"]]


def test_reading_stops_at_the_first_rows_until_asked_for_more():
    body = ("客户,数\n" + "甲,1\n" * 1000).encode()
    (sheet,) = read(body, "x.csv").sheets
    assert len(sheet.sample) == 199
    assert sum(1 for _ in sheet.rows()) == 1000


CELL = st.text("甲乙丙户名杭州abcXYZ09-_. ()（）", min_size=1, max_size=8).filter(lambda t: t.strip() == t)


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030", "gbk"]),
    sign=st.sampled_from(",\t;|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_text_tables_come_back_in_any_encoding_and_delimiter(rows, encoding, sign, end):
    written = [["客户名称", "手机", "备注信息"], *[[f"x{a}", f"y{b}", f"z{c}"] for a, b, c in rows]]
    text = "".join(sign.join(row) + end for row in written)
    body = (codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b"") + text.encode(encoding)
    headers, cells, read_rows = table(body)
    assert [headers, *cells] == written
    assert read_rows.notes == []


def test_limits_are_kept_where_they_are_set():
    with pytest.raises(Unreadable) as refused:
        read(b"a,b,c\n1,2,3\n", "x.csv", limits=Limits(columns=2))
    assert str(refused.value) == "第 1 行有 3 列，最多 2 列。删掉不用的列，再导入。"
