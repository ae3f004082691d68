"""Columns find their fields by name; what only looks alike is proposed and never counts by itself."""

import csv

import pytest

from neiqin.kernel.exchange.columns import Drift, Target, best_sheet, drift, match, normalised, signature
from neiqin.kernel.exchange.reading import read
from tests.exchange.books import xlsx
from tests.shared import DATA, needs_data

CUSTOMER = [
    Target("number", "客户编号", kind="code"),
    Target("name", "客户名称", required=True),
    Target("uscc", "统一社会信用代码", kind="uscc"),
    Target("province", "省份"),
    Target("city", "城市"),
    Target("address", "经营地址"),
    Target("remark", "备注", kind="long"),
    Target("contacts.name", "联系人姓名"),
    Target("contacts.title", "联系人职务"),
    Target("contacts.mobile", "联系人手机", kind="mobile"),
    Target("contacts.phone", "联系人电话", kind="phone"),
    Target("contacts.email", "联系人邮箱", kind="email"),
    Target("_key", "_key", kind="code"),
]


def found(headers, samples=(), targets=CUSTOMER, **options):
    """header -> path of what counts for sure."""
    matching = match(headers, samples, targets, **options)
    return {c.header: c.path for c in matching.columns if c.sure}


@pytest.mark.parametrize(
    ("header", "path", "confidence", "reason"),
    [
        ("客户名称", "name", "exact", "表头就叫客户名称"),
        ("*客户名称", "name", "exact", "表头就叫客户名称"),
        (" 客户 名称：", "name", "normalised", "去掉空格、括号和单位就叫客户名称"),
        ("客户编号（必填）", "number", "normalised", "去掉空格、括号和单位就叫客户编号"),
        ("公司名称", "name", "synonym", "公司名称是客户名称的另一种叫法"),
        ("纳税人识别号", "uscc", "synonym", "纳税人识别号是统一社会信用代码的另一种叫法"),
        ("手机号码", "contacts.mobile", "synonym", "手机号码是联系人手机的另一种叫法"),
        ("PhoneNumber", "contacts.phone", "synonym", "PhoneNumber是联系人电话的另一种叫法"),
    ],
)
def test_a_header_that_says_it_counts_by_itself(header, path, confidence, reason):
    (column,) = match([header], [], CUSTOMER).columns
    assert (column.path, column.confidence, column.sure, column.reason) == (path, confidence, True, reason)


def test_a_header_that_looks_alike_is_only_proposed():
    matching = match(["客户名称", "经营地点址"], [], CUSTOMER)
    (column,) = matching.proposals
    assert (column.path, column.confidence, column.reason) == ("address", "similar", "表头和经营地址相近，要确认")
    assert matching.as_mapping() == {"0": "name"}
    assert not matching.settled


def test_a_column_that_holds_mobile_numbers_is_only_proposed():
    matching = match(["客户名称", "怎么找"], [["甲", "13800000000"], ["乙", ""], ["丙", "13900000000"]], CUSTOMER)
    (column,) = matching.proposals
    assert (column.path, column.confidence, column.reason) == ("contacts.mobile", "content", "内容像手机号，要确认")


def test_two_columns_for_one_field_ask():
    matching = match(["公司名称", "企业名称"], [], CUSTOMER)
    assert matching.contested == {"name": (0, 1)}
    assert matching.as_mapping() == {}
    assert [c.reason for c in matching.columns] == ["公司名称、企业名称都像客户名称，选一个"] * 2
    assert [target.label for target in matching.missing] == ["客户名称"]


def test_the_better_name_wins_and_the_other_column_says_so():
    matching = match(["公司名称", "客户名称"], [], CUSTOMER)
    assert matching.as_mapping() == {"1": "name"}
    assert matching.columns[0].reason == "客户名称已由「客户名称」对上"
    assert matching.settled


def test_a_header_that_may_be_two_fields_asks():
    lines = [Target("a.mobile", "收件人手机", kind="mobile"), Target("b.mobile", "收货手机", kind="mobile")]
    (column,) = match(["收货人手机号"], [], lines).columns
    assert (column.sure, column.reason) == (False, "收货人手机号可能是收件人手机、收货手机，选一个")


def test_a_required_field_without_column_is_missing_and_an_unknown_column_is_told():
    matching = match(["城市", "星座"], [], CUSTOMER)
    assert [target.path for target in matching.missing] == ["name"]
    assert [(c.header, c.reason) for c in matching.unknown] == [("星座", "没有对应的字段")]


def test_what_was_confirmed_once_counts_and_what_was_left_out_stays_out():
    headers = ["抬头", "城市", "手机"]
    matching = match(headers, [], CUSTOMER, remembered={"抬头": "name", "手机": "contacts.phone"})
    assert matching.as_mapping() == {"0": "name", "2": "contacts.phone"}
    assert [c.reason for c in matching.columns] == ["历史上这样对过", "上次没有用这一列", "历史上这样对过"]
    assert matching.settled
    assert matching.remembered


def test_a_new_column_beside_remembered_ones_is_matched_by_name():
    assert found(["抬头", "城市"], remembered={"抬头": "name"}, known=["抬头"]) == {"抬头": "name", "城市": "city"}


def test_the_columns_of_our_error_workbook_are_ignored():
    matching = match(["客户名称", "行号", "错误原因"], [["甲", "3", "x"]], CUSTOMER)
    assert matching.as_mapping() == {"0": "name"}
    assert matching.unknown == ()


def test_the_hidden_key_is_found_only_by_its_own_name():
    assert found(["_key"]) == {"_key": "_key"}
    assert found(["Key"]) == {}


def test_a_modules_own_words_come_before_general_ones():
    targets = [Target("buyer", "买家", ("客户名称",)), Target("name", "公司名称")]
    assert found(["客户名称"], targets=targets) == {"客户名称": "buyer"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("金额(元)", "金额"),
        ("收入金额（+元）", "收入金额"),
        ("动帐流水号", "动账流水号"),
        ("订单号码", "订单编号"),
        ("company_name", "CompanyName"),
        ("ＳＫＵ", "sku"),
        ("日 志 号", "日志号"),
    ],
)
def test_headers_that_are_the_same_to_a_clerk(one, other):
    assert normalised(one) == normalised(other)


def test_brackets_that_tell_columns_apart_stay():
    assert normalised("交易金额(收入)") != normalised("交易金额(支出)")


def test_a_signature_does_not_depend_on_the_order():
    assert signature(["甲", "乙"]) == signature(["乙", "甲"]) != signature(["甲乙"])


def test_drift_names_what_is_gone_new_and_moved():
    assert drift(["甲", "乙", "丙", "丁"], ["甲", "丁", "丙", "戊"]) == Drift(("乙",), ("戊",), ("丁",), True)
    assert drift(["甲", "乙"], ["甲", "乙"]) == Drift((), (), (), True)
    assert not drift(["甲", "乙"], ["丙", "丁"]).near


def test_the_sheet_that_matches_best_is_chosen():
    book = read(
        xlsx([["说明", "填写"], ["a", "b"]], name="说明", 客户=[["公司名称", "城市"], ["甲", "杭州"]]), "x.xlsx"
    )
    assert best_sheet(book, CUSTOMER).name == "客户"


def first(path, rows=20):
    (sheet,) = read((DATA / path).read_bytes(), path).sheets
    return sheet.headers, [row.cells for row in sheet.sample[:rows]]


@needs_data
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "orders-northwind/customers.csv",
            {
                "customerID": "number",
                "companyName": "name",
                "contactName": "contacts.name",
                "contactTitle": "contacts.title",
                "address": "address",
                "city": "city",
                "phone": "contacts.phone",
            },
        ),
        (
            "erp-adventureworks/Sales.vStoreWithContacts.csv",
            {
                "BusinessEntityID": "number",
                "Name": "name",
                "Title": "contacts.title",
                "PhoneNumber": "contacts.phone",
                "EmailAddress": "contacts.email",
            },
        ),
        (
            "erp-adventureworks/Sales.vStoreWithAddresses.csv",
            {
                "BusinessEntityID": "number",
                "Name": "name",
                "AddressLine1": "address",
                "City": "city",
                "StateProvinceName": "province",
            },
        ),
        ("erp-adventureworks/Sales.Store.csv", {"BusinessEntityID": "number", "Name": "name"}),
        (
            "erp-adventureworks/HumanResources.vEmployee.csv",
            {
                "BusinessEntityID": "number",
                "PhoneNumber": "contacts.phone",
                "EmailAddress": "contacts.email",
                "AddressLine1": "address",
                "City": "city",
                "StateProvinceName": "province",
            },
        ),
    ],
)
def test_the_english_files_find_their_columns(path, expected):
    headers, samples = first(path)
    with (DATA / path).open(encoding="utf-8-sig") as file:
        assert list(headers) == next(csv.reader(file))
    assert found(headers, samples) == expected
