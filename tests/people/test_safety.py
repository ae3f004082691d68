"""Passwords, second factor, where administration is done from, leavers, and going through the rights (C-SEC-05)."""

from datetime import timedelta
from itertools import pairwise

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people import leaving, safety
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.authentication import address_of
from neiqin.kernel.people.models import Login, Position, Safety
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "Shanshui#2026"


@pytest.fixture
def admin():
    rights = {"people_view": "all", "people_manage": "all", "people_rights": "all", "audit_view": "all"}
    return factories.person("潘一鸣", position_=factories.position("系统管理员", **rights))


def signed_in(person, address="10.1.1.5") -> Client:
    return factories.sign_in(Client(REMOTE_ADDR=address), person)


def with_password(person) -> Login:
    login = factories.login_of(person)
    login.set_password(PASSWORD)
    login.save()
    return login


def change_password(client: Client, old: str, new: str):
    return client.post("/account/password/", {"oldpassword": old, "password1": new, "password2": new})


@pytest.mark.clause("C-SEC-05")
def test_access_is_guarded_as_the_regulation_says(client, admin):
    """Five wrong passwords lock and are logged; a sensitive post needs its second factor; administration from outside
    the networks is refused; a leaver's running session ends at the next request; the review lists export rights."""
    rep = factories.person("周启明", position_=factories.rep_position("own", exchange_export="all"))
    login = with_password(rep)
    for _ in range(5):
        client.post("/login/", {"login": login.username, "password": "wrong"})
    answer = client.post("/login/", {"login": login.username, "password": PASSWORD})
    assert answer.status_code == 422 or "连错 5 次" in answer.content.decode()
    assert Login.objects.get(pk=login.pk).locked_until > clock.now()
    assert Run.objects.filter(action="login.locked", person_id=rep.pk).count() == 1

    finance = factories.person("顾南", position_=factories.position("财务", customers_view="all"))
    at_desk = signed_in(finance)
    assert at_desk.get("/customers/customer/").status_code == 200
    Position.objects.filter(pk=finance.position_id).update(sensitive=True)
    answer = at_desk.get("/customers/customer/")
    assert (answer.status_code, answer.url) == (302, "/account/codes/activate/")
    Authenticator.objects.create(user=finance.login, type=Authenticator.Type.TOTP, data={"secret": "x"})
    assert at_desk.get("/customers/customer/").status_code == 200

    inside, outside = signed_in(admin, "10.1.1.5"), signed_in(admin, "172.16.0.9")
    form = {"password_days": "90", "reads_an_hour": "200", "review_days": "180", "admin_addresses": "10.1.1.0/24"}
    assert inside.post("/people/safety/", form).status_code == 302
    assert inside.get("/people/rights/").status_code == 200
    assert outside.get("/people/rights/").status_code == 403
    assert outside.get("/people/person/").status_code == 200
    assert Run.objects.filter(action="refused", person_id=admin.pk).latest("pk").params == {
        "address": "/people/rights/"
    }

    leaver = signed_in(rep)
    assert leaver.get("/").status_code == 200
    assert perform(leaving.leave, [rep.pk], by=actor_of(admin.pk)).done == [rep.pk]
    assert leaver.get("/").url.startswith("/login/")

    other = factories.person("何雨桐", position_=factories.rep_position("own", exchange_export="all"))
    page = inside.get("/people/review/").content.decode()
    exporting = page.split(">导出<span")[1].split("</tr>")[0]
    assert other.name in exporting
    assert rep.name not in exporting


def test_nobody_locks_himself_out_by_a_network_he_is_not_in(admin):
    at_desk = signed_in(admin, "10.1.1.5")
    form = {"password_days": "90", "reads_an_hour": "200", "review_days": "180"}
    for networks, words in (("192.168.0.0/16", "10.1.1.5 不在里面"), ("somewhere", "不是地址段")):
        answer = at_desk.post("/people/safety/", form | {"admin_addresses": networks})
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert Safety.objects.get().admin_addresses == ""


def test_an_address_that_tries_many_logins_is_held_up(client):
    person = factories.person("周启明")
    login = with_password(person)
    for n in range(30):
        client.post("/login/", {"login": f"nobody{n}", "password": "Winter#2026"}, REMOTE_ADDR="203.0.113.9")
    right = {"login": login.username, "password": PASSWORD}
    answer = client.post("/login/", right, REMOTE_ADDR="203.0.113.9")
    assert "先停一停" in answer.content.decode()
    assert Run.objects.filter(action="login.failed").count() == 30
    assert client.post("/login/", right, REMOTE_ADDR="203.0.113.10").status_code == 302


@pytest.mark.parametrize(
    ("near", "forwarded", "seen"),
    [
        ("203.0.113.7", "10.1.1.5", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "10.1.1.5, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, 127.0.0.1", "203.0.113.7"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_only_a_known_proxy_is_believed_and_only_its_own_word(rf, settings, near, forwarded, seen):
    settings.PROXIES = frozenset({"127.0.0.1"})
    assert address_of(rf.get("/", REMOTE_ADDR=near, HTTP_X_FORWARDED_FOR=forwarded)) == seen


def test_the_machine_itself_lets_an_administrator_in_again(admin):
    login = factories.login_of(admin)
    Login.objects.filter(pk=login.pk).update(failures=3, locked_until=clock.now() + timedelta(minutes=20))
    Safety.objects.update(admin_addresses="192.168.9.0/24")
    assert signed_in(admin, "10.1.1.5").get("/people/rights/").status_code == 403
    assert safety.let_in(login.username) == f"账号 {login.username} 可以登录了，管理地址限制已取消。"
    login.refresh_from_db()
    assert (login.failures, login.locked_until) == (0, None)
    assert signed_in(admin, "10.1.1.5").get("/people/rights/").status_code == 200
    assert Safety.objects.get().password_days == 90
    with pytest.raises(LookupError, match="nobody"):
        safety.let_in("nobody")


def test_an_old_password_is_changed_before_anything_else(admin):
    person = factories.person("周启明")
    at_desk = signed_in(person)
    Login.objects.filter(person=person).update(password_changed_at=clock.now() - timedelta(days=91))
    assert at_desk.get("/").url == "/account/password/"
    perform(
        safety.set_safety,
        [Safety.objects.get().pk],
        by=actor_of(admin.pk),
        params={"password_days": 0, "reads_an_hour": 200, "review_days": 180, "reads_stop": False},
    )
    assert at_desk.get("/").status_code == 200


def test_the_last_five_passwords_are_not_used_again():
    person = factories.person("周启明")
    words = [PASSWORD, *(f"Shanshui#{n}" for n in range(1001, 1006))]
    login = with_password(person)
    at_desk = Client()
    at_desk.force_login(login)
    session = at_desk.session
    session["stamp"] = str(login.session_stamp)
    session.save()
    for old, new in pairwise(words[:5]):
        assert change_password(at_desk, old, new).status_code == 302
    answer = change_password(at_desk, words[4], words[0])
    assert "最近 5 次用过" in answer.content.decode()
    assert change_password(at_desk, words[4], words[5]).status_code == 302
    assert change_password(at_desk, words[5], words[0]).status_code == 302


def test_who_administers_is_away_after_fifteen_minutes_others_after_thirty(admin):
    boss, rep = signed_in(admin), signed_in(factories.person("周启明"))
    assert (boss.get("/").status_code, rep.get("/").status_code) == (200, 200)
    for client in (boss, rep):
        session = client.session
        session["seen"] = (clock.now() - timedelta(minutes=16)).isoformat()
        session.save()
    assert (boss.get("/").status_code, rep.get("/").status_code) == (302, 200)


def test_a_review_of_the_rights_is_asked_for_and_closed_with_its_conclusion(admin):
    actor = actor_of(admin.pk)
    Safety.objects.update(reviewed_on=clock.today() - timedelta(days=200))
    assert [t.url for t in safety_todo(actor)] == ["/people/review/"]
    at_desk = signed_in(admin)
    assert at_desk.post("/people/review/", {"note": ""}).status_code == 422
    assert at_desk.post("/people/review/", {"note": "收回两人的导出"}).status_code == 302
    assert safety_todo(actor) == []
    assert Safety.objects.get().reviewed_on == clock.today()


def safety_todo(actor):
    from neiqin.kernel.people.home import to_review

    return to_review(actor)
