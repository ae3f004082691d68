"""Files that nobody here made: platforms, banks, shops. Their headers come back exactly."""

import codecs
import io

import pytest
import xlsxwriter
import yaml

from neiqin.kernel.exchange.reading import read
from tests.shared import DATA, needs_data

pytestmark = needs_data
FORMATS = yaml.safe_load((DATA / "platform-formats.yaml").read_text())["formats"] if DATA.exists() else []
TABLES = [f for f in FORMATS if "columns" in f]
SAMPLES = [f for f in TABLES if "sample" in f]


def named(format):
    return f"{format['platform']} {format['kind']}"


def unique(columns):
    """Header names as the reader numbers repeated ones; none of the known formats repeats one."""
    assert len(set(columns)) == len(columns)
    return tuple(columns)


def encoded(text, format):
    said = str(format.get("encoding", ""))
    if "BOM" in said:
        return codecs.BOM_UTF8 + text.encode()
    return text.encode("gb18030" if "GB" in said else "utf-8")


def value(column, row):
    """A plausible cell, with the habits of shop platforms."""
    if "时间" in column or "日期" in column:
        return "2026-11-20 10:20:30\t"
    if any(word in column for word in ("金额", "元", "费", "价")):
        return f"¥{row}.50"
    if any(word in column for word in ("单号", "编号", "流水", "ID", "手机", "电话")):
        return f'="{6917000000000000000 + row}"'
    return f"内容{row}，{column}"


def cleaned(text):
    return text.strip("\t").removeprefix('="').removesuffix('"')


@pytest.mark.parametrize("format", TABLES, ids=named)
def test_a_text_file_with_the_headers_of_a_platform_comes_back(format):
    columns = unique(format["columns"])
    above = [f"第 {n} 行说明" for n in range(1, format.get("header_row", 1))]
    rows = [[value(column, row) for column in columns] for row in range(1, 6)]
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in (columns, *rows)]
    body = encoded("\r\n".join([*above, *lines]) + "\r\n", format)
    (sheet,) = read(body, "账单.csv").sheets
    assert sheet.headers == columns
    assert sheet.header_rows == (format.get("header_row", 1),)
    assert [row.cells for row in sheet.rows()] == [[cleaned(cell) for cell in row] for row in rows]


@pytest.mark.parametrize("format", TABLES, ids=named)
def test_a_workbook_with_the_headers_of_a_platform_comes_back(format):
    columns = unique(format["columns"])
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet(format.get("sheet", "Sheet1"))
        top = format.get("header_row", 1) - 1
        for n in range(top):
            page.write_string(n, 0, f"第 {n + 1} 行说明")
        for n, row in enumerate([columns, *[[value(column, n) for column in columns] for n in range(3)]]):
            for column, cell in enumerate(row):
                page.write_string(top + n, column, cell)
    (sheet,) = read(out.getvalue(), "账单.xlsx").sheets
    assert sheet.headers == columns
    assert sum(1 for _ in sheet.rows()) == 3


@pytest.mark.parametrize("format", SAMPLES, ids=named)
def test_a_real_statement_has_its_header_where_it_is(format):
    (sheet,) = read((DATA / format["sample"]).read_bytes(), format["sample"]).sheets
    assert sheet.headers == unique(format["columns"])
    assert sheet.header_rows == (format["header_row"],)
    rows = sheet.rows()
    cells = [row.cells for row in rows]
    assert cells
    assert all(row.problem == "" for row in sheet.rows())
    assert not any(row[0].startswith(("合计", "人民币合计")) for row in cells)


def test_the_totals_of_a_real_statement_are_kept_apart():
    rows = read((DATA / "statements-cn/icbc-credit.csv").read_bytes(), "x").sheets[0].rows()
    assert sum(1 for _ in rows) == 9
    assert {name: str(total) for name, total in rows.totals.items()} == {
        "交易金额(收入)": "1234.56",
        "交易金额(支出)": "6543.21",
        "记账金额(收入)": "1234.56",
        "记账金额(支出)": "6543.21",
    }
    assert rows.notes == ["第 1—6 行是标题或说明，没有读。", "第 18 行是合计，没有当数据。"]


MESSY = {
    "converter03.xls": [1],
    "converterCsv.csv": [1],
    "dataformat.xls": [27],
    "dataformat.xlsx": [27],
    "dataformatv2.xlsx": [7],
    "extra.xlsx": [5],
    "fill-complex.xlsx": [2],
    "multiplesheets.xls": [1] * 6,
    "no_bom.csv": [10],
    "office_bom.csv": [10],
    "t02.xlsx": [1],
}


@pytest.mark.parametrize("name", MESSY)
def test_a_messy_workbook_has_its_rows(name):
    book = read((DATA / "excel-messy-easyexcel" / name).read_bytes(), name)
    assert [sum(1 for _ in sheet.rows()) for sheet in book.sheets] == MESSY[name]


def test_a_merged_title_above_headers_with_line_breaks():
    (sheet,) = read((DATA / "excel-messy-easyexcel/t02.xlsx").read_bytes(), "x").sheets
    assert sheet.header_rows == (2,)
    assert sheet.headers[5:8] == ("原料含量（%）", "原料中成分含量（%）", "配方中成分含量（%）")
    assert sheet.sample[0].cells[:3] == ["1", "01502200", "1，2-戊二醇"]


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("orders-northwind/customers.csv", 91),
        ("orders-northwind/employees.csv", 9),
        ("orders-northwind/orders.csv", 830),
        ("orders-northwind/order_details.csv", 2155),
        ("erp-adventureworks/Sales.Store.csv", 701),
        ("erp-adventureworks/Sales.vStoreWithContacts.csv", 753),
        ("erp-adventureworks/Sales.vStoreWithAddresses.csv", 712),
        ("erp-adventureworks/Sales.vStoreWithDemographics.csv", 701),
        ("erp-adventureworks/HumanResources.vEmployee.csv", 290),
        ("ref-cn-companies/listed-companies.csv", 3842),
    ],
)
def test_every_row_of_a_large_file_is_read_and_none_left_out(path, count):
    (sheet,) = read((DATA / path).read_bytes(), path).sheets
    rows = sheet.rows()
    assert sum(1 for _ in rows) == count
    assert rows.notes == []


def test_ten_thousand_order_lines_of_an_old_workbook_are_read():
    book = read((DATA / "orders-superstore-cn/示例 - 超市.xls").read_bytes(), "x.xls")
    assert [(s.name, sum(1 for _ in s.rows())) for s in book.sheets] == [
        ("订单", 10000),
        ("退货", 296),
        ("销售人员", 6),
    ]
    assert book.sheets[0].sample[0].cells[:4] == ["1", "US-2017-1357144", "2017-04-27", "2017-04-29"]
