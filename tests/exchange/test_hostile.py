"""Files that are broken, lie about themselves or mean harm: each is refused with a sentence that says what to do."""

import gzip
import io
import random
import zipfile

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.exchange.reading import Limits, Unreadable, read, read_clipboard
from tests.effort import tries
from tests.exchange.books import raw_xlsx, xlsx

AGAIN = "用 Excel 或 WPS 打开，另存为 .xlsx，再导入。"
NOTEPAD = "用记事本或 WPS 打开，另存为 UTF-8 编码的 .csv，再导入。"
EXPORT = "在原来的软件里导出 .xlsx 或 .csv，再导入。"
FAR = (
    "工作簿读不出来：格式坏了，或有格子在很远的地方把表撑得太大。"
    "用 Excel 或 WPS 打开，只把有内容的区域复制到新工作簿，存为 .xlsx，再导入。"
)
BOMB = "工作簿解开后超过 200 MB，或压缩得不正常，没有读。只留要导入的行和列，另存为新的 .xlsx 再导入。"
CFB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ONE = '<row r="1"><c r="A1"><v>1</v></c></row>'


def refused(body, limits=None):
    """The sentence with which a file is refused, be it at once or further down."""
    with pytest.raises(Unreadable) as error:
        all_rows(body, limits)
    return error.value.sentence


def all_rows(body, limits=None):
    return [list(sheet.rows()) for sheet in read(body, "订单.xlsx", limits=limits).sheets]


def is_answered(body):
    """Whether the file is read, or refused with a whole sentence; any other exception fails."""
    try:
        all_rows(body)
    except Unreadable as error:
        return error.sentence.endswith("。")
    return True


def zipped(**parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "文件是空的，没有内容。核对选的是不是这个文件，重新选。"),
        (b" \r\n\t", "文件是空的，没有内容。核对选的是不是这个文件，重新选。"),
        (b",,\n,,\n", "文件前 200 行是空的，没有读。删掉上面的空行，或核对选的是不是这个文件。"),
        (b"%PDF-1.7\n", f"这是PDF 文件，不是表格，改名字没有用。{EXPORT}"),
        (b"\x89PNG\r\n\x1a\n", f"这是PNG 图片，不是表格，改名字没有用。{EXPORT}"),
        (b"MZ\x90\0", f"这是Windows 程序，不是表格，改名字没有用。{EXPORT}"),
        (gzip.compress(b"a,b"), f"这是GZIP 压缩包，不是表格，改名字没有用。{EXPORT}"),
        (zipped(word__document_dot_xml="x"), f"这是Word 文档，不能直接读。{AGAIN}"),
        (zipped(xl__workbook_dot_bin="x"), f"这是二进制工作簿（.xlsb），不能直接读。{AGAIN}"),
        (zipped(明细_dot_csv="x"), "这是压缩包。先解压，再选里面的表格文件（账单选名字里有「明细」的那个）。"),
        (b"<html><table><tr><td>1", f"这是网页（HTML），只是名字像表格。{AGAIN}"),
        (b"\xff\xfe" + "<table>".encode("utf-16-le"), f"这是网页（HTML），只是名字像表格。{AGAIN}"),
        (b"MIME-Version: 1.0\nX-Document-Type: Workbook\n", f"这是单个网页文件（MHT），只是名字像表格。{AGAIN}"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', f"这是XML 文件，只是名字像表格。{AGAIN}"),
        (
            CFB + "EncryptedPackage".encode("utf-16-le"),
            "工作簿有密码，打不开。在 Excel 或 WPS 里去掉密码，另存一份，再导入。",
        ),
        (
            CFB + "WordDocument".encode("utf-16-le"),
            "这是旧版 Office 文件，里面没有工作表。选表格文件，或另存为 .xlsx 再导入。",
        ),
        (CFB + "Workbook".encode("utf-16-le") + bytes(600), FAR),
        (
            b"a,b\n1,\0\n",
            f"第 2 行里有空字符（NUL），不是文本表格，或是没有标记的 UTF-16。{NOTEPAD}",
        ),
        (
            "客户,城市\n甲,杭州\n".encode("utf-16-le"),
            f"第 1 行里有空字符（NUL），不是文本表格，或是没有标记的 UTF-16。{NOTEPAD}",
        ),
        (
            "客户,城市\n杭州西湖,浙江\n".encode() + "上海浦东,上海市\n".encode("gbk")[:-2],
            f"第 3 行第 1 个字节（0xC9）读不出来：前后编码不一致，一部分是 UTF-8。{NOTEPAD}",
        ),
        (
            "客户,城市\n杭州西湖,浙江\n".encode("gbk") * 50 + "上海浦东,上海市\n".encode(),
            f"第 101 行第 1 个字节（0xE4）读不出来：前后编码不一致，一部分是 UTF-8。{NOTEPAD}",
        ),
        (
            "客户,城市\n杭州西湖,".encode("gbk") + b"\xff\xff\n",
            f"第 2 行第 10 个字节（0xFF）读不出来：不是 UTF-8，也不是 GBK。{NOTEPAD}",
        ),
        (
            b"\xff\xfea\0\x00\xd8",
            f"文件标明是 UTF-16，第 5 个字节起却不是，多半没有传完。{NOTEPAD}",
        ),
        (
            "客戶名稱,聯絡電話\n臺灣積體電路製造股份有限公司,035636688\n".encode("big5"),
            f"认不出文字编码：不是 UTF-8，按 GBK 读出来是乱码，可能是繁体（Big5）或外文编码。{NOTEPAD}",
        ),
        (
            b'a,b\n1,"x\n' + b"2,y\n" * 50,
            "第 2 行有一个没有收尾的双引号，后面 50 行都被并进了一格。补上或删掉这个引号，再导入。",
        ),
        (
            b"a,b\n1," + b"x" * 1_000_000,
            "第 2 行有一格超过 32767 个字，不像表格里的内容，多半是引号没有配对。核对这一行，再导入。",
        ),
        (
            b"a,b\n1," + b"x" * 40_000,
            "第 2 行有一格超过 32767 个字，不像表格里的内容，多半是引号没有配对。核对这一行，再导入。",
        ),
        (b"a," * 9_999 + b"b\n", "第 1 行有 10000 列，最多 500 列。删掉不用的列，再导入。"),
        (b"a\n" * 1_048_577, "超过 1048576 行，表格软件也放不下。按月份或部门拆成几个文件，分开导入。"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_each_is_refused_with_its_sentence(body, sentence):
    assert refused(body) == sentence


def test_a_file_over_the_limit_of_bytes_is_refused_unread():
    assert refused(b"a" * 11, Limits(packed=10)) == "文件有 0 MB，一次最多 0 MB。按月份或部门拆成几个文件，分开导入。"


def test_two_cells_far_apart_do_not_end_this_process():
    far = '<row r="1048576"><c r="ZZ1048576"><v>2</v></c></row>'
    assert refused(raw_xlsx(ONE + far)) == FAR


def test_a_sheet_too_wide_or_too_large_is_refused():
    wide = xlsx([["x"] * 501])
    assert refused(wide) == "工作表「Sheet1」有 501 列，最多 500 列。删掉不用的列，再导入。"
    large = raw_xlsx(ONE + '<row r="300000"><c r="CV300000"><v>2</v></c></row>')
    assert refused(large) == (
        "工作表「S」从头到最后一格有 300000 行 100 列，太大。删掉下方和右方不用的格子，或拆成几个文件，再导入。"
    )


def test_more_merged_cells_than_can_be_filled_are_refused():
    merged = "".join(f'<mergeCell ref="{c}2:{c}1000000"/>' for c in ("A", "B", "C"))
    row = '<row r="1">' + "".join(f'<c r="{c}1" t="inlineStr"><is><t>列{c}</t></is></c>' for c in "ABC") + "</row>"
    body = raw_xlsx(f'{row}</sheetData><mergeCells count="3">{merged}</mergeCells><sheetData>')
    assert refused(body) == "合并单元格太多，读不动。在 Excel 或 WPS 里取消合并，填好每一格，再导入。"


def test_empty_formatted_cells_far_away_do_no_harm():
    body = raw_xlsx(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>客户</t></is></c></row>'
        '<row r="2"><c r="A2" t="inlineStr"><is><t>甲</t></is></c></row>'
        '<row r="1048576"><c r="XFD1048576" s="0"/></row>'
    )
    assert [row.cells for row in read(body, "x.xlsx").sheets[0].rows()] == [["甲"]]


def test_a_zip_bomb_is_refused_by_its_directory():
    assert refused(raw_xlsx(ONE, xl__media=b"0" * (201 << 20))) == BOMB


def test_a_zip_bomb_that_lies_about_its_size_gives_no_more_than_it_said():
    honest = raw_xlsx(ONE, bomb=b"0" * 3_000_000)
    lying = honest.replace((3_000_000).to_bytes(4, "little"), (3_000).to_bytes(4, "little"))
    assert refused(lying) == f"工作簿坏了，里面有一部分解不开。重新下载，或{AGAIN}"


def test_many_parts_that_are_large_together_are_refused():
    noise = random.Random(1).randbytes(600_000)
    assert refused(raw_xlsx(ONE, a=noise, b=noise), Limits(unpacked=1 << 20)) == BOMB.replace("200", "1")


def test_entities_in_a_workbook_are_refused():
    body = raw_xlsx(ONE, **{"xl/sharedStrings__xml": '<!DOCTYPE x [<!ENTITY a "aaaa">]><sst><si><t>&a;</t></si></sst>'})
    assert refused(body) == f"工作簿里有外部定义（DTD），不是 Excel 存出来的，没有读。{AGAIN}"


def test_a_truncated_workbook_is_refused():
    body = xlsx([["客户"], ["甲"]])
    assert refused(body[:-40]) == f"工作簿不完整，多半没有下载完。重新下载，或{AGAIN}"


def test_a_damaged_part_is_refused():
    body = bytearray(xlsx([[f"客户{n}" for n in range(50)]] * 50))
    with zipfile.ZipFile(io.BytesIO(bytes(body))) as archive:
        start = archive.getinfo("xl/worksheets/sheet1.xml").header_offset
    body[start + 70 : start + 90] = bytes(20)
    assert refused(bytes(body)) == f"工作簿坏了，里面有一部分解不开。重新下载，或{AGAIN}"


def test_xml_that_is_cut_off_inside_a_sound_zip_is_refused():
    assert refused(raw_xlsx('<row r="1"><c r="A1"><v>1</v></c')) == FAR


def test_a_workbook_of_only_hidden_sheets_is_refused():
    body = xlsx([["甲"], ["乙"]])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b'<sheet name="Sheet1"', b'<sheet state="hidden" name="Sheet1"'))
    assert refused(out.getvalue()) == (
        "工作簿里没有内容，或只有隐藏的工作表。在 Excel 或 WPS 里取消隐藏，保存，再导入。"
    )


def test_a_link_to_the_outside_is_never_followed_and_its_text_is_read():
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["客户", "网址"])
        sheet.write_string(1, 0, "甲")
        sheet.write_url(1, 1, "http://127.0.0.1:9/x", string="点这里")
        sheet.write_formula(2, 0, "='http://127.0.0.1:9/[x.xlsx]Sheet1'!A1", value="乙")
    assert [row.cells for row in read(out.getvalue(), "x.xlsx").sheets[0].rows()] == [["甲", "点这里"], ["乙", ""]]


def test_control_and_invisible_characters_go_and_a_nul_in_a_workbook_names_its_row():
    rows = list(read("客户,备注\n甲\x07\u202e,a\x1bb\n".encode(), "x.csv").sheets[0].rows())
    assert rows[0].cells == ["甲", "ab"]
    body = raw_xlsx('<row r="3"><c r="A3" t="inlineStr"><is><t>甲_x0000_</t></is></c></row>')
    assert refused(body) == (
        "第 3 行有一格存不下：第 2 个字符是空字符（NUL），数据库存不下，多半来自损坏的文件。删掉它，或从原处重新复制。"
    )


def test_a_file_broken_below_the_first_rows_is_refused_when_read_to_there():
    body = b"a,b\n" + b"1,2\n" * 500 + b'3,"x\n4,5\n'
    (sheet,) = read(body, "x.csv").sheets
    assert len(sheet.sample) == 199
    assert refused(body).startswith("第 502 行有一个没有收尾的双引号")


def test_pasting_nothing_is_refused():
    with pytest.raises(Unreadable) as error:
        read_clipboard(" \n")
    assert str(error.value) == "剪贴板里没有内容。先在表格里选中区域，复制，再粘贴。"


@tries(150)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_sentence(body):
    assert is_answered(body)


@tries(25)
@given(st.integers(0, 4000), st.binary(min_size=1, max_size=30))
def test_a_workbook_damaged_anywhere_is_read_or_refused_with_a_sentence(at, noise):
    body = bytearray(xlsx([["客户", "金额"], *[[f"甲{n}", n] for n in range(30)]]))
    body[at : at + len(noise)] = noise
    assert is_answered(bytes(body))
