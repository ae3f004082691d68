"""Outside contacts: a GET never decides, one identity, links that end, codes that lock, answers taken down once."""

import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Change, Event, Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.guests import asks, limits, redact
from neiqin.kernel.guests.models import Door, Guest, Invitation, Knock
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.personal.keys import erase
from neiqin.modules.customers.models import Contact
from tests import factories
from tests.stranger.models import Sample

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 2, 42, tzinfo=UTC)
RIGHTS = {f"stranger_{r}": "own" for r in ("view", "create", "edit")} | {"guests_invite": "all"}
OK, WRONG = {"choice": "ok"}, {"choice": "wrong", "text": "少一件"}


@pytest.fixture(autouse=True)
def now(monkeypatch):
    moment = [NOW]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    return moment


@pytest.fixture
def owner():
    return factories.actor("周启明", position_=factories.rep_position(**RIGHTS))


def sample_of(owner, name="轴承 6204"):
    return Sample.objects.create(name=name, owner_id=owner.id, unit_id=owner.unit_id, quantity=2, **factories.stamps())


@pytest.fixture
def sample(owner):
    return sample_of(owner)


@pytest.fixture
def contact(owner):
    customer = factories.customer(owner, contacts=[{"name": n, "mobile": "13800138000"} for n in ("潘建国", "李敏")])
    return next(c for c in customer.contacts.all() if factories.names_of(c) == ["潘建国"])


@pytest.fixture
def desk(owner):
    return factories.sign_in(Client(), owner)


@pytest.fixture
def guest():
    return Client(enforce_csrf_checks=False)


class Asked:
    """What the dialog showed: the link's path and the code."""

    def __init__(self, answer):
        page = answer.content.decode()
        assert answer.status_code == 200, page
        self.path = re.search(r"http://testserver(/g/[\w-]+/)", page).group(1)
        found = re.search(r'<code class="code">(\d{6})</code>', page)
        self.code = found.group(1) if found else ""
        self.row = Invitation.objects.latest("id")


def ask(desk, sample, contact, *, code=False, name="stranger.confirm", **more):
    given = {"ask": name, "contact": f"customers.contact:{contact.pk}", "days": "7"} | more
    given |= {"with_code": "1"} if code else {}
    return Asked(desk.post(f"/guests/stranger.sample/{sample.pk}/invite/", given))


def text(answer):
    return answer.content.decode()


def nothing_decided(asked):
    row = Invitation.objects.get(pk=asked.row.pk)
    return row.answered_at is None and row.choice == ""


# Showing and answering


def test_the_page_shows_what_the_ask_shows_and_nothing_of_the_house(desk, sample, contact, guest):
    asked = ask(desk, sample, contact)
    answer = guest.get(asked.path)
    page = text(answer)
    assert answer.status_code == 200
    assert "确认样品：轴承 6204" in page
    assert "潘建国，您好" in page
    assert 'class="side"' not in page
    assert "neiqin" not in answer.cookies
    assert answer["X-Robots-Tag"].startswith("noindex")
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete"])
def test_nothing_but_a_post_decides(desk, sample, contact, guest, method):
    asked = ask(desk, sample, contact)
    before = Run.objects.count()
    for query in ("", "?choice=ok", "?choice=ok&do=answer"):
        getattr(guest, method)(asked.path + query, headers={"Purpose": "prefetch", "Sec-Purpose": "prefetch"})
    assert nothing_decided(asked)
    assert Run.objects.count() == before
    assert Door.objects.get(invitation=asked.row).opened_at is None


def test_opening_is_noted_once(desk, sample, contact, guest, now):
    asked = ask(desk, sample, contact)
    guest.get(asked.path)
    now[0] += timedelta(hours=1)
    guest.get(asked.path)
    assert Door.objects.get(invitation=asked.row).opened_at == NOW


def test_an_answer_is_taken_down_acts_and_is_told(desk, sample, contact, guest, owner):
    asked = ask(desk, sample, contact)
    answer = guest.post(asked.path, WRONG, REMOTE_ADDR="192.0.2.7")
    assert (answer.status_code, answer["Location"]) == (302, asked.path)
    row = Invitation.objects.get(pk=asked.row.pk)
    assert (row.answered_at, row.choice) == (NOW, "wrong")
    assert open_columns([row], ["text"]) == [{"text": "少一件"}]
    page = text(guest.get(asked.path))
    assert "有出入" in page
    assert "少一件" in page
    assert "10:42" in page
    assert 'type="radio"' not in page
    run = Run.objects.get(action="stranger.sample.answer_stranger_confirm")
    assert (run.person_id, run.source, run.address) == (None, "guest", "192.0.2.7")
    assert run.params == {"invitation": row.pk, "guest": row.guest_id, "choice": "wrong"}
    event = Event.objects.get(run_id=run.pk)
    assert event.data["words"] == "客户回复「确认样品」：有出入"
    notice = Notice.objects.get(person_id=owner.id)
    assert notice.title == "确认样品：轴承 6204，客户回复「有出入」"
    assert (notice.text, notice.url) == ("带说明，打开看。", f"/stranger/sample/{sample.pk}/")


def test_the_record_is_changed_by_what_the_ask_says(desk, sample, contact, guest):
    guest.post(ask(desk, sample, contact).path, OK)
    sample.refresh_from_db()
    assert (sample.back_on, sample.version) == (clock.today(), 2)
    guest.post(ask(desk, sample, contact, name="stranger.return").path, {"choice": "yes"})
    sample.refresh_from_db()
    assert sample.version == 2


def test_a_second_answer_changes_nothing(desk, sample, contact, guest):
    asked = ask(desk, sample, contact)
    guest.post(asked.path, OK)
    before = Run.objects.count()
    for given in (OK, WRONG):
        assert guest.post(asked.path, given).status_code == 302
    assert Invitation.objects.get(pk=asked.row.pk).choice == "ok"
    assert Run.objects.count() == before
    again = asks.ASKS["stranger.confirm"].verbs["answer"]
    params = {"invitation": asked.row.pk, "guest": asked.row.guest_id, "choice": "wrong", "text": "x"}
    perform(again, [sample.pk], by=SYSTEM, params=params)
    assert Invitation.objects.get(pk=asked.row.pk).choice == "ok"
    assert Notice.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "请先选一项"),
        ({"choice": "explode"}, "请先选一项"),
        ({"choice": "wrong", "text": "  "}, "请写一下说明"),
        ({"choice": "wrong", "text": "长" * 1001}, "最多 1000 个"),
        ({"choice": "wrong", "text": "a\0b"}, "空字符"),
    ],
)
def test_half_an_answer_is_asked_again_and_kept(desk, sample, contact, guest, given, said):
    asked = ask(desk, sample, contact)
    answer = guest.post(asked.path, given)
    assert answer.status_code == 422
    assert said in text(answer)
    assert nothing_decided(asked)


def test_hostile_text_stays_text_everywhere(desk, sample, contact, guest):
    asked = ask(desk, sample, contact)
    guest.post(asked.path, {"choice": "wrong", "text": "<script>alert(1)</script>\n{{ 7*7 }}"})
    for page in (text(guest.get(asked.path)), text(desk.get(f"/stranger/sample/{sample.pk}/"))):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;\n{{ 7*7 }}" in page


def test_a_foreign_page_cannot_post(desk, sample, contact):
    asked = ask(desk, sample, contact)
    assert Client(enforce_csrf_checks=True).post(asked.path, OK).status_code == 403
    assert nothing_decided(asked)


# Links that are none any more


@pytest.mark.parametrize("path", ["/g/x/", "/g/" + "a" * 32 + "/", "/g/" + "b" * 500 + "/", "/g/" + "a" * 32 + "/1/"])
def test_unknown_links_all_look_the_same(guest, desk, sample, contact, path):
    ask(desk, sample, contact)
    answer = guest.get(path)
    assert answer.status_code == 404
    assert "没有这个链接" in text(answer)
    assert text(answer) == text(guest.get("/g/whatever-it-is/"))


def test_an_expired_link_says_so_and_shows_nothing_else(desk, sample, contact, guest, now):
    asked = ask(desk, sample, contact)
    now[0] += timedelta(days=7)
    for answer in (guest.get(asked.path), guest.post(asked.path, OK)):
        assert answer.status_code == 410
        assert "这个链接 11-27 已失效，请联系周启明。" in text(answer)
        assert "轴承" not in text(answer)
        assert "潘" not in text(answer)
    assert nothing_decided(asked)


def test_a_revoked_link_is_dead_at_once(desk, sample, contact, guest):
    asked = ask(desk, sample, contact)
    answer = desk.post(f"/guests/stranger.sample/{sample.pk}/revoke/", {"invitation": asked.row.pk})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/stranger/sample/{sample.pk}/")
    assert guest.get(asked.path).status_code == 410
    assert guest.post(asked.path, OK).status_code == 410
    assert nothing_decided(asked)


def test_after_the_link_ran_out_an_answer_stays_readable_and_the_record_does_not(desk, sample, contact, guest, now):
    asked = ask(desk, sample, contact)
    guest.post(asked.path, OK)
    now[0] += timedelta(days=30)
    answer = guest.get(asked.path)
    assert answer.status_code == 200
    assert "您的回复" in text(answer)
    assert "轴承" not in text(answer)


def test_what_was_never_offered_is_not_taken_down(desk, sample, contact):
    asked = ask(desk, sample, contact)
    given = {"invitation": asked.row.pk, "guest": asked.row.guest_id, "choice": "explode"}
    outcome = perform(asks.ASKS["stranger.confirm"].verbs["answer"], [sample.pk], by=SYSTEM, params=given)
    assert list(outcome.refused) == [sample.pk]
    assert nothing_decided(asked)


def test_a_new_link_takes_the_place_of_the_old_one(desk, sample, contact, guest):
    old, new = ask(desk, sample, contact), ask(desk, sample, contact)
    assert guest.get(old.path).status_code == 410
    assert guest.get(new.path).status_code == 200
    assert old.row.guest_id == new.row.guest_id


def test_who_is_no_contact_any_more_has_no_access(desk, sample, contact, guest):
    asked = ask(desk, sample, contact)
    Contact.objects.filter(pk=contact.pk).delete()
    assert guest.get(asked.path).status_code == 410
    assert guest.post(asked.path, OK).status_code == 410
    assert nothing_decided(asked)


def test_a_deleted_record_ends_its_links(desk, sample, contact, guest):
    asked = ask(desk, sample, contact)
    Sample.objects.filter(pk=sample.pk).delete()
    assert guest.get(asked.path).status_code == 410


def test_an_erased_person_leaves_no_name_and_cannot_answer(desk, sample, contact, guest):
    asked = ask(desk, sample, contact)
    erase([contact.subject])
    page = text(guest.get(asked.path))
    assert "潘建国" not in page
    assert guest.post(asked.path, WRONG).status_code == 409
    assert nothing_decided(asked)
    assert "（已抹去）" in text(desk.get(f"/stranger/sample/{sample.pk}/"))


# Codes


def test_with_a_code_nothing_is_shown_before_it(desk, sample, contact, guest):
    asked = ask(desk, sample, contact, code=True)
    page = text(guest.get(asked.path))
    assert "请输入验证码" in page
    assert "轴承" not in page
    assert "潘" not in page
    guest.post(asked.path, OK)
    assert nothing_decided(asked)
    assert guest.post(asked.path, {"code": asked.code}).status_code == 302
    assert "轴承" in text(guest.get(asked.path))
    assert guest.post(asked.path, OK).status_code == 302
    assert not nothing_decided(asked)


def test_another_browser_needs_the_code_again(desk, sample, contact, guest, now):
    asked = ask(desk, sample, contact, code=True)
    guest.post(asked.path, {"code": asked.code})
    assert "请输入验证码" in text(Client().get(asked.path))
    now[0] += timedelta(minutes=31)
    assert "请输入验证码" in text(guest.get(asked.path))


def test_five_wrong_codes_lock_the_link_for_the_right_one_too(desk, sample, contact, guest, now):
    asked = ask(desk, sample, contact, code=True)
    wrong = "000000" if asked.code != "000000" else "111111"
    said = [text(guest.post(asked.path, {"code": wrong})) for _ in range(5)]
    assert "还可以试 4 次" in said[0]
    assert "11:12 后再试" in said[4]
    assert "11:12 后再试" in text(guest.post(asked.path, {"code": asked.code}))
    assert Run.objects.filter(action="guest.locked").count() == 1
    now[0] += timedelta(minutes=31)
    assert guest.post(asked.path, {"code": asked.code}).status_code == 302


def test_only_hashes_are_kept(desk, sample, contact):
    asked = ask(desk, sample, contact, code=True)
    token = asked.path.split("/")[2]
    row = Invitation.objects.get(pk=asked.row.pk)
    assert len(token) == 32
    assert bytes(row.token_hash) == asks.token_hash(token)
    kept = str([r.params for r in Run.objects.all()]) + str([c.after for c in Change.objects.all()])
    kept += str([e.data for e in Event.objects.all()])
    assert token not in kept
    assert asked.code not in {row.code_hash.hex() if isinstance(row.code_hash, bytes) else ""}
    assert "潘建国" not in str([e.data for e in Event.objects.filter(model="stranger.sample")])


# Scope


def test_who_gave_a_code_sees_all_her_open_matters_and_answers_them(desk, owner, sample, contact, guest):
    other = sample_of(owner, "密封圈")
    first, second = ask(desk, sample, contact, code=True), ask(desk, other, contact)
    guest.post(first.path, {"code": first.code})
    page = text(guest.get(first.path))
    assert "还有 1 件等您回复" in page
    assert "密封圈" in page
    address = f"{first.path}{second.row.pk}/"
    assert address in page
    assert guest.post(address, OK).status_code == 302
    assert not nothing_decided(second)
    assert nothing_decided(first)
    assert "密封圈" not in text(guest.get(first.path))


def test_by_the_link_alone_only_that_matter(desk, owner, sample, contact, guest):
    other = sample_of(owner, "密封圈")
    first, second = ask(desk, sample, contact), ask(desk, other, contact)
    assert "密封圈" not in text(guest.get(first.path))
    assert guest.get(f"{first.path}{second.row.pk}/").status_code == 404
    assert guest.post(f"{first.path}{second.row.pk}/", OK).status_code == 404
    assert nothing_decided(second)


def test_a_guest_cannot_reach_anothers_matter_by_its_number(desk, owner, sample, contact, guest):
    li = next(c for c in Contact.objects.all() if factories.names_of(c) == ["李敏"])
    mine, hers = ask(desk, sample, contact, code=True), ask(desk, sample_of(owner, "密封圈"), li, code=True)
    guest.post(mine.path, {"code": mine.code})
    for number in (hers.row.pk, 0, 2**70):
        assert guest.get(f"{mine.path}{number}/").status_code == 404
        assert guest.post(f"{mine.path}{number}/", OK).status_code == 404
    assert nothing_decided(hers)
    assert "请输入验证码" in text(guest.get(hers.path))  # his code is not hers


# Too often


def test_guessing_links_ends_in_being_told_to_come_later(desk, sample, contact, guest, now):
    asked = ask(desk, sample, contact)
    codes = [guest.get(f"/g/guess-{n}/").status_code for n in range(limits.MOST_WRONG + 1)]
    assert codes == [404] * limits.MOST_WRONG + [429]
    assert guest.get(asked.path).status_code == 429
    assert guest.get(asked.path, REMOTE_ADDR="192.0.2.9").status_code == 200
    now[0] += timedelta(minutes=10)
    assert guest.get(asked.path).status_code == 200


def test_one_link_and_one_address_have_a_limit_a_minute(desk, sample, contact, guest, monkeypatch):
    asked = ask(desk, sample, contact)
    monkeypatch.setattr(limits, "MOST_LINK", 3)
    assert [guest.get(asked.path).status_code for _ in range(4)] == [200, 200, 200, 429]
    monkeypatch.setattr(limits, "MOST_PAGES", 4)
    assert guest.get(asked.path).status_code == 429
    assert Knock.objects.get(key="page 127.0.0.1").count == 5


def test_counts_are_thrown_away_after_a_day(guest, now):
    guest.get("/g/x-x-x-x-x/")
    now[0] += timedelta(days=2)
    limits.tidy()
    assert not Knock.objects.exists()


def test_the_log_does_not_name_links():
    record = logging.makeLogRecord({"msg": "Gone: %s", "args": ("/g/abcdefghijklmnop/12/",)})
    assert redact.WithoutTokens().filter(record)
    assert record.getMessage() == "Gone: /g/…/12/"


# The desk


def test_the_panel_tells_how_far_it_is(desk, sample, contact, guest):
    url = f"/stranger/sample/{sample.pk}/"
    assert "还没有请客户确认过" in text(desk.get(url))
    asked = ask(desk, sample, contact)
    guest.get(asked.path)
    page = text(desk.get(url))
    assert "确认样品，潘建国" in page
    assert "等客户" in page
    assert "打开过" in page
    assert "请客户潘*确认样品" in page  # the timeline
    guest.post(asked.path, WRONG)
    page = text(desk.get(url))
    assert "确认样品，潘建国：有出入" in page
    assert "少一件" in page
    assert "客户回复「确认样品」：有出入" in page


def test_the_dialog_offers_the_contacts_and_shows_the_link_once(desk, sample, contact):
    url = f"/guests/stranger.sample/{sample.pk}/invite/"
    page = text(desk.get(url))
    assert "潘建国" in page
    assert "李敏" in page
    made = desk.post(url, {"contact": f"customers.contact:{contact.pk}", "days": "3", "with_code": "1"})
    assert "data:image/svg+xml" in text(made)
    assert "周启明请您确认样品：http://testserver/g/" in text(made)
    assert Invitation.objects.get().expires_at == NOW + timedelta(days=3)
    assert "/g/" not in text(desk.get(f"/stranger/sample/{sample.pk}/"))


@pytest.mark.parametrize("wrong", [{"days": "0"}, {"days": "91"}, {"days": "x"}, {"contact": "customers.contact:0"}])
def test_a_wrong_invitation_is_refused(desk, sample, contact, wrong):
    given = {"contact": f"customers.contact:{contact.pk}", "days": "7"} | wrong
    assert desk.post(f"/guests/stranger.sample/{sample.pk}/invite/", given).status_code == 422
    assert not Invitation.objects.exists()
    assert not Guest.objects.exists()


def test_only_who_may_invite_and_could_change_the_record_invites(sample, contact):
    common = {"contact": f"customers.contact:{contact.pk}", "days": "7"}
    url = f"/guests/stranger.sample/{sample.pk}/"
    without = factories.position("无", stranger_view="all", stranger_edit="all")
    looks = factories.position("看", stranger_view="all", guests_invite="all")
    other = factories.position("别人", **RIGHTS)
    for position, wanted in ((without, 403), (looks, 404), (other, 404)):
        desk = factories.sign_in(Client(), factories.actor("张三", position_=position))
        assert desk.get(f"{url}invite/").status_code == wanted
        assert desk.post(f"{url}invite/", common).status_code == wanted
        assert desk.post(f"{url}revoke/", {"invitation": 1}).status_code == wanted
    assert not Invitation.objects.exists()


def test_a_link_of_another_record_is_not_revoked_here(desk, owner, sample, contact):
    asked = ask(desk, sample, contact)
    url = f"/guests/stranger.sample/{sample_of(owner, '密封圈').pk}/revoke/"
    for number in (asked.row.pk, "x", 2**70):
        assert desk.post(url, {"invitation": number}).status_code == 404
    assert Invitation.objects.get().revoked_at is None


def test_nobody_on_the_staff_may_answer_for_a_guest(owner, sample, desk, contact):
    asked = ask(desk, sample, contact)
    answered = asks.ASKS["stranger.confirm"].verbs["answer"]
    assert not owner.may(answered.may)
    assert desk.post(f"/stranger/sample/{sample.pk}/{answered.name}/", {"choice": "ok"}).status_code == 404
    assert nothing_decided(asked)


def test_the_overview_lists_ones_own_open_questions(desk, sample, contact, guest):
    asked = ask(desk, sample, contact)
    assert "潘建国" in text(desk.get("/guests/"))
    guest.post(asked.path, OK)
    assert "没有等着客户回复的" in text(desk.get("/guests/"))
    assert "已回复" in text(desk.get("/guests/?show=all"))
    other = factories.actor("张三", position_=factories.position("别人", **RIGHTS))
    assert "没有等着客户回复的" in text(factories.sign_in(Client(), other).get("/guests/?show=all"))


def test_records_without_asks_have_no_panel(desk, owner):
    page = text(desk.get(f"/customers/customer/{factories.customer(owner).pk}/"))
    assert "tab-guests" not in page
