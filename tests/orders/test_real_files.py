"""Order files of other systems, as they are: what comes in adds up to what the files say, reckoned here anew."""

import csv
import gzip
import io
from collections import defaultdict
from decimal import ROUND_HALF_UP
from decimal import Decimal as D

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Count, Sum
from django.test import Client

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.exchange.documents import open_documents
from neiqin.kernel.exchange.models import Import
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.catalog.actions import create_product
from neiqin.modules.customers.actions import create as create_customer
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders.models import Order, OrderLine
from tests import factories
from tests.exchange.test_import import counts, do, folder, texts, workbook  # noqa: F401 - folder is a fixture
from tests.shared import DATA, needs_data

pytestmark = pytest.mark.django_db
FEN = D("0.01")


@pytest.fixture
def clerk():
    rights = {"exchange_import": "all", "orders_view": "all", "orders_create": "all", "orders_edit": "all"}
    rights |= {"catalog_view": "all"}
    return factories.person("林知夏", position_=factories.rep_position("all", **rights))


@pytest.fixture
def web(clerk):
    return factories.sign_in(Client(), clerk)


def customers(names, owner) -> None:
    rows = [factories.customer_row(name, owner=owner.pk) for name in sorted(names)]
    for start in range(0, len(rows), 200):
        assert not perform(create_customer, by=SYSTEM, rows=rows[start : start + 200]).refused


def products(named) -> None:
    rows = [{"code": code, "name": name[:60], "unit_name": "件"} for code, name in sorted(named.items())]
    for start in range(0, len(rows), 500):
        assert not perform(create_product, by=SYSTEM, rows=rows[start : start + 500]).refused


def take(web, body: bytes, name: str, mapping: dict[str, str], lines: bytes | None = None) -> Import:
    """Upload, say which columns are what, check."""
    files = {"file": SimpleUploadedFile(name, body)}
    files |= {"lines": SimpleUploadedFile("明细.csv", lines)} if lines else {}
    assert web.post("/imports/upload/", {"kind": "orders.order", "mode": "new", **files}).status_code == 302
    drain()
    imp = Import.objects.order_by("-id").first()
    if imp.state == "mapping":
        chosen = {f"column-{imp.columns.index(header)}": path for header, path in mapping.items()}
        imp = do(web, imp, "columns", mode="new", **chosen)
    assert imp.state == "ready", imp.sentence
    return imp


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def fen(value) -> D:
    return D(value).quantize(FEN, ROUND_HALF_UP)


def wrong(imp: Import) -> dict[str, list[str]]:
    """Order number of the file -> the sentences of why it is left out."""
    at = next(int(c) for c, path in imp.mapping.items() if path == "customer_po")
    found = defaultdict(list)
    for part in imp.parts.all():
        for document in open_documents(part.body):
            for mark in document.wrong:
                found[document.cells[0][at]].append(mark.text)
    return found


SUPERSTORE = {
    "Order ID": "customer_po", "Order Date": "doc_date", "Customer Name": "customer", "City": "address",
    "Product ID": "lines.product", "Product Name": "", "Sales": "lines.amount",
    "Quantity": "lines.quantity", "Row ID": "", "Ship Date": "required_on", "Ship Mode": "", "Customer ID": "",
    "Discount": "",
}  # fmt: skip


@needs_data
def test_the_american_superstore_comes_in_to_the_cent(web, clerk):
    body = gzip.decompress((DATA / "orders-superstore-us/superstore.csv.gz").read_bytes())
    source = rows(body.decode("utf-8-sig"))
    customers({r["Customer Name"] for r in source}, clerk)
    products({r["Product ID"]: r["Product Name"] for r in source})
    imp = do(web, take(web, body, "superstore.csv", SUPERSTORE), "start")
    assert (imp.state, imp.counts) == ("done", {"new": 5009})
    expected = defaultdict(D)
    for r in source:
        expected[r["Order ID"]] += fen(r["Sales"])
    assert dict(Order.objects.values_list("customer_po", "amount")) == expected
    assert OrderLine.objects.aggregate(n=Count("pk"), q=Sum("quantity"), a=Sum("gross")) == {
        "n": 9994, "q": sum(int(r["Quantity"]) for r in source), "a": sum(expected.values()),
    }  # fmt: skip
    assert Order.objects.aggregate(Sum("net"), Sum("tax")) == {
        "net__sum": sum(fen(fen(r["Sales"]) / D("1.13")) for r in source),
        "tax__sum": sum(fen(r["Sales"]) - fen(fen(r["Sales"]) / D("1.13")) for r in source),
    }
    assert set(Order.objects.values_list("source", "state")) == {("excel", "draft")}
    # the same orders in another file of that system do nothing
    again = take(web, body + b"\n", "superstore-2.csv", SUPERSTORE)
    assert counts(again) == {"new": 0, "update": 0, "skip": 5009, "bad": 0}


NORTHWIND = {
    "orderID": "customer_po", "customerID": "customer", "orderDate": "doc_date", "requiredDate": "required_on",
    "freight": "freight", "shipName": "consignee", "shipAddress": "address", "productID": "lines.product",
    "unitPrice": "lines.price", "quantity": "lines.quantity", "discount": "lines.discount", "employeeID": "",
    "shippedDate": "", "shipVia": "", "shipCity": "", "shipRegion": "", "shipPostalCode": "", "shipCountry": "",
}  # fmt: skip


@needs_data
def test_northwind_comes_in_from_two_files_with_its_discounts(web, clerk):
    heads = (DATA / "orders-northwind/orders.csv").read_bytes()
    lines = (DATA / "orders-northwind/order_details.csv").read_bytes()
    head, line = rows(heads.decode("utf-8-sig")), rows(lines.decode("utf-8-sig"))
    customers({r["customerID"] for r in head}, clerk)
    products({r["productID"]: f"P{r['productID']}" for r in line})
    imp = take(web, heads, "orders.csv", NORTHWIND, lines)
    assert imp.file.name == "orders.csv + 明细.csv.csv"
    imp = do(web, imp, "start")
    assert (imp.state, imp.counts) == ("done", {"new": 830})
    expected = defaultdict(D)
    for r in line:
        deal = (D(r["unitPrice"]) * (1 - D(r["discount"]))).quantize(D("0.000001"))
        expected[r["orderID"]] += fen(deal * int(r["quantity"]))
    assert dict(Order.objects.values_list("customer_po", "amount")) == expected
    assert sum(expected.values()) == D("1265793.29")
    assert OrderLine.objects.count() == len(line) == 2155
    assert Order.objects.aggregate(Sum("freight"))["freight__sum"] == sum(fen(r["freight"]) for r in head)
    first = Order.objects.get(customer_po="10248")
    assert (first.name, str(first.doc_date), str(first.required_on), first.clerk_id) == (
        "VINET", "1996-07-04", "1996-08-01", clerk.pk,
    )  # fmt: skip


UK = {
    "InvoiceNo": "customer_po", "CustomerID": "customer", "InvoiceDate": "doc_date", "StockCode": "lines.customer_item",
    "Description": "lines.item_name", "Quantity": "lines.quantity", "UnitPrice": "lines.price", "Country": "region",
}  # fmt: skip


@needs_data
@pytest.mark.parametrize("day", ["2010-12-01", "2010-12-09", "2010-12-20"])
def test_what_a_british_shop_took_back_or_sold_to_nobody_stays_out_with_its_reason(web, clerk, day):
    body = (DATA / f"retail-online-uk-2010-12/{day}.csv").read_bytes()
    source = defaultdict(list)
    for r in rows(body.decode("utf-8-sig")):
        source[r["InvoiceNo"]].append(r)
    names = {r["CustomerID"].removesuffix(".0") for lines in source.values() for r in lines} - {""}
    customers(names, clerk)
    imp = take(web, body, f"{day}.csv", UK)
    out = {
        number for number, lines in source.items()
        if any(not r["CustomerID"] or int(r["Quantity"]) <= 0 or D(r["UnitPrice"]) < 0 or not r["Description"]
               for r in lines)
    }  # fmt: skip
    said = wrong(imp)
    assert set(said) == out
    assert any(n.startswith("C") for n in out)
    returned = {n for n in out if n.startswith("C") and source[n][0]["CustomerID"]}
    assert all(any("数量" in s and "退货" in s for s in said[n]) for n in returned)
    assert all(any("客户" in s for s in said[n]) for n in out if not source[n][0]["CustomerID"])
    imp = do(web, imp, "start")
    expected = {
        n: sum(fen(int(r["Quantity"]) * D(r["UnitPrice"])) for r in lines)
        for n, lines in source.items()
        if n not in out
    }
    assert imp.counts == {"new": len(expected), "bad": len(out)}
    assert dict(Order.objects.values_list("customer_po", "amount")) == expected
    assert set(Order.objects.values_list("name", flat=True)) <= names
    assert "下载有错的行" in texts(web, imp)


def sheet(*lines, head=("客户", "订单号", "产品名称", "数量", "单价", "折扣率", "金额")) -> bytes:
    return workbook(lines, head)


@pytest.fixture
def buyer(clerk):
    return factories.customer(
        owner=factories.actors_of(clerk.pk), name="昆山澄江精密",
        addresses=[{"consignee": "王磊", "mobile": "13812340000", "region": "江苏省昆山市", "street": "城北路 1 号"}],
    )  # fmt: skip


def test_a_price_may_come_with_its_discount_or_as_an_amount_but_they_must_agree(web, buyer):
    imp = take(web, sheet(
        ("昆山澄江精密", "A1", "轴承", "20", "18.00", "0.95", ""),
        ("昆山澄江精密", "A2", "轴承", "3", "", "", "99.99"),
        ("昆山澄江精密", "A3", "轴承", "20", "18.00", "", "360.00"),
        ("昆山澄江精密", "A4", "轴承", "20", "18.00", "", "380.00"),
        ("昆山澄江精密", "A5", "轴承", "20", "18.00", "95", ""),
    ), "单.xlsx", {})  # fmt: skip
    assert wrong(imp) == {
        "A4": ["数量 × 单价是 360.00，金额写的是 380.00，对不上。"],
        "A5": ["折扣要在 0 和 1 之间：95 折的折扣率写 0.95，让利率写 0.05。"],
    }
    do(web, imp, "start")
    made = Order.objects.order_by("pk").values_list("customer_po", "amount", "lines__price")
    assert list(made) == [("A1", D("342.00"), D("17.1")), ("A2", D("99.99"), D("33.33")), ("A3", D("360.00"), 18)]


def test_goods_go_to_the_customers_address_where_the_file_says_none(web, buyer):
    do(web, take(web, sheet(("昆山澄江精密", "B1", "轴承", "1", "1", "", "")), "单.xlsx", {}), "start")
    made = Order.objects.get()
    assert factories.names_of(made, column="consignee") == ["王磊"]
    assert factories.names_of(made, column="consignee_phone") == ["13812340000"]
    assert factories.names_of(made, column="address") == ["江苏省昆山市城北路 1 号"]


def test_two_customers_may_use_the_same_number_for_an_order(web, buyer, clerk):
    factories.customer(owner=factories.actors_of(clerk.pk), name="苏州恒达")
    first = ("昆山澄江精密", "PO-1", "轴承", "1", "5", "", "")
    do(web, take(web, sheet(first), "一.xlsx", {}), "start")
    imp = take(web, sheet(first, ("苏州恒达", "PO-1", "轴承", "2", "5", "", "")), "二.xlsx", {})
    assert counts(imp) == {"new": 1, "update": 0, "skip": 1, "bad": 0}
    do(web, imp, "start")
    assert sorted(Order.objects.values_list("name", "customer_po", "amount")) == [
        ("昆山澄江精密", "PO-1", D("5.00")), ("苏州恒达", "PO-1", D("10.00")),
    ]  # fmt: skip


def test_heads_and_lines_in_two_files_are_put_together_by_the_number_both_have(web, buyer):
    heads = "订单号,客户\nH1,昆山澄江精密\nH2,昆山澄江精密\n".encode()
    lines = "订单号,产品名称,数量,单价\nH1,轴承,2,5\nH1,油封,1,3\nH9,轴承,1,1\n".encode()
    imp = take(web, heads, "头.csv", {}, lines)
    assert {n: len(s) for n, s in wrong(imp).items()} == {"H2": 1, "H9": 1}
    do(web, imp, "start")
    assert list(Order.objects.values_list("customer_po", "amount")) == [("H1", D("13.00"))]
    assert Customer.objects.count() == 1


def test_two_files_without_a_common_column_are_refused_with_the_remedy(web, buyer):
    files = {"file": SimpleUploadedFile("头.csv", "单号,客户\nH1,甲\n".encode()),
             "lines": SimpleUploadedFile("明细.csv", "编号,数量\nH1,2\n".encode())}  # fmt: skip
    answer = web.post("/imports/upload/", {"kind": "orders.order", "mode": "new", **files}, follow=True)
    assert "没有同名的列" in answer.content.decode()
    assert not Import.objects.exists()


def test_numbers_that_a_spreadsheet_has_rounded_are_doubted_in_two_files_as_in_one(web, buyer):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["订单号", "客户"])
        page.write_row(1, 0, [167000000000000012, "昆山澄江精密"])
        page.write_row(2, 0, ["Z2", "昆山澄江精密"])
    lines = "订单号,产品名称,数量,单价\nZ2,轴承,2,5\n".encode()
    imp = take(web, out.getvalue(), "头.xlsx", {}, lines)
    (number,) = wrong(imp)
    assert "E+17" in number
    assert any("科学计数法" in text for text in wrong(imp)[number])
    assert counts(imp) == {"new": 1, "update": 0, "skip": 0, "bad": 1}


def test_an_amount_says_the_price_also_where_an_order_is_brought_up_to_date(web, buyer):
    first = ("昆山澄江精密", "U1", "轴承", "2", "5", "", "")
    do(web, take(web, sheet(first), "一.xlsx", {}), "start")
    changed = sheet(("昆山澄江精密", "U1", "轴承", "2", "", "", "11.00"))
    answer = {"kind": "orders.order", "mode": "both", "file": SimpleUploadedFile("二.xlsx", changed)}
    assert web.post("/imports/upload/", answer).status_code == 302
    drain()
    imp = Import.objects.order_by("-id").first()
    assert (imp.state, counts(imp)) == ("ready", {"new": 0, "update": 1, "skip": 0, "bad": 0})
    do(web, imp, "start")
    assert list(Order.objects.values_list("customer_po", "amount", "lines__price")) == [("U1", D("11.00"), D("5.5"))]


def test_a_line_is_known_by_its_product_where_the_file_does_not_name_it(web, buyer):
    products({"ZC-1": "轴承 6204"})
    head = ("客户", "订单号", "产品编码", "数量", "单价")
    do(web, take(web, workbook([("昆山澄江精密", "V1", "ZC-1", "2", "5")], head), "一.xlsx", {}), "start")
    answer = {"kind": "orders.order", "mode": "both"}
    body = workbook([("昆山澄江精密", "V1", "ZC-1", "3", "5")], head)
    assert web.post("/imports/upload/", answer | {"file": SimpleUploadedFile("二.xlsx", body)}).status_code == 302
    drain()
    do(web, Import.objects.order_by("-id").first(), "start")
    assert list(OrderLine.objects.values_list("item_name", "quantity")) == [("轴承 6204", 3)]
