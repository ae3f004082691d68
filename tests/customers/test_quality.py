"""Files entered in time (C-CUS-03), complete and looked at again (C-CUS-04), with licences in force (C-CUS-16)."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.rules.models import Table
from neiqin.modules.customers import actions, quality
from neiqin.modules.customers.models import Customer
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/customers/customer/"
FRIDAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def friday(monkeypatch):
    return at(monkeypatch, FRIDAY)


def at(monkeypatch, day):
    """Let it be ten o'clock of this day."""
    monkeypatch.setattr(
        clock, "now", lambda: datetime(day.year, day.month, day.day, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
    )


@pytest.fixture
def rep():
    return factories.person("周启明")


@pytest.fixture
def desk(client, rep):
    return factories.sign_in(client, rep)


def form(**values):
    return {
        "name": "澄江精密机械（昆山）有限公司",
        "contacts-0-name": "潘工",
        "contacts-0-mobile": "13800138000",
    } | values


@pytest.mark.clause("C-CUS-03")
def test_a_customer_heard_of_five_days_ago_is_saved_as_late_and_stands_in_the_list_of_its_person(desk, rep):
    assert quality.days("录入") == [1]
    desk.post(f"{LIST}new/", form(obtained_on="2026-11-15"))
    desk.post(f"{LIST}new/", form(name="苏州恒昌电气有限公司", obtained_on="2026-11-19"))
    late, timely = Customer.objects.order_by("id")
    assert (late.late, late.obtained_on, late.entered_by_id) == (True, date(2026, 11, 15), rep.pk)
    assert (timely.late, timely.obtained_on) == (False, date(2026, 11, 19))
    assert "迟录" in desk.get(f"{LIST}{late.pk}/").content.decode()

    page = desk.get("/customers/quality/").content.decode()
    assert "周启明" in page
    (link,) = re.findall(r'href="([^"]*late%3Ais[^"]*)"', page)
    rows = desk.get(link.replace("&amp;", "&")).content.decode()
    assert late.number in rows
    assert timely.number not in rows


def test_a_customer_heard_of_on_friday_is_in_time_on_monday_and_late_on_tuesday(monkeypatch):
    for day, expected in ((date(2026, 11, 23), False), (date(2026, 11, 24), True)):
        at(monkeypatch, day)
        assert factories.customer(obtained_on="2026-11-20").late is expected


def test_what_is_yet_to_be_heard_of_is_refused_and_the_day_is_not_mended_afterwards(desk):
    answer = desk.post(f"{LIST}new/", form(obtained_on="2026-11-21"))
    assert "「获得日期」还没有到" in answer.content.decode()
    assert not Customer.objects.exists()
    desk.post(f"{LIST}new/", form(obtained_on="2026-11-10"))
    customer = Customer.objects.get()
    url = f"{LIST}{customer.pk}/edit/"
    assert 'name="obtained_on"' not in desk.get(url).content.decode()
    desk.post(url, {"version": "1", "partial": "1", "obtained_on": "2026-11-20", "city": "昆山"})
    customer.refresh_from_db()
    assert (customer.city, customer.obtained_on, customer.late) == ("昆山", date(2026, 11, 10), True)


@pytest.mark.clause("C-CUS-04")
def test_a_general_file_confirmed_91_days_ago_is_a_thing_to_do_until_it_is_confirmed_unchanged(desk, rep, monkeypatch):
    assert quality.days("一般客户核对") == [90]
    today = FRIDAY
    at(monkeypatch, today - timedelta(days=91))
    due = factories.customer(factories.actors_of(rep.pk), name="苏州恒昌电气有限公司")
    at(monkeypatch, today - timedelta(days=89))
    factories.customer(factories.actors_of(rep.pk), name="无锡新远水泵有限公司")
    Customer.objects.update(level="ordinary")
    at(monkeypatch, today)

    home = desk.get("/").content.decode()
    assert "1 家一般客户超过 90 天没有核对" in home
    (link,) = re.findall(r'href="([^"]*reviewed_on[^"]*)"', home)
    rows = desk.get(link.replace("&amp;", "&")).content.decode()
    assert "苏州恒昌" in rows
    assert "无锡新远" not in rows

    desk.post(f"{LIST}{due.pk}/confirm_unchanged/", {})
    due.refresh_from_db()
    assert (due.reviewed_on, due.version) == (today, 2)
    assert "没有核对" not in desk.get("/").content.decode()
    assert "确认无变化" in desk.get(f"{LIST}{due.pk}/").content.decode()


@pytest.mark.clause("C-CUS-04")
def test_clearing_the_business_scope_lowers_the_percentage_by_its_weight_and_names_the_gap(desk, rep):
    customer = factories.customer(
        factories.actors_of(rep.pk), business_scope="精密机械加工", industry="机床", addresses=[{"street": "星湖街"}]
    )
    weight = quality.weights()["business_scope"]
    assert (customer.completeness, weight) == (30, 10)
    url = f"{LIST}{customer.pk}/"
    assert f'href="{url}edit/#f-business_scope"' not in desk.get(url).content.decode()
    desk.post(f"{url}edit/", {"version": "1", "partial": "1", "business_scope": ""})
    customer.refresh_from_db()
    assert customer.completeness == 30 - weight
    page = desk.get(url).content.decode()
    assert f'href="{url}edit/#f-business_scope"' in page
    assert "完整度 20%" in page

    quality_page = desk.get("/customers/quality/").content.decode()
    assert "20%" in quality_page, "the average of the owner's one file"


def test_the_weights_are_a_table_that_people_change(rep):
    customer = factories.customer(factories.actors_of(rep.pk), business_scope="精密机械加工")
    assert customer.completeness == 10
    version = Table.objects.get(code="customers.completeness").versions.get()
    type(version).objects.filter(pk=version.pk).update(rows=[["经营范围", "1"], ["备注", "3"], ["其他", "0"]])
    from neiqin.kernel.rules import decide

    decide._kept.clear()
    perform(actions.confirm_unchanged, [customer.pk], by=SYSTEM)
    decide._kept.clear()
    customer.refresh_from_db()
    assert customer.completeness == 25


def test_a_licence_that_ends_within_30_days_is_a_thing_to_do_and_in_the_list(desk, rep):
    mine = factories.actors_of(rep.pk)
    one = {"kind": "business", "number": "91320594MA1AB2CD3G"}
    factories.customer(mine, name="苏州恒昌电气有限公司", licences=[one | {"expires_on": "2026-12-20"}])
    factories.customer(mine, name="无锡新远水泵有限公司", licences=[one | {"expires_on": "2026-12-21"}])
    factories.customer(mine, name="昆山瑞拓传动有限公司", licences=[one | {"permanent": True}])
    home = desk.get("/").content.decode()
    assert "1 家客户的证照 30 天内到期或已过期" in home
    (link,) = re.findall(r'href="([^"]*licence_until[^"]*)"', home)
    rows = desk.get(link.replace("&amp;", "&")).content.decode()
    assert "苏州恒昌" in rows
    assert "无锡新远" not in rows
    assert "昆山瑞拓" not in rows


def test_an_expired_licence_stands_on_the_page_and_goes_with_its_renewal(desk, rep):
    licence = {"kind": "permit", "number": "苏-001", "expires_on": "2026-11-19"}
    customer = factories.customer(factories.actors_of(rep.pk), licences=[licence])
    url = f"{LIST}{customer.pk}/"
    assert "经营许可证 苏-001 已在 2026-11-19 过期" in desk.get(url).content.decode()
    row = customer.licences.get()
    changed = {"version": "1", "partial": "1", "licences-0-id": row.pk, "licences-0-expires_on": "2029-11-19"}
    desk.post(f"{url}edit/", changed | {"licences-0-kind": "permit", "licences-0-number": "苏-001"})
    customer.refresh_from_db()
    assert customer.licence_until == date(2029, 11, 19)
    assert "过期" not in desk.get(url).content.decode()


def test_a_licence_ends_on_a_day_or_never(desk):
    line = {"licences-0-kind": "business", "licences-0-number": "1"}
    answer = desk.post(f"{LIST}new/", form(**line))
    assert "「证照第 1 行」没有写有效期至，长期有效就选长期。" in answer.content.decode()
    assert not Customer.objects.exists()
    desk.post(f"{LIST}new/", form(**line, **{"licences-0-expires_on": "2029-01-01", "licences-0-permanent": "on"}))
    assert Customer.objects.get().licences.get().permanent is False
