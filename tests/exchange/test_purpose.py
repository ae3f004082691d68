"""Lists of customers leave the house for a stated purpose, beyond a number with approval, marked with who and when
(C-SEC-04)."""

import io
import zipfile

import pytest
from django.db import connection
from django.test import Client
from python_calamine import load_workbook

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals.models import Request
from neiqin.kernel.exchange import requesting
from neiqin.kernel.exchange.models import Export, ExportRequest
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.customers.models import Customer
from tests import factories
from tests.exchange.test_export import body
from tests.exchange.test_import import counts, do, folder, upload  # noqa: F401 - folder is a fixture

pytestmark = pytest.mark.django_db
KIND = "customers.customer"
RIGHTS = {"exchange_export": "all", "exchange_requests": "own", "approvals_view": "own", "printing_list": "all"}
# 5,000 customers like the first one, as they would be after years.
MANY = """
INSERT INTO customers_customer ({columns})
SELECT {values} FROM customers_customer c, generate_series(1, %s) AS n WHERE c.id = %s
"""


@pytest.fixture
def team():
    """A rep who may export, his manager, and a director and an administrator who stand on the route."""
    unit = factories.unit("华东一组")
    rights = {f"customers_{r}": "below" for r in factories.CUSTOMER_RIGHTS} | RIGHTS
    found = {"rep": factories.person("周启明", unit_=unit, position_=factories.rep_position("own", **RIGHTS))}
    for key, name, position in (("manager", "陆建国", "销售经理"), ("director", "许曼", "销售总监"),
                                ("keeper", "潘一鸣", "系统管理员")):  # fmt: skip
        rights_ = rights | ({"approvals_manage": "all"} if key == "keeper" else {})
        found[key] = factories.person(name, unit_=unit, position_=factories.position(position, **rights_))
    type(unit).objects.filter(pk=unit.pk).update(leader=found["manager"])
    return found


def many(person, count: int) -> None:
    """So many customers of this person."""
    first = factories.customer(actor_of(person.pk))
    columns = [f.column for f in Customer._meta.concrete_fields if f.column != "id"]
    own = {"number": "'KH9' || n", "name": "'苏州' || n || '精密机械有限公司'", "name_key": "'苏州' || n"}
    with connection.cursor() as cursor:
        values = ", ".join(own.get(c, f'c."{c}"') for c in columns)
        names = ", ".join(f'"{c}"' for c in columns)
        cursor.execute(MANY.format(columns=names, values=values), [count - 1, first.pk])
    assert Customer.objects.filter(owner=person).count() == count


def at(someone) -> Client:
    return factories.sign_in(Client(), someone)


def ask(someone, **given):
    return at(someone).post("/exports/new/", {"kind": KIND, "q": "", "width": "shown", "format": "xlsx"} | given)


def text(answer) -> str:
    return answer.content.decode()


def footer(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


@pytest.mark.clause("C-SEC-04")
def test_fifty_customers_need_a_purpose_which_is_kept_and_go_at_once_with_a_mark(team):
    rep = team["rep"]
    many(rep, 50)
    assert "用途（必填" in text(at(rep).get(f"/exports/new/?kind={KIND}"))
    refused = ask(rep)
    assert refused.status_code == 422
    assert "客户资料要写导出的用途" in text(refused)
    assert not ExportRequest.objects.exists()
    assert not Export.objects.exists()

    assert ask(rep, purpose="中秋寄礼品").status_code == 302
    drain()
    kept = ExportRequest.objects.get()
    assert (kept.owner_id, kept.rows, kept.purpose, kept.filter) == (rep.pk, 50, "中秋寄礼品", "全部")
    made = Export.objects.get()
    assert (made.state, made.done, made.request_id) == ("done", 50, kept.pk)
    assert Run.objects.get(action="export").params["purpose"] == "中秋寄礼品"
    content = body(at(rep), made)
    at_ = f"{clock.local(kept.created_at):%Y-%m-%d}"
    foot = footer(content).partition("<oddFooter>")[2].partition("</oddFooter>")[0]
    assert f"周启明 {at_}" in foot
    assert "用途：中秋寄礼品" in foot
    about = dict(load_workbook(io.BytesIO(content)).get_sheet_by_name("说明").to_python())
    assert (about["导出人"], about["用途"]) == ("周启明", "中秋寄礼品")
    assert not Request.objects.exists()


@pytest.mark.clause("C-SEC-04")
def test_five_thousand_customers_wait_for_approval_before_there_is_a_file(team):
    rep = team["rep"]
    many(rep, 5000)
    assert ask(rep, purpose="更换系统").status_code == 302
    drain()
    assert not Export.objects.exists()
    assert not ExportRequest.objects.exists()
    request = Request.objects.get()
    assert (request.name, request.state) == ("导出 更换系统", "open")
    page = text(at(team["manager"]).get(f"/approvals/request/{request.pk}/"))
    assert "更换系统" in page
    assert "5,000" in page or "5000" in page
    for who in ("manager", "director", "keeper"):
        assert not Export.objects.exists()
        at(team[who]).post(f"/approvals/request/{request.pk}/agree/", {})
    drain()
    made = Export.objects.get()
    assert (made.state, made.done, made.person_id) == ("done", 5000, rep.pk)
    assert "周启明" in footer(body(at(rep), made)).partition("<oddFooter>")[2]


def test_a_refused_export_makes_no_file(team):
    rep = team["rep"]
    many(rep, 1001)
    ask(rep, purpose="更换系统")
    request = Request.objects.get()
    at(team["manager"]).post(f"/approvals/request/{request.pk}/refuse/", {"opinion": "用不着"})
    drain()
    assert not Export.objects.exists()


def test_many_small_exports_of_a_day_are_one_large_one(team):
    rep = team["rep"]
    many(rep, 501)
    ask(rep, purpose="一")
    assert not Request.objects.exists()
    ask(rep, purpose="二")
    assert Request.objects.get().name == "导出 二"
    assert ExportRequest.objects.count() == 1


def test_the_api_refuses_without_a_purpose_and_makes_the_same_record(team):
    rep = team["rep"]
    factories.customer(actor_of(rep.pk))
    client = factories.api(Client(), rep)
    told = client.post("/api/v1/export-requests", {"kind": KIND}, content_type="application/json")
    assert told.status_code == 409
    assert "用途" in told.content.decode()
    made = client.post("/api/v1/export-requests", {"kind": KIND, "purpose": "对账"}, content_type="application/json")
    assert made.status_code == 201, made.content.decode()
    drain()
    assert (ExportRequest.objects.get().purpose, Export.objects.get().done) == ("对账", 1)


def test_the_last_line_of_a_text_export_says_who_and_why_and_an_import_leaves_it_out(team):
    boss = factories.person(
        "方静仪", position_=factories.rep_position("all", exchange_personal="all", exchange_import="all", **RIGHTS)
    )
    for name in ("苏州恒瑞精密机械有限公司", "无锡梁清水泵制造有限公司"):
        factories.customer(actor_of(boss.pk), name)
    ask(boss, purpose="核对", width="lines", format="csv", full="1")
    drain()
    content = body(at(boss), Export.objects.get())
    last = content.decode("utf-8-sig").splitlines()[-1]
    assert last.startswith("# 导出人：方静仪 ")
    assert last.endswith("导出，用途：核对")
    imp = upload(at(boss), content, "导出.csv", mode="both")
    if imp.state == "mapping":
        chosen = {f"column-{c}": p for c, p in imp.mapping.items()}
        imp = do(at(boss), imp, "columns", mode="both", **chosen)
    assert counts(imp) == {"new": 0, "update": 0, "skip": 2, "bad": 0}


def test_a_printed_list_says_its_purpose_and_a_long_one_is_an_export(team):
    rep = team["rep"]
    many(rep, 301)
    desk = at(rep)
    refused = desk.post("/print/list/", {"kind": KIND})
    assert refused.status_code == 422
    assert "客户清单要写打印的用途" in text(refused)
    assert "超过 300 家的清单不直接打印" in text(desk.post("/print/list/", {"kind": KIND, "purpose": "拜访"}))
    given = {"kind": KIND, "purpose": "拜访", "q": "q=KH91"}
    Customer.objects.filter(owner=rep).exclude(number__startswith="KH91").delete()
    assert desk.post("/print/list/", given)["Content-Type"] == "application/pdf"
    assert Run.objects.get(action="print.list").params["purpose"] == "拜访"


def test_who_may_not_see_a_kind_cannot_export_it_and_what_is_no_secret_needs_no_purpose(team):
    outsider = factories.actor(position_=factories.position("仓库", exchange_export="all"))
    outcome = perform(requesting.create, by=outsider, rows=[{"kind": KIND, "purpose": "x"}])
    assert outcome.refused[0].field == "kind"
    keeper = factories.person(position_=factories.position("产品", catalog_view="all", **RIGHTS))
    factories.product()
    assert ask(keeper, kind="catalog.product").status_code == 302
    assert ExportRequest.objects.get().purpose == ""


def test_typed_words_are_not_kept_for_good(team):
    factories.customer(actor_of(team["rep"].pk), city="苏州市")
    assert ask(team["rep"], purpose="拜访", q="q=潘建国&f=city%3Ahas%3A苏州").status_code == 302
    kept = ExportRequest.objects.get()
    assert "潘建国" not in kept.filter
    assert kept.filter.startswith("搜索；")
    assert "苏州" in kept.filter


def test_ones_own_requests_are_seen_and_nobody_elses(team):
    mine = factories.export_request(actor_of(team["rep"].pk), purpose="寄样册")
    page = text(at(team["rep"]).get("/exchange/exportrequest/"))
    assert "寄样册" in page
    other = factories.person(position_=factories.rep_position("own", **RIGHTS))
    assert "寄样册" not in text(at(other).get("/exchange/exportrequest/"))
    assert at(other).get(f"/exchange/exportrequest/{mine.pk}/").status_code == 404
