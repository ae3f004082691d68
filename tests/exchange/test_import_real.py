"""Real files as imports: customers, contacts and staff of other systems go in, or are refused with a sentence."""

import csv
import io
from decimal import Decimal
from itertools import pairwise

import pytest
from django.test import Client

from neiqin.kernel.exchange.documents import open_documents
from neiqin.kernel.exchange.models import Import
from neiqin.kernel.people.models import Person
from neiqin.modules.customers.models import Contact, Customer
from tests import factories
from tests.exchange.test_import import counts, do, folder, texts, upload  # noqa: F401 - a fixture
from tests.shared import DATA, needs_data

pytestmark = [pytest.mark.django_db, needs_data]


@pytest.fixture
def web():
    rights = {"exchange_import": "all", "people_view": "all", "people_manage": "all"}
    return factories.sign_in(Client(), factories.person("林知夏", position_=factories.rep_position("all", **rights)))


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((DATA / name).read_text("utf-8-sig"))))


def take(web, name: str, mapping: dict[str, str], *, kind="customers.customer") -> Import:
    """Upload a file, say which columns are what, check."""
    imp = upload(web, (DATA / name).read_bytes(), name.rpartition("/")[2], kind=kind)
    if imp.state == "mapping":
        chosen = {f"column-{imp.columns.index(header)}": path for header, path in mapping.items()}
        imp = do(web, imp, "columns", mode="new", **chosen)
    assert imp.state == "ready", imp.sentence
    return imp


def sentences(imp: Import) -> set[str]:
    return {m.text for part in imp.parts.all() for d in open_documents(part.body) for m in d.wrong}


def test_stores_of_adventureworks_come_with_their_contacts(web):
    name = "erp-adventureworks/Sales.vStoreWithContacts.csv"
    mapping = {
        "Name": "name",
        "ContactType": "contacts.title",
        "FirstName": "contacts.name",
        "EmailAddress": "contacts.email",
    }
    imp = take(web, name, mapping)
    source = rows(name)
    assert sum(counts(imp).values()) + _further(source) == len(source)
    imp = do(web, imp, "start")
    assert imp.state == "done"
    assert Customer.objects.count() == counts(imp)["new"]
    assert counts(imp)["new"] + counts(imp)["bad"] == len(source) - _further(source)
    assert {c.name for c in Customer.objects.all()} <= {r["Name"].strip() for r in source}
    assert Contact.objects.count() <= len(source)
    assert do(web, imp, "undo").state == "undone"
    assert not Customer.objects.exists()


def _further(source) -> int:
    """Rows that go on with the store of the row above."""
    return sum(1 for above, row in pairwise(source) if above["Name"] == row["Name"])


def test_phones_of_another_country_are_refused_with_a_sentence_not_guessed(web):
    name = "orders-northwind/customers.csv"
    imp = take(web, name, {"companyName": "name", "contactName": "contacts.name", "phone": "contacts.phone"})
    assert sum(counts(imp).values()) == len(rows(name)) == 91
    assert counts(imp)["bad"] > 80
    assert all("电话" in s for s in sentences(imp))
    assert "下载有错的行" in texts(web, imp)


def test_staff_of_northwind_become_persons(web):
    here = factories.unit("北美组")
    factories.position("Sales Representative")
    source = rows("orders-northwind/employees.csv")
    table = [("姓名", "工号", "部门", "岗位")]
    table += [(f"{r['firstName']} {r['lastName']}", f"N{r['employeeID']}", here.name, r["title"]) for r in source]
    body = "\r\n".join(",".join(line) for line in table).encode("utf-8-sig")
    imp = upload(web, body, "员工.csv", kind="people.person")
    assert imp.state == "ready"
    known = sum(1 for r in source if r["title"] == "Sales Representative")
    assert counts(imp) == {"new": known, "update": 0, "skip": 0, "bad": len(source) - known}
    assert any(s == "「岗位」里没有「Sales Manager」，改成系统里的名称。" for s in sentences(imp))
    do(web, imp, "start")
    assert Person.objects.filter(staff_no__startswith="N", unit=here).count() == known


@pytest.mark.parametrize(
    "name", sorted(p.name for p in (DATA / "excel-messy-easyexcel").glob("*.*") if p.suffix != ".md")
)
def test_messy_workbooks_ask_or_say_why(web, name):
    imp = upload(web, (DATA / "excel-messy-easyexcel" / name).read_bytes(), name)
    assert imp.state in ("mapping", "failed")
    assert imp.state == "mapping" or imp.sentence
    assert not Customer.objects.exists()


@pytest.mark.parametrize("name", sorted(p.name for p in (DATA / "statements-cn").glob("*.*") if p.suffix != ".md"))
def test_a_bank_statement_is_no_customer_list_and_asks(web, name):
    imp = upload(web, (DATA / "statements-cn" / name).read_bytes(), name)
    assert imp.state in ("mapping", "failed"), (imp.state, imp.sentence)
    page = texts(web, imp)
    assert "还缺" in page or imp.sentence in page


def test_credit_limits_add_up_to_the_file(web):
    name = "erp-adventureworks/Sales.vStoreWithDemographics.csv"
    imp = take(web, name, {"Name": "name", "AnnualSales": "credit_limit"})
    said = imp.totals["credit_limit"]
    total = sum(Decimal(r["AnnualSales"].replace("$", "").replace(",", "") or 0) for r in rows(name))
    assert sum(Decimal(said[v]) for v in ("new", "update", "skip", "bad")) == total
