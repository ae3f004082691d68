"""Leaving and logins: shut out at once, one-time passwords shown once and nowhere kept."""

import re

import pytest

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Change, Event, Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people import leaving, logins
from neiqin.kernel.people.authentication import FAILURES, PasswordRules
from neiqin.kernel.people.models import Appointment, Login, Token
from tests import factories


def test_a_leaver_s_session_and_token_end_at_once(office, client):
    factories.sign_in(client, office.zhou)
    phone = factories.api(type(client)(), office.zhou)
    assert client.get("/").status_code == 200
    assert phone.get("/api/v1/customers").status_code == 200
    perform(leaving.leave, [office.zhou.pk], by=office.as_("hr"))
    assert client.get("/").status_code == 302
    assert phone.get("/api/v1/customers").status_code == 401
    login = Login.objects.get(person=office.zhou)
    assert (login.is_active, Token.objects.filter(login=login).count()) == (False, 0)


def test_leaving_ends_appointments_and_says_what_is_left_behind(office):
    for _ in range(2):
        factories.customer(office.as_("zhou"))
    outcome = perform(leaving.leave, [office.zhou.pk], by=office.as_("hr"), params={"successor": office.he.pk})
    event = Event.objects.get(run_id=outcome.run)
    assert event.data["note"] == "名下还有 2 条记录要移交，接手人 何雨桐"
    office.zhou.refresh_from_db()
    assert office.zhou.left_on == clock.today()
    assert list(Appointment.objects.filter(person=office.zhou).values_list("until_on", flat=True)) == [clock.today()]


def test_leaving_in_the_future_or_twice_is_refused(office):
    refused = perform(leaving.leave, [office.zhou.pk], by=office.as_("hr"), params={"left_on": "2199-01-01"})
    assert refused.refused[office.zhou.pk].text == "离职当天再办，登录会当即停掉。"
    perform(leaving.leave, [office.zhou.pk], by=office.as_("hr"))
    assert office.zhou.pk in perform(leaving.leave, [office.zhou.pk], by=office.as_("hr")).refused


def test_who_comes_back_needs_a_new_password(office, client):
    factories.login_of(office.zhou)
    perform(leaving.leave, [office.zhou.pk], by=office.as_("hr"))
    perform(leaving.rejoin, [office.zhou.pk], by=office.as_("hr"),
            params={"unit": office.south.pk, "position": office.rep.pk})  # fmt: skip
    login = Login.objects.get(person=office.zhou)
    assert not login.is_active
    perform(logins.reset_password, [office.zhou.pk], by=office.as_("hr"), params={"password": "Abcd-2345-efgh"})
    login.refresh_from_db()
    office.zhou.refresh_from_db()
    assert (login.is_active, office.zhou.unit_id, office.zhou.left_on) == (True, office.south.pk, None)


def test_a_new_login_s_password_is_shown_once_works_once_and_is_in_no_history(office, client):
    factories.sign_in(client, office.hr)
    address = f"/people/logins/{office.zhou.pk}/"
    page = client.post(address, {"do": "create", "username": "ZhouQiming", "request_key": "a"})
    password = re.search(r"<code>([^<]+)</code>", page.text)[1]
    PasswordRules().validate(password)
    assert page["Cache-Control"] == "no-store"
    assert password not in client.get(address).text
    kept = (
        str(list(Run.objects.values("params")))
        + str(list(Event.objects.values("data")))
        + str(list(Change.objects.values()))
    )
    assert password not in kept

    own = type(client)()
    assert own.post("/login/", {"login": "zhouqiming", "password": password}).status_code == 302
    assert own.get("/customers/customer/")["Location"] == "/account/password/"
    changed = {"oldpassword": password, "password1": "Wuxi-2026-beng", "password2": "Wuxi-2026-beng"}
    assert own.post("/account/password/", changed).status_code == 302
    own.post("/login/", {"login": "zhouqiming", "password": "Wuxi-2026-beng"})
    assert own.get("/customers/customer/").status_code == 200


def test_a_reset_ends_the_sessions_of_the_old_password(office, client):
    factories.sign_in(client, office.zhou)
    assert client.get("/").status_code == 200
    admin = factories.sign_in(type(client)(), office.hr)
    assert admin.post(f"/people/logins/{office.zhou.pk}/", {"do": "reset", "request_key": "r"}).status_code == 200
    assert client.get("/").status_code == 302


def test_a_locked_login_is_on_the_administrator_s_workbench_and_can_be_unlocked(office, client):
    login = factories.login_of(office.zhou)
    login.set_password("Wuxi-2026-beng")
    login.save()
    for _ in range(FAILURES):
        client.post("/login/", {"login": login.username, "password": "wrong"})
    factories.sign_in(client, office.hr)
    assert "周启明的账号锁着" in client.get("/").text
    client.post(f"/people/logins/{office.zhou.pk}/", {"do": "unlock", "request_key": "u"})
    assert "周启明的账号锁着" not in client.get("/").text
    assert type(client)().post("/login/", {"login": login.username, "password": "Wuxi-2026-beng"}).status_code == 302


@pytest.mark.parametrize(("username", "text"), [("taken", "已经有人用"), ("", "没有填")])
def test_a_taken_or_empty_login_is_refused(office, client, username, text):
    Login.objects.create(username="taken", person=office.he)
    factories.sign_in(client, office.hr)
    page = client.post(f"/people/logins/{office.zhou.pk}/", {"do": "create", "username": username, "request_key": "x"})
    assert page.status_code == 409
    assert text in page.text
    assert not Login.objects.filter(person=office.zhou).exists()


def test_who_may_not_change_rights_cannot_take_over_the_login_of_who_may(office, client):
    factories.login_of(office.root)
    factories.sign_in(client, office.hr)
    page = client.post(f"/people/logins/{office.root.pk}/", {"do": "reset", "request_key": "x"})
    assert page.status_code == 409
    assert "要由有「改权限」的人来办" in page.text
    assert not Login.objects.get(person=office.root).must_change


def test_logins_need_the_right_to_manage(office, client):
    factories.sign_in(client, office.lu)
    assert client.get(f"/people/logins/{office.zhou.pk}/").status_code == 403
