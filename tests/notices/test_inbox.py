"""The inbox: told once, one's own only, read, counted, renewed without keeping a session alive."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from neiqin.kernel import clock
from neiqin.kernel.notices import tell
from neiqin.kernel.notices.models import Notice
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 2, 42, tzinfo=UTC)  # a Friday, 10:42 in Shanghai


@pytest.fixture(autouse=True)
def now(monkeypatch):
    moment = [NOW]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    return moment


@pytest.fixture
def ann():
    return factories.actor("林知夏")


def texts(person):
    return list(Notice.objects.filter(person_id=person.id).order_by("id").values_list("title", flat=True))


def test_everybody_named_is_told_once(ann):
    bob = factories.actor("周启明")
    assert tell.tell([ann.id, bob.id, ann.id, None], "订单 DD261120-0001 等你审核") == 2
    assert texts(ann) == texts(bob) == ["订单 DD261120-0001 等你审核"]


def test_the_same_key_is_told_to_a_person_once(ann):
    bob = factories.actor("周启明")
    assert tell.tell([ann.id], "到期", key="due-1") == 1
    assert tell.tell([ann.id, bob.id], "到期了", key="due-1") == 1
    assert texts(ann) == ["到期"]
    assert texts(bob) == ["到期了"]
    assert tell.tell([ann.id], "没有钥匙") + tell.tell([ann.id], "没有钥匙") == 2


def test_who_has_left_is_not_told():
    gone = factories.person("离职")
    type(gone).objects.filter(pk=gone.pk).update(left_on=NOW.date())
    assert tell.tell([gone.pk], "到期") == 0
    assert not Notice.objects.exists()


def test_a_rolled_back_transaction_has_told_nobody(ann):
    with transaction.atomic():
        tell.tell([ann.id], "到期")
        transaction.set_rollback(True)
    assert not Notice.objects.exists()


@pytest.mark.parametrize("url", ["https://example.com/", "//example.com/", "/\\example.com", "javascript:alert(1)"])
def test_an_address_outside_is_refused(ann, url):
    with pytest.raises(ValueError, match="no address of this system"):
        tell.tell([ann.id], "到期", url=url)


def test_an_unknown_kind_is_a_mistake(ann):
    with pytest.raises(KeyError):
        tell.tell([ann.id], "到期", kind="nobody.knows")


def test_texts_are_cut_and_kept_in_one_line(ann):
    tell.tell([ann.id], "长" * 300, "一\r\n二\0三")
    row = Notice.objects.get()
    assert row.title == "长" * 199 + "…"
    assert row.text == "一 二三"


def test_done_by_one_is_done_for_all(ann):
    bob = factories.actor("周启明")
    tell.tell([ann.id, bob.id], "等你审批", about=("customers.customer", 7))
    tell.tell([bob.id], "另一件", about=("customers.customer", 8))
    assert tell.done("customers.customer", [7]) == 2
    assert tell.unread(ann) == 0
    assert tell.unread(bob) == 1
    assert Notice.objects.filter(done_at=NOW, read_at=NOW).count() == 2


def test_opening_goes_to_the_record_and_marks_it_read(client, ann):
    tell.tell([ann.id], "到期", url="/customers/customer/7/")
    row = Notice.objects.get()
    desk = factories.sign_in(client, ann)
    assert desk.head(f"/notices/{row.pk}/").status_code == 302
    assert tell.unread(ann) == 1
    answer = desk.get(f"/notices/{row.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, "/customers/customer/7/")
    assert tell.unread(ann) == 0


def test_the_inbox_shows_days_and_only_ones_own(client, ann, now):
    bob = factories.actor("周启明")
    now[0] = NOW - timedelta(days=1)
    tell.tell([ann.id], "昨天的事")
    now[0] = NOW
    tell.tell([ann.id], "<b>今天</b>的事", "说明", urgent=True)
    tell.tell([bob.id], "别人的事")
    page = factories.sign_in(client, ann).get("/notices/").content.decode()
    assert page.index("今天</h2>") < page.index("11月19日</h2>")
    assert "&lt;b&gt;今天&lt;/b&gt;的事" in page
    assert "昨天的事" in page
    assert "紧急" in page
    assert "别人的事" not in page


def test_others_notices_are_not_there(client, ann):
    bob = factories.actor("周启明")
    tell.tell([bob.id], "别人的事")
    row, desk = Notice.objects.get(), factories.sign_in(client, ann)
    assert desk.get(f"/notices/{row.pk}/").status_code == 404
    desk.post("/notices/read/", {"id": row.pk})
    desk.post("/notices/read/", {"upto": row.pk})
    assert tell.unread(bob) == 1


def test_all_are_marked_up_to_what_the_page_showed(client, ann):
    tell.tell([ann.id], "一")
    upto = Notice.objects.get().pk
    tell.tell([ann.id], "二")
    desk = factories.sign_in(client, ann)
    desk.post("/notices/read/", {"upto": upto})
    assert Notice.objects.get(read_at=None).title == "二"
    page = desk.get("/notices/?show=all").content.decode()
    assert "一</a>" in page
    assert "二</a>" in page


def test_empty_inboxes_say_so_and_nobody_comes_in_unknown(client, ann):
    assert client.get("/notices/").status_code == 302
    assert "都看过了" in factories.sign_in(client, ann).get("/notices/").content.decode()


def test_older_ones_are_a_page_further(client, ann):
    tell.tell_each([tell.News(ann.id, f"第 {n} 条") for n in range(60)])
    desk = factories.sign_in(client, ann)
    page = desk.get("/notices/?show=all").content.decode()
    assert "第 59 条" in page
    assert "第 9 条" not in page
    older = page.split('href="?show=all&amp;before=')[1].split('"')[0]
    assert "第 9 条" in desk.get(f"/notices/?show=all&before={older}").content.decode()


def test_the_menu_counts_to_ninety_nine(client, ann):
    desk = factories.sign_in(client, ann)
    assert desk.get("/notices/count/").content == b""
    tell.tell_each([tell.News(ann.id, "一") for _ in range(150)])
    assert desk.get("/notices/count/").content == b"99+"
    assert 'data-renew="/notices/count/">99+</span>' in desk.get("/settings/").content.decode()


def test_a_page_that_asks_by_itself_does_not_keep_the_session_alive(client, ann, now, settings):
    desk = factories.sign_in(client, ann)
    desk.get("/notices/")
    for _ in range(31):
        now[0] += timedelta(minutes=1)
        answer = desk.get("/notices/count/", headers={"X-By-Itself": "1"})
    assert answer.status_code == 302
    assert desk.get("/notices/").status_code == 302
