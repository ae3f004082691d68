"""The audit log: everything is in it, in words; searched and paged by keyset; masked for whoever may not see."""

import re
from datetime import timedelta

import pytest
from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.resources import log, told
from neiqin.modules.customers import actions
from tests import factories

TODAY = clock.today()


def rows(page):
    """The rows of a log page as plain text, changes included."""
    bodies = re.findall(r"<tbody>(.*?)</tbody>", page.text, re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).strip() for body in bodies]


@pytest.fixture
def read(office, client):
    """A function that reads the log as the auditor, or as somebody else."""

    def get(query="", who=None):
        factories.sign_in(client, who or office.auditor)
        return rows(client.get(f"/log/{query}"))

    return get


def test_old_and_new_value_who_when_and_from_where(office, read):
    record = factories.customer(office.as_ann, "无锡梁清水泵制造有限公司", credit_limit="100000")
    perform(
        actions.edit,
        [record.pk],
        by=office.as_ann,
        params={"credit_limit": "120000.50"},
        source="api",
        address="10.2.0.17",
    )
    row = read("?action=customers.customer.edit")[0]
    for part in (
        "周启明",
        "修改客户",
        f"{record.number} 无锡梁清水泵制造有限公司",
        "信用额度 100,000.00 → 120,000.50",
        "接口",
        "10.2.0.17",
    ):
        assert part in row


def test_who_may_not_see_the_record_reads_that_something_changed_not_what(office, read):
    record = factories.customer(office.as_ann, "无锡梁清水泵制造有限公司", credit_limit="100000")
    perform(actions.edit, [record.pk], by=office.as_ann, params={"credit_limit": "120000"})
    row = read("?action=customers.customer.edit", office.blind)[0]
    assert f"客户 #{record.pk}" in row
    assert "信用额度 （内容不给看）" in row
    assert "120" not in row.replace(f"#{record.pk}", "")
    assert "梁清" not in row


def test_a_field_right_that_is_missing_hides_the_values(office, read):
    record = factories.customer(office.as_ann, "无锡梁清水泵制造有限公司", credit_limit="100000", city="苏州")
    perform(actions.edit, [record.pk], by=office.as_ann, params={"credit_limit": "120000", "city": "昆山"})
    reader = factories.person(
        "任天翔", position_=factories.position("稽核", audit_view="all", customers_view="all", customers_contacts="all")
    )
    row = read("?action=customers.customer.edit", reader)[0]
    assert "城市 苏州 → 昆山" in row
    assert "信用额度 （内容不给看）" in row


def test_personal_values_never_appear(office, read):
    record = factories.customer(office.as_ann)
    contact = record.contacts.get()
    perform(
        actions.edit, [record.pk], by=office.as_ann, params={"contacts": [{"id": contact.pk, "mobile": "13912345678"}]}
    )
    page = " ".join(read())
    assert "联系人 手机 •••• → ••••" in page
    assert "13912345678" not in page
    assert "13800138000" not in page


def test_logins_failures_refusals_exports_direct_edits_and_rights_are_there(office, read, client):
    record = factories.customer(office.as_ann)
    client.post("/login/", {"login": "nobody@home", "password": "x"})
    login = factories.login_of(office.ann)
    login.set_password("Wuxi-2026-beng")
    login.save()
    client.post("/login/", {"login": login.username, "password": "no"})
    client.post("/login/", {"login": login.username, "password": "Wuxi-2026-beng"})
    client.get("/people/rights/")
    history.note("export", by=office.as_ann, source="web", params={"kind": "customers"})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_customer SET city = '昆山' WHERE id = %s", [record.pk])
    page = read()
    starts = [re.sub(r"^\S+ ", "", row) for row in page]
    assert any(row.startswith("系统 登录失败 账号 nobody@home 网页") for row in starts)
    for label in ("登录失败", "登录", "被拒绝：打开不能看的页面 /people/rights/", "导出"):
        assert any(row.startswith(f"周启明 {label}") for row in starts), label
    assert any("直接改了数据库" in row and "城市" in row and "昆山" in row and "数据库账号" in row for row in starts)


def test_search_by_person_source_and_words(office, read):
    one = factories.customer(office.as_ann, "澄江精密机械（昆山）有限公司")
    two = factories.customer(office.as_ann, "无锡梁清水泵制造有限公司")
    for record in (one, two):
        perform(actions.deactivate, [record.pk], by=office.as_ann, params={"reason": "关厂"}, source="web")
    assert [("停用" in row, "澄江" in row) for row in read("?q=澄江精密&source=web")] == [(True, True)]
    assert len(read(f"?q={two.number}")) == 2
    assert len(read(f"?who={office.ann.pk}&action=customers.customer.deactivate")) == 2
    assert read("?q=没有这家") == []
    assert "关厂" in read("?action=customers.customer.deactivate")[0]


def test_search_by_days(office, read):
    factories.customer(office.as_ann)
    here = f"?action=customers.customer.create&since={TODAY}&until={TODAY}"
    assert len(read(here)) == 1
    before, after = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
    assert read(f"?action=customers.customer.create&until={before}") == []
    assert read(f"?action=customers.customer.create&since={after}") == []
    assert len(read("?action=customers.customer.create&since=nonsense")) == 1


def test_pages_go_older_and_newer_without_gap_or_double(office, client):
    for n in range(120):
        history.note("export", by=office.as_ann, source="web", params={"kind": str(n)})
    search, seen = log.Search(action="export"), []
    while True:
        runs, _, older = log.page_of(search, office.as_ann)
        seen.append([r.pk for r in runs])
        if not older:
            break
        search = log.Search(action="export", before=runs[-1].pk)
    assert [len(page) for page in seen] == [50, 50, 20]
    flat = [i for page in seen for i in page]
    assert flat == sorted(set(flat), reverse=True)
    back, newer, older = log.page_of(log.Search(action="export", after=seen[2][0]), office.as_ann)
    assert ([r.pk for r in back], newer, older) == (seen[1], True, True)
    first, newer, _ = log.page_of(log.Search(action="export", after=seen[1][0]), office.as_ann)
    assert ([r.pk for r in first], newer) == (seen[0], False)


def test_a_run_over_many_records_is_one_short_row_and_a_page_of_its_own(office, client, read):
    made = [factories.customer(office.as_ann, f"无锡第{n}水泵制造有限公司") for n in range(20)]
    outcome = perform(actions.deactivate, [c.pk for c in made], by=office.as_ann, params={"reason": "关厂"})
    row = read("?action=customers.customer.deactivate")[0]
    assert "等 20 条" in row
    assert row.count("在用 → 停用") == told.CHANGES
    whole = client.get(f"/log/{outcome.run}/").text
    assert whole.count("<s>在用</s>") == 20


def test_the_number_of_queries_does_not_grow_with_the_rows(office, client, django_assert_max_num_queries):
    factories.sign_in(client, office.auditor)
    client.get("/log/")
    for _ in range(30):
        record = factories.customer(office.as_ann)
        perform(actions.edit, [record.pk], by=office.as_ann, params={"city": "昆山"})
    with django_assert_max_num_queries(24):
        assert len(rows(client.get("/log/"))) == log.SIZE


@pytest.mark.parametrize(
    "query", ["?q=%00", "?who=99999999999999999999", "?before=-1", "?since=0000-00-00", "?q=" + "x" * 5000]
)
def test_nonsense_in_the_address_is_no_error(office, client, query):
    factories.sign_in(client, office.auditor)
    assert client.get(f"/log/{query}").status_code == 200


def test_the_log_needs_the_right(office, client):
    assert client.get("/log/").status_code == 302
    factories.sign_in(client, office.ann)
    assert client.get("/log/").status_code == 403
    assert client.get("/log/1/").status_code == 403
    factories.sign_in(client, office.auditor)
    assert client.get("/log/999999999/").status_code == 404
