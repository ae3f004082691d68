"""Lists go out whole, within the person's rights, told in the log, and nothing in them is alive."""

import io

import pytest
from django.test import Client
from python_calamine import load_workbook

from neiqin.kernel.actions.models import Run
from neiqin.kernel.exchange import exporting
from neiqin.kernel.exchange.models import Export
from neiqin.kernel.files.models import StoredFile
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.people.models import Grant
from tests import factories
from tests.exchange.test_import import folder  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

RIGHTS = {"exchange_export": "all"}
FORMULA = "=cmd|'/C calc'!A0"


@pytest.fixture
def clerk():
    return factories.person("林知夏", position_=factories.rep_position("own", **RIGHTS))


@pytest.fixture
def web(clerk):
    return factories.sign_in(Client(), clerk)


def export(web, query="", **given) -> Export:
    data = {"kind": "customers.customer", "q": query, "width": "shown", "format": "xlsx", "purpose": "核对地址"} | given
    answer = web.post("/exports/new/", data)
    assert answer.status_code == 302, answer.content.decode()
    drain()
    return Export.objects.order_by("-id").first()


def body(web, made: Export) -> bytes:
    answer = web.get(f"/exports/{made.pk}/file/")
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment")
    return b"".join(answer.streaming_content)


def sheets(content: bytes) -> dict[str, list[list[object]]]:
    book = load_workbook(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def make(clerk, *names: str, **values) -> None:
    for name in names:
        factories.customer(factories.actors_of(clerk.pk), name, **values)


def test_a_filtered_list_goes_out_with_what_it_is(web, clerk):
    make(clerk, "苏州恒瑞精密机械有限公司", "苏州长虹电气有限公司", city="苏州市")
    make(clerk, "无锡梁清水泵制造有限公司", city="无锡市")
    factories.customer(name="别人的客户有限公司", city="苏州市")
    made = export(web, "f=city%3Ahas%3A苏州&sort=number")
    assert (made.state, made.done) == ("done", 2)
    found = sheets(body(web, made))
    first = next(iter(found.values()))
    names = first[0].index("客户名称")
    assert [row[names] for row in first[1:]] == ["苏州恒瑞精密机械有限公司", "苏州长虹电气有限公司"]
    about = {row[0]: row[1] for row in found["说明"]}
    assert about["导出人"] == "林知夏"
    assert "苏州" in about["筛选"]
    assert about["行数"] == "2 行"
    (run,) = Run.objects.filter(action="export")
    assert (run.person_id, run.params["rows"], run.params["kind"]) == (clerk.pk, 2, "customers.customer")


def test_phones_go_out_masked_with_a_purpose_and_in_full_only_by_right(web, clerk):
    make(clerk, "苏州恒瑞精密机械有限公司")
    data = {"kind": "customers.customer", "q": "", "width": "lines", "format": "csv"}
    assert web.post("/exports/new/", data).status_code == 422
    made = export(web, width="lines", format="csv", purpose="寄样品", full="1")
    text = body(web, made).decode("utf-8-sig")
    assert "138****8000" in text
    assert "13800138000" not in text

    boss = factories.person("方静仪", position_=factories.rep_position("all", exchange_personal="all", **RIGHTS))
    desk = factories.sign_in(Client(), boss)
    made = export(desk, width="lines", format="csv", purpose="寄样品", full="1")
    content = body(desk, made)
    assert content.startswith(b"\xef\xbb\xbf")
    assert "13800138000" in content.decode("utf-8-sig")
    last = Run.objects.filter(action="export").order_by("-id").first()
    assert (last.params["purpose"], last.params["personal"]) == ("寄样品", "完整")


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_what_looks_like_a_formula_comes_back_dead(web, clerk, form):
    make(clerk, "苏州恒瑞精密机械有限公司", city=FORMULA)
    content = body(web, export(web, format=form))
    if form == "csv":
        assert f"\"'{FORMULA}" in content.decode("utf-8-sig") or f"'{FORMULA}" in content.decode("utf-8-sig")
        assert f",{FORMULA}" not in content.decode("utf-8-sig")
    else:
        import zipfile

        with zipfile.ZipFile(io.BytesIO(content)) as book:
            assert not [n for n in book.namelist() if b"<f>" in book.read(n)]
        assert any(FORMULA in row for row in next(iter(sheets(content).values())))


def test_fields_without_the_right_are_not_there(clerk):
    reader = factories.person(
        position_=factories.position("仓库", customers_view="all", customers_contacts="all", **RIGHTS)
    )
    make(clerk, "苏州恒瑞精密机械有限公司", credit_limit="98765.00")
    desk = factories.sign_in(Client(), reader)
    text = body(desk, export(desk, width="all", format="csv")).decode("utf-8-sig")
    assert "信用额度" not in text
    assert "98765" not in text


def test_more_rows_than_a_page_come_once_and_in_order(web, clerk, monkeypatch):
    monkeypatch.setattr(exporting, "PAGE", 3)
    for n in range(10):
        make(clerk, f"苏州{'甲乙丙丁戊己庚辛壬癸'[n]}精密机械有限公司")
    made = export(web, "sort=number", format="csv")
    lines = body(web, made).decode("utf-8-sig").splitlines()
    numbers = [line.split(",")[0] for line in lines[1:-1]]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 10


def test_an_export_is_ones_own_and_ends_after_a_week(web, clerk):
    from datetime import timedelta

    make(clerk, "苏州恒瑞精密机械有限公司")
    made = export(web)
    other = factories.sign_in(Client(), factories.person("郑可", position_=factories.rep_position("all", **RIGHTS)))
    assert other.get(f"/exports/{made.pk}/file/").status_code == 404
    without = factories.sign_in(Client(), factories.person("何雨桐"))
    assert without.post("/exports/new/", {"kind": "customers.customer"}).status_code == 403
    Export.objects.filter(pk=made.pk).update(created_at=made.created_at - timedelta(days=8))
    exporting.tidy()
    assert not Export.objects.exists()
    assert not StoredFile.objects.exists()


def test_a_file_changed_on_disk_is_not_given_out(web, clerk, settings):
    make(clerk, "苏州恒瑞精密机械有限公司")
    made = export(web)
    path = next(p for p in settings.FILES.rglob("*") if p.is_file())
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    answer = web.get(f"/exports/{made.pk}/file/")
    assert answer.status_code == 302
    assert "已损坏" in web.get("/exports/").content.decode()


def test_what_went_out_comes_in_again_and_changes_nothing(clerk):
    boss = factories.person(
        "方静仪", position_=factories.rep_position("all", exchange_personal="all", exchange_import="all", **RIGHTS)
    )
    make(clerk, "苏州恒瑞精密机械有限公司", "无锡梁清水泵制造有限公司", city="苏州市")
    desk = factories.sign_in(Client(), boss)
    content = body(desk, export(desk, width="lines", purpose="核对", full="1"))
    from tests.exchange.test_import import counts, do, upload

    imp = upload(desk, content, "导出.xlsx", mode="both")
    if imp.state == "mapping":
        chosen = {f"column-{c}": p for c, p in imp.mapping.items()}
        imp = do(desk, imp, "columns", mode="both", **chosen)
    assert counts(imp) == {"new": 0, "update": 0, "skip": 2, "bad": 0}


def test_a_file_is_not_given_out_to_who_has_lost_the_right_to_what_is_in_it(web, clerk):
    make(clerk, "苏州恒瑞精密机械有限公司")
    made = export(web)
    assert web.get(f"/exports/{made.pk}/file/").status_code == 200
    Grant.objects.filter(permission="customers.view").delete()
    assert web.get(f"/exports/{made.pk}/file/").status_code == 404


def test_a_phone_that_was_searched_for_stays_neither_in_the_log_nor_in_the_export(web, clerk):
    make(clerk, "苏州恒瑞精密机械有限公司")
    made = export(web, "q=138 0013 8000")
    assert made.done == 1
    (run,) = Run.objects.filter(action="export")
    assert run.params["filter"] == "搜「****8000」"
    assert "0013" not in made.query
