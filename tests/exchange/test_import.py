"""Tables in: a file is read, its columns recognised, checked without writing, written, mended and taken back."""

import io
from datetime import timedelta
from urllib.parse import quote

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from python_calamine import load_workbook

from neiqin.kernel.actions.models import Change, Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.checks.models import Result, Second
from neiqin.kernel.exchange import documents, pages, working
from neiqin.kernel.exchange.documents import open_documents
from neiqin.kernel.exchange.models import Import, Part
from neiqin.kernel.fields.shape import parse
from neiqin.kernel.files.models import StoredFile
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Grant, Person
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.personal.keys import find_subjects
from neiqin.modules.customers.actions import create, edit
from neiqin.modules.customers.models import Contact, Customer
from tests import factories

pytestmark = pytest.mark.django_db

HEADERS = ("客户名称", "联系人", "手机", "信用额度", "城市")
RIGHTS = {"exchange_import": "all", "exchange_export": "all"}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.FILES = tmp_path


@pytest.fixture
def clerk():
    return factories.person("林知夏", position_=factories.rep_position("own", **RIGHTS))


@pytest.fixture
def web(clerk):
    return factories.sign_in(Client(), clerk)


def workbook(rows, headers=HEADERS) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("客户")
        for at, row in enumerate((headers, *rows)):
            for column, value in enumerate(row):
                sheet.write_string(at, column, value)
    return out.getvalue()


def good(n: int) -> tuple[str, ...]:
    return (f"苏州第{n:03}精密机械有限公司", f"王{n}", f"138{n:08}", "1000.00", "苏州市")


def upload(web, body: bytes, name="客户.xlsx", mode="new", kind="customers.customer") -> Import:
    answer = web.post("/imports/upload/", {"kind": kind, "mode": mode, "file": SimpleUploadedFile(name, body)})
    assert answer.status_code == 302
    drain()
    found = Import.objects.order_by("-id").first()
    assert answer["Location"] == f"/imports/{found.pk}/"
    return found


def do(web, imp: Import, what: str, **data) -> Import:
    assert web.post(f"/imports/{imp.pk}/{what}/", data).status_code == 302
    drain()
    imp.refresh_from_db()
    return imp


def counts(imp: Import) -> dict[str, int]:
    return {v: imp.counts.get(v, 0) for v in ("new", "update", "skip", "bad")}


def texts(web, imp: Import, query: str = "") -> str:
    return web.get(f"/imports/{imp.pk}/{query}").content.decode()


@pytest.mark.clause("C-DATA-08")
def test_of_a_hundred_customers_three_come_back_with_reasons_and_undo_removes_the_others(web, clerk):
    rows = [good(n) for n in range(1, 101)]
    rows[9] = ("苏州第010精密机械有限公司", "王10", "12800138000", "1000.00", "苏州市")
    rows[49] = ("", "王50", "13800000050", "1000.00", "苏州市")
    rows[98] = ("苏州第099精密机械有限公司", "王99", "13800000099", "一千", "苏州市")
    imp = upload(web, workbook(rows))
    assert (imp.state, counts(imp)) == ("ready", {"new": 97, "update": 0, "skip": 0, "bad": 3})
    assert not Customer.objects.exists()  # a dry run

    page = texts(web, imp)
    assert "导入 97 家" in page
    imp = do(web, imp, "start")
    assert (imp.state, counts(imp)) == ("done", {"new": 97, "update": 0, "skip": 0, "bad": 3})
    assert Customer.objects.count() == Contact.objects.count() == 97
    assert set(Customer.objects.values_list("owner_id", flat=True)) == {clerk.pk}
    assert sorted(Customer.objects.values_list("number", flat=True))[0].startswith("KH")

    book = load_workbook(io.BytesIO(web.get(f"/imports/{imp.pk}/errors/").content))
    back = book.get_sheet_by_index(0).to_python()
    assert back[0] == [*HEADERS, "行号", "错误原因"]
    assert [row[5] for row in back[1:]] == ["11", "51", "100"]
    assert "手机" in back[1][6]
    assert "12800138000" in back[1][2]
    assert "客户名称" in back[2][6]
    assert "信用额度" in back[3][6]

    imp = do(web, imp, "undo")
    assert imp.state == "undone"
    assert not Customer.objects.exists()
    assert not Contact.objects.exists()
    assert imp.counts["left"] == 0


def test_the_error_workbook_is_mended_and_uploaded_again(web):
    rows = [good(1), ("苏州第002精密机械有限公司", "王2", "12", "5", "苏州市")]
    imp = do(web, upload(web, workbook(rows)), "start")
    body = web.get(f"/imports/{imp.pk}/errors/").content
    back = load_workbook(io.BytesIO(body)).get_sheet_by_index(0).to_python()
    back[1][2] = "13800138002"
    second = upload(web, workbook(back[1:], back[0]), name="改好.xlsx")
    assert (second.state, counts(second)) == ("ready", {"new": 1, "update": 0, "skip": 0, "bad": 0})


def test_a_cell_is_mended_where_it_stands(web):
    rows = [good(1), ("苏州第002精密机械有限公司", "王2", "12", "5", "苏州市")]
    imp = upload(web, workbook(rows))
    assert counts(imp)["bad"] == 1
    answer = web.post(f"/imports/{imp.pk}/cell/", {"part": 0, "n": 1, "row": 0, "column": 2, "value": "13800138002"})
    assert answer.status_code == 200
    assert "导入 2 家" in answer.content.decode()
    imp = do(web, imp, "start")
    assert counts(imp) == {"new": 2, "update": 0, "skip": 0, "bad": 0}
    assert Customer.objects.count() == 2


def test_the_same_file_twice_does_nothing(web):
    body = workbook([good(1), good(2)])
    first = do(web, upload(web, body), "start")
    history = (Event.objects.count(), Change.objects.count())
    answer = web.post(
        "/imports/upload/",
        {"kind": "customers.customer", "mode": "both", "file": SimpleUploadedFile("另存.xlsx", body)},
    )
    drain()
    assert answer["Location"] == f"/imports/{first.pk}/"
    assert Import.objects.count() == 1
    assert (Event.objects.count(), Change.objects.count()) == history


def test_existing_customers_are_skipped_updated_or_left_by_the_mode(web):
    do(web, upload(web, workbook([good(1), good(2)])), "start")
    changed = ("苏州第001精密机械有限公司", "王1", "13800000001", "2000.00", "昆山市")
    for mode, expected in (
        ("new", {"new": 1, "update": 0, "skip": 2, "bad": 0}),
        ("update", {"new": 0, "update": 1, "skip": 2, "bad": 0}),
        ("both", {"new": 1, "update": 1, "skip": 1, "bad": 0}),
    ):
        imp = upload(web, workbook([changed, good(2), good(3)]), name=f"{mode}.xlsx", mode=mode)
        assert counts(imp) == expected, mode
    do(web, imp, "start")
    first = Customer.objects.get(name="苏州第001精密机械有限公司")
    assert (first.city, str(first.credit_limit), first.version) == ("昆山市", "2000.00", 2)
    assert Customer.objects.get(name="苏州第002精密机械有限公司").version == 1
    assert Customer.objects.count() == 3


def test_undo_gives_back_the_old_values_and_spares_what_was_changed_since(web, clerk):
    do(web, upload(web, workbook([good(1), good(2), good(3)])), "start")
    phones = {c.customer.name: bytes(c.mobile.stored) for c in Contact.objects.select_related("customer")}
    rows = [(f"苏州第{n:03}精密机械有限公司", f"王{n}", f"139{n:08}", "9.00", "无锡市") for n in (1, 2, 4)]
    imp = do(web, upload(web, workbook(rows), mode="both"), "start")
    assert counts(imp) == {"new": 1, "update": 2, "skip": 0, "bad": 0}
    second = Customer.objects.get(name="苏州第002精密机械有限公司")
    perform(edit, [second.pk], by=factories.actors_of(clerk.pk), params={"industry": "机械"})
    imp = do(web, imp, "undo")
    first = Customer.objects.get(name="苏州第001精密机械有限公司")
    assert (first.city, str(first.credit_limit)) == ("苏州市", "1000.00")
    assert bytes(first.contacts.get().mobile.stored) == phones[first.name]
    second.refresh_from_db()
    assert (second.city, second.industry) == ("无锡市", "机械")
    assert not Customer.objects.filter(name__contains="第004").exists()
    assert imp.counts["left"] == 1
    assert "1 家没有撤销" in texts(web, imp)
    assert web.get("/customers/customer/?q=13900000001").content.decode().count("data-url") == 0


def test_several_rows_make_one_customer_with_several_contacts(web):
    name = "苏州第001精密机械有限公司"
    rows = [
        (name, "王一", "13800000001", "5", "苏州市"),
        ("", "王二", "13800000002", "", ""),
        (name, "王三", "13800000003", "", ""),
    ]
    imp = do(web, upload(web, workbook(rows)), "start")
    assert counts(imp)["new"] == 1
    assert factories.names_of(*Customer.objects.get().contacts.order_by("id")) == ["王一", "王二", "王三"]


def test_a_document_goes_in_whole_or_not_at_all(web):
    rows = [("苏州第001精密机械有限公司", "王一", "13800000001", "5", ""), ("", "王二", "12", "", "")]
    imp = upload(web, workbook(rows))
    assert counts(imp) == {"new": 0, "update": 0, "skip": 0, "bad": 1}


def test_the_same_customer_twice_in_a_file_is_refused_naming_the_first_row(web):
    rows = [good(1), good(2), ("苏州第００１精密机械有限公司", "别人", "13800000009", "5", "")]
    imp = upload(web, workbook(rows))
    assert counts(imp) == {"new": 2, "update": 0, "skip": 0, "bad": 1}
    assert "和第 2 行是同一家" in texts(web, imp)


def test_unknown_columns_ask_and_are_remembered(web):
    body = workbook([good(1)], ("客户名称", "联系人", "电话号码（手机）", "额度上限", "在哪里"))
    imp = upload(web, body)
    assert imp.state == "mapping"
    assert not Part.objects.exists()
    page = texts(web, imp)
    assert "在哪里" in page
    imp = do(web, imp, "columns", mode="new", **{
        "column-0": "name", "column-1": "contacts.name", "column-2": "contacts.mobile", "column-3": "credit_limit",
        "column-4": "city",
    })  # fmt: skip
    assert imp.state == "ready"
    do(web, imp, "start")
    again = upload(web, workbook([good(2)], ("客户名称", "联系人", "电话号码（手机）", "额度上限", "在哪里")))
    assert (again.state, counts(again)["new"]) == ("ready", 1)
    drifted = upload(web, workbook([good(3)], ("客户名称", "联系人", "电话号码（手机）", "额度上限", "地方")))
    assert drifted.state == "mapping"
    assert "少了「在哪里」，多了「地方」" in texts(web, drifted)


def test_money_is_summed_by_verdict_and_against_the_file(web):
    rows = [good(1), good(2), ("苏州第003精密机械有限公司", "王3", "12", "500", "苏州市"), ("合计", "", "", "2500", "")]
    imp = upload(web, workbook(rows))
    assert imp.totals["credit_limit"] == {"new": "2000.00", "update": "0", "skip": "0", "bad": "500.00", "file": "2500"}
    assert "和文件里的合计一致" in texts(web, imp)


def test_nobody_sees_another_persons_import(web):
    imp = upload(web, workbook([good(1)]))
    other = factories.sign_in(Client(), factories.person("郑可", position_=factories.rep_position("all", **RIGHTS)))
    for address in ("", "errors/"):
        assert other.get(f"/imports/{imp.pk}/{address}").status_code == 404
    for what in ("start", "undo", "discard", "columns", "cell"):
        assert other.post(f"/imports/{imp.pk}/{what}/").status_code == 404
    without = factories.sign_in(Client(), factories.person("何雨桐"))
    assert without.get("/imports/").status_code == 403
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("body", "name", "sentence"),
    [(b"", "a.xlsx", "空"), (b"%PDF-1.7 x", "a.xlsx", "PDF"), (b"MZ\x90\x00" + b"x" * 90, "a.csv", "程序")],
)
def test_a_file_that_cannot_be_read_says_why(web, body, name, sentence):
    if body:
        imp = upload(web, body, name)
        assert imp.state == "failed"
        assert sentence in texts(web, imp)


def test_a_text_file_that_breaks_off_further_down_says_so_and_nothing_is_in(web):
    lines = ["客户名称,联系人,手机", *(f"苏州第{n}精密机械有限公司,王{n},138{n:08}" for n in range(400))]
    body = "\r\n".join(lines).encode("gb18030") + b"\r\n\xff\xff\xff,a,b"
    imp = upload(web, body, "坏.csv")
    assert imp.state == "failed"
    assert imp.sentence
    assert not Part.objects.exists()
    assert not Customer.objects.exists()


def test_records_keep_the_author_and_date_they_had_elsewhere(web):
    headers = ("客户名称", "联系人", "手机", "创建人", "创建时间")
    rows = [
        ("苏州第001精密机械有限公司", "王一", "13800000001", "老张", "2019年5月1日"),
        ("苏州第002精密机械有限公司", "王二", "13800000002", "", ""),
        ("苏州第003精密机械有限公司", "王三", "13800000003", "老张", "2199-01-01"),
        ("苏州第004精密机械有限公司", "王四", "13800000004", "老张", "昨天吧"),
    ]
    imp = upload(web, workbook(rows, headers))
    assert counts(imp) == {"new": 2, "update": 0, "skip": 0, "bad": 2}
    assert "还没有到" in texts(web, imp)
    do(web, imp, "start")
    first = Customer.objects.get(name="苏州第001精密机械有限公司")
    assert first.created_at.isoformat() == "2019-04-30T16:00:00+00:00"
    assert "原建档人老张，建于 2019-05-01" in web.get(f"/customers/customer/{first.pk}/").content.decode()
    assert Customer.objects.get(name="苏州第002精密机械有限公司").created_at.year >= 2026


def test_what_is_no_longer_needed_is_thrown_away_with_its_file(web, settings):
    imp = upload(web, workbook([good(1)]))
    web.post(f"/imports/{imp.pk}/discard/")
    assert not StoredFile.objects.exists()
    imp = do(web, upload(web, workbook([good(2)])), "start")
    Import.objects.filter(pk=imp.pk).update(created_at=imp.created_at - timedelta(days=91))
    working.tidy()
    assert not Import.objects.exists()
    assert not Part.objects.exists()
    assert [p for p in settings.FILES.rglob("*") if p.is_file()] == []
    assert Customer.objects.count() == 1


def test_a_file_that_is_one_endless_record_shows_its_first_rows(web):
    rows = [good(1)] + [("", f"王{n}", f"139{n:08}", "", "") for n in range(300)]
    page = texts(web, upload(web, workbook(rows)), "?show=all")
    assert "后面还有 101 行，没有列出。" in page
    assert "王198" in page
    assert "王199" not in page


def test_very_many_wrong_rows_come_back_in_a_first_lot(web, monkeypatch):
    monkeypatch.setattr(pages, "MOST_BACK", 400)
    monkeypatch.setattr(working, "PART", 400)
    imp = upload(web, workbook([(*good(n)[:2], "12", *good(n)[3:]) for n in range(1, 801)]))
    answer = web.get(f"/imports/{imp.pk}/errors/")
    assert quote("前 400 个有错的行") in answer["Content-Disposition"]
    assert len(load_workbook(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()) == 401


def test_an_import_whose_job_has_given_up_says_so_and_can_be_thrown_away(web, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(working.Checker, "check", broken)
    with pytest.raises(ZeroDivisionError):
        upload(web, workbook([good(1)]))
    imp = Import.objects.get()
    assert imp.state == "checking"
    working.rescue()
    assert "中途出错停下了" in texts(web, imp)
    assert do_discard(web, imp)


def do_discard(web, imp) -> bool:
    return web.post(f"/imports/{imp.pk}/discard/").status_code == 302 and not Import.objects.exists()


def test_undoing_updates_needs_the_right_to_change(web, clerk):
    do(web, upload(web, workbook([good(1)])), "start")
    changed = ("苏州第001精密机械有限公司", "王1", "13800000001", "2000.00", "昆山市")
    imp = do(web, upload(web, workbook([changed]), "b.xlsx", mode="both"), "start")
    Grant.objects.filter(permission="customers.edit").delete()
    imp = do(web, imp, "undo")
    assert imp.state == "done"
    assert Customer.objects.get().city == "昆山市"


def test_what_the_check_has_parsed_is_written_as_it_was_parsed(web, monkeypatch):
    headers = ("客户名称", "联系人", "手机", "信用额度", "账期（天）", "联系人决策人")
    rows = [(f"苏州{n}号轴承厂", "王 工", f"138-0000-{n:04}", "¥1,234.50", "", "是") for n in range(60)]
    imp = upload(web, workbook(rows, headers))
    assert counts(imp)["new"] == 60

    def never(row):
        raise AssertionError("parsed again")

    monkeypatch.setattr(type(create), "parse", never)
    imp = do(web, imp, "start")
    assert counts(imp)["new"] == 60
    made = Customer.objects.get(name="苏州7号轴承厂")
    assert (str(made.credit_limit), made.credit_days, made.name_key) == ("1234.50", None, "苏州7号轴承厂")
    contact = made.contacts.get()
    assert (factories.names_of(contact), contact.decides) == (["王 工"], True)
    assert open_columns([contact], ["mobile", "phone"]) == [{"mobile": "13800000007", "phone": ""}]
    assert find_subjects("13800000007", "mobile") == find_subjects("0007", "mobile:last4") == [contact.subject]


def test_what_another_release_has_parsed_is_parsed_again(web, monkeypatch):
    imp = upload(web, workbook([good(1), good(2)]))
    monkeypatch.setattr(documents, "RELEASE", "the next")
    parsed = []
    monkeypatch.setattr(type(create), "parse", lambda self, row: parsed.append(row) or parse(self.shape, row))
    imp = do(web, imp, "start")
    assert counts(imp)["new"] == len(parsed) == Customer.objects.count() == 2


def test_a_name_in_the_file_means_who_is_called_so_when_it_is_written():
    rights = dict.fromkeys(("customers_view", "customers_create", "customers_contacts", "customers_credit"), "all")
    manager = factories.sign_in(Client(), factories.person("林知夏", position_=factories.position(**rights, **RIGHTS)))
    first, second = factories.person("潘一"), factories.person("潘二")
    imp = upload(manager, workbook([(*good(1), "潘一"), (*good(2), "潘三")], (*HEADERS, "负责人")))
    assert counts(imp) == {"new": 1, "update": 0, "skip": 0, "bad": 1}
    Person.objects.filter(pk=first.pk).update(name="潘四")
    Person.objects.filter(pk=second.pk).update(name="潘一")
    imp = do(manager, imp, "start")
    assert Customer.objects.get().owner_id == second.pk


def test_checking_many_updates_asks_as_often_as_checking_few(web):
    do(web, upload(web, workbook([good(n) for n in range(1, 41)])), "start")
    asked = []
    for count in (2, 40):
        rows = [(*good(n)[:2], f"139{n:08}", *good(n)[3:]) for n in range(1, count + 1)]
        imp = upload(web, workbook(rows), f"{count}.xlsx", mode="update")
        assert counts(imp)["update"] == count
        part, checker = open_documents(imp.parts.get().body), working.tools_of(imp)[2]
        with CaptureQueriesContext(connection) as queries:
            checker.check(part)
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_a_row_that_the_checks_warn_of_is_told_and_one_for_a_second_person_is_left_out(web, clerk):
    owner = actor_of(clerk.pk)
    known = factories.customer(owner, good(1)[0], credit_limit="100")
    rows = [good(1), ("苏州第002精密机械有限公司", "王2", "13800000002", "1000000", "苏州市"), good(3)]
    imp = upload(web, workbook(rows), mode="both")
    (part,) = Part.objects.filter(imp=imp)
    first, second, third = open_documents(part.body)
    assert [m.text for m in first.warned] == [
        "「信用额度」1,000.00 是上次 100.00 的 10 倍。核对无误再保存（《数据校验》第 1 版第 4 行）。"
    ]
    assert (second.verdict, third.verdict) == ("bad", "new")
    assert "要第二人复核，不和别的一起办" in second.wrong[0].text
    do(web, imp, "start")
    known.refresh_from_db()
    assert (str(known.credit_limit), Customer.objects.count()) == ("1000.00", 2)
    assert Result.objects.get(record_id=known.pk).fate == "confirmed"
    assert not Second.objects.exists()
