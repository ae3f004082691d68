"""Ways out: wishes, quiet hours, digests, a mail server that hangs, robots and their limits."""

import json
import socket
import threading
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core import mail

from neiqin.kernel import clock
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.notices import robots, sending, tell, times
from neiqin.kernel.notices.models import GIVEN_UP, SENT, WAITING, Channel, Delivery, Notice, Wishes
from neiqin.kernel.people.models import Login
from neiqin.kernel.personal.blobs import seal_blob
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 2, 42, tzinfo=UTC)  # a Friday, 10:42 in Shanghai
NIGHT = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)  # Friday, 22:00
MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)  # Monday, 8:00


@pytest.fixture(autouse=True)
def now(monkeypatch):
    moment = [NOW]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    return moment


@pytest.fixture(autouse=True)
def server(settings):
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "mail.example.cn", "neiqin@example.cn"
    settings.PUBLIC_URL, settings.COMPANY_NAME = "https://crm.example.cn", "恒川工业品"


def somebody(name="林知夏", email="lin@example.cn", **modes):
    found = factories.actor(name)
    factories.login_of(found)
    Login.objects.filter(person_id=found.id).update(email=email)
    Wishes.objects.create(person_id=found.id, modes={"general": "mail"} | modes)
    return found


def go():
    """Whatever is due goes out, as at the next minute; gives how many jobs ran."""
    sending.every_minute()
    return drain()


def states():
    return list(Delivery.objects.order_by("id").values_list("state", flat=True))


# When


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [(NOW, NOW), (NIGHT, MONDAY), (NOW - timedelta(hours=4), NOW.replace(hour=0, minute=0)), (MONDAY, MONDAY)],
)
def test_quiet_hours_go_over_midnight_and_the_weekend(moment, wanted):
    assert times.next_loud(moment, Wishes().quiet_from, Wishes().quiet_until) == wanted


def test_holidays_of_the_working_calendar_are_quiet():
    assert times.is_quiet_day(date(2026, 10, 1))  # 国庆
    assert not times.is_quiet_day(date(2026, 10, 10))  # 调休上班 on a Saturday


def test_equal_ends_mean_no_quiet_hours():
    assert times.next_loud(NIGHT, Wishes().quiet_from, Wishes().quiet_from) == NIGHT


def test_at_night_mail_waits_for_the_morning_and_what_is_urgent_does_not(now):
    ann = somebody()
    now[0] = NIGHT
    tell.tell([ann.id], "到期")
    tell.tell([ann.id], "超时", urgent=True)
    go()
    assert [m.subject for m in mail.outbox] == ["【恒川工业品】超时"]
    assert Delivery.objects.get(state=WAITING).next_at == MONDAY
    now[0] = MONDAY
    go()
    assert [m.subject for m in mail.outbox][1:] == ["【恒川工业品】到期"]
    assert states() == [SENT, SENT]


# Wishes


def test_kinds_go_where_one_wishes():
    ann = somebody(general="inbox")
    tell.tell([ann.id], "一")
    tell.tell([ann.id], "二", urgent=True)
    tell.tell([ann.id], "三", kind="deadlines.due")
    go()
    assert [m.subject for m in mail.outbox] == ["【恒川工业品】三"]
    assert Notice.objects.count() == 3


def test_without_address_or_server_there_is_only_the_inbox(settings):
    bob = somebody("周启明", email="")
    tell.tell([bob.id], "一")
    settings.EMAIL_HOST = ""
    tell.tell([somebody().id], "二")
    assert not Delivery.objects.exists()
    assert Notice.objects.count() == 2


def test_what_was_read_meanwhile_is_not_mailed():
    tell.tell([somebody().id], "一")
    Notice.objects.update(read_at=NOW)
    go()
    assert mail.outbox == []
    assert states() == [SENT]


def test_wishes_are_saved_and_bad_ones_refused(client):
    ann = somebody()
    desk = factories.sign_in(client, ann)
    given = {"mode-general": "digest", "quiet_from": "20:00", "quiet_until": "09:00", "email": "new@example.cn"}
    assert desk.post("/notices/settings/", given).status_code == 302
    wishes = Wishes.objects.get(person_id=ann.id)
    assert (wishes.modes["general"], str(wishes.quiet_from)) == ("digest", "20:00:00")
    assert Login.objects.get(person_id=ann.id).email == "new@example.cn"
    for wrong in ({"email": "kein"}, {"quiet_from": "25:00"}, {"quiet_until": ""}):
        assert desk.post("/notices/settings/", given | wrong).status_code == 422
    assert Login.objects.get(person_id=ann.id).email == "new@example.cn"


def test_who_tells_asks_for_the_job_only_after_the_commit(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as asked:
        tell.tell([somebody().id], "一")
        assert drain() == 0
    for ask in asked:
        ask()
    assert drain() == 1
    assert len(mail.outbox) == 1


# Digests


def test_twice_a_day_one_mail_sums_up_what_was_not_read(now):
    ann, bob = somebody(general="digest"), somebody("周启明", "zhou@example.cn", general="digest")
    tell.tell([ann.id, bob.id], "一", "说明一")
    tell.tell([ann.id], "二")
    tell.tell([ann.id], "看过")
    Notice.objects.filter(title="看过").update(read_at=NOW)
    assert go() == 0  # 8:30 is before they were told
    now[0] = NOW.replace(hour=9, minute=30)
    sending.every_minute()
    go()
    assert sorted((m.to[0], m.subject) for m in mail.outbox) == [
        ("lin@example.cn", "【恒川工业品】2 条消息没看"),
        ("zhou@example.cn", "【恒川工业品】1 条消息没看"),
    ]
    hers = next(m for m in mail.outbox if m.to == ["lin@example.cn"])
    assert hers.body.index("二") < hers.body.index("一\n说明一")
    assert "看过" not in hers.body
    assert f"https://crm.example.cn/notices/{Notice.objects.get(title='二').pk}/" in hers.body
    now[0] = NOW + timedelta(days=3, hours=1)  # Monday
    go()
    assert len(mail.outbox) == 2  # nothing twice


def test_no_digest_on_a_holiday(now):
    ann = somebody(general="digest")
    tell.tell([ann.id], "一")
    now[0] = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)  # Saturday, 18:00
    sending.every_minute()
    assert not Delivery.objects.exists()


# Mail


def test_hostile_titles_are_text_in_both_parts_and_no_headers():
    ann = somebody()
    tell.tell([ann.id], '<img src=x onerror="alert(1)">\r\nBcc: a@b.cn', "a & b")
    go()
    (sent,) = mail.outbox
    assert sent.message()["Bcc"] is None
    assert "\n" not in sent.subject
    html = sent.alternatives[0][0]
    assert "<img" not in html
    assert "&lt;img" in html
    assert "a & b" in sent.body
    assert "a &amp; b" in html


@pytest.fixture
def silent():
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_mail_server_that_hangs_holds_up_neither_people_nor_robots(settings, client, silent, group, now):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", silent, 0.2
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    ann = somebody()
    for n in range(3):
        tell.tell([ann.id], f"第 {n} 条")
    assert "第 2 条" in factories.sign_in(client, ann).get("/notices/").content.decode()  # nothing was sent yet
    assert states() == [WAITING] * 6
    go()
    channel = Channel.objects.get(code="mail")
    assert channel.failures == 1
    assert channel.problem.startswith("邮件服务器连不上或不收：SMTPServerDisconnected ")
    assert channel.rests_until == NOW + timedelta(minutes=1)
    mails = list(Delivery.objects.filter(channel=channel).order_by("id").values_list("state", "attempts"))
    assert mails == [(WAITING, 1), (WAITING, 0), (WAITING, 0)]  # one attempt for all of them
    assert [said["text"]["content"] for _, said in group.heard] == ["第 0 条", "第 1 条", "第 2 条"]
    assert go() == 0  # it rests
    now[0] += timedelta(minutes=1)
    go()
    channel.refresh_from_db()
    assert (channel.failures, channel.rests_until) == (2, now[0] + timedelta(minutes=2))
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sending.try_again(channel)
    now[0] += timedelta(hours=1)
    go()
    channel.refresh_from_db()
    assert sorted(m.subject for m in mail.outbox) == [f"【恒川工业品】第 {n} 条" for n in range(3)]
    assert (channel.failures, channel.problem) == (0, "")


def test_a_message_that_never_goes_is_given_up_after_eight_attempts_and_can_be_tried_again(settings, now, client):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", 9, False
    tell.tell([somebody().id], "一")
    pauses = []
    for _ in range(10):
        if go():
            pauses.append((Channel.objects.get(code="mail").rests_until - now[0]).total_seconds() / 60)
        now[0] = (Channel.objects.get(code="mail").rests_until) + timedelta(seconds=1)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    row = Delivery.objects.get()
    assert (row.state, row.attempts) == (GIVEN_UP, 8)
    boss = factories.actor("管理", position_=factories.position("管理员", notices_channels="all"))
    desk = factories.sign_in(client, boss)
    page = desk.get("/notices/channels/").content.decode()
    assert "邮件服务器连不上或不收" in page
    assert "再试一次" in page
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    desk.post("/notices/channels/", {"do": "again", "channel": Channel.objects.get(code="mail").pk})
    go()
    assert states() == [SENT]
    assert len(mail.outbox) == 1


# Robots


class Group(HTTPServer):
    """A robot's other end: what it heard, and what it answers next."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.heard, self.answers = [], []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, json.loads(body)))
        status, answer, headers = self.server.answers.pop(0) if self.server.answers else (200, {"errcode": 0}, {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def group(settings, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with Group() as other:
        thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings.ROBOT_ORIGINS = [f"http://127.0.0.1:{other.server_port}"]
        other.channel = robot(f"http://127.0.0.1:{other.server_port}/send?key=secret")
        yield other
        other.shutdown()
        thread.join()


def robot(address, form="wecom", **more):
    values = {"kinds": ["general"], "name": "销售群", "code": "robot-1"} | more
    return Channel.objects.create(form=form, address=seal_blob(address.encode()), **values)


def contents(group):
    return [said["text"]["content"] for _, said in group.heard]


def test_a_group_hears_once_what_many_are_told_and_only_its_kinds(group):
    people = [factories.actor(n).id for n in ("甲", "乙")]
    tell.tell(people, "订单被驳回", "DD261120-0001，缺价格。", url="/orders/order/7/", urgent=True)
    tell.tell(people, "到期", kind="deadlines.due")
    go()
    assert contents(group) == ["【紧急】订单被驳回\nDD261120-0001，缺价格。\nhttps://crm.example.cn/orders/order/7/"]


def test_a_group_of_a_unit_hears_only_what_its_people_are_told(group):
    east = factories.unit("华东区")
    there = factories.actor("甲", unit_=factories.unit("华东一组", parent=east))
    Channel.objects.filter(pk=group.channel.pk).update(unit=east)
    tell.tell([there.id], "华东的事")
    tell.tell([factories.actor("乙").id], "华北的事")
    go()
    assert contents(group) == ["华东的事"]


def test_past_twenty_a_minute_the_rest_comes_in_one(group, now):
    ann = factories.actor()
    tell.tell_each([tell.News(ann.id, f"第 {n:02} 条") for n in range(30)])
    go()
    heard = contents(group)
    assert len(heard) == 20
    assert heard[:19] == [f"第 {n:02} 条" for n in range(19)]
    assert heard[19].splitlines()[:2] == ["还有 11 条消息：", "· 第 19 条"]
    tell.tell([ann.id], "再一条")
    go()
    assert len(group.heard) == 20  # not in this minute
    assert states().count(WAITING) == 1
    now[0] += timedelta(seconds=61)
    go()
    assert contents(group)[20:] == ["再一条"]


def test_a_text_is_cut_to_the_bytes_a_robot_takes():
    assert robots.fit("长" * 600) == "长" * 600
    cut = robots.fit("长" * 1000)
    assert len(cut.encode()) <= 2048
    assert cut.startswith("长" * 680)
    assert cut.endswith("…")


def test_the_others_refusal_is_kept_and_redirects_are_not_followed(group, now):
    ann = factories.actor()
    group.answers = [
        (200, {"errcode": 93000, "errmsg": "invalid webhook url"}, {}),
        (302, {}, {"Location": "/elsewhere"}),
    ]
    tell.tell([ann.id], "一")
    go()
    group.channel.refresh_from_db()
    assert group.channel.problem == "对方不收，代码 93000：invalid webhook url"
    now[0] += timedelta(minutes=2)
    go()
    group.channel.refresh_from_db()
    assert group.channel.problem == "对方回答 HTTP 302。"
    assert [path for path, _ in group.heard] == ["/send?key=secret"] * 2
    assert states() == [WAITING]


@pytest.mark.parametrize(
    "address",
    [
        "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1",
        "https://qyapi.weixin.qq.com.evil.cn/",
        "https://qyapi.weixin.qq.com@127.0.0.1/",
        "https://qyapi.weixin.qq.com:8443/",
        "https://oapi.dingtalk.com/robot/send",
        "file:///etc/passwd",
        "https://[::1/",
        "https://ｑyapi.weixin.qq.com/",
        "",
    ],
)
def test_a_robot_may_only_be_at_its_own_house(address, settings):
    settings.ROBOT_ORIGINS = []
    assert "https://qyapi.weixin.qq.com/" in robots.check_address("wecom", address)
    with pytest.raises(robots.Refused):
        robots.say("wecom", address, "", "一")


def test_signatures_are_as_dingtalk_and_feishu_want_them(group, settings):
    address = f"http://127.0.0.1:{group.server_port}"
    robots.say("dingtalk", f"{address}/robot/send?access_token=1", "SEC1", "一")
    robots.say("feishu", f"{address}/hook/1", "SEC1", "一")
    (path, said), (_, feishu) = group.heard
    at = str(int(NOW.timestamp()))
    assert path.startswith(f"/robot/send?access_token=1&timestamp={at}000&sign=")
    assert said == {"msgtype": "text", "text": {"content": "一"}}
    assert feishu["content"] == {"text": "一"}
    assert feishu["timestamp"] == at
    assert len(feishu["sign"]) == 44


def test_administrators_add_try_switch_and_remove_robots(client, settings):
    boss = factories.actor("管理", position_=factories.position("管理员", notices_channels="all"))
    desk = factories.sign_in(client, boss)
    given = {"do": "add", "form": "wecom", "name": "销售群", "kinds": ["general"]}
    good = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc"
    assert desk.post("/notices/channels/", given | {"address": "https://10.0.0.1/"}).status_code == 422
    assert desk.post("/notices/channels/", given | {"address": good, "kinds": []}).status_code == 422
    assert desk.post("/notices/channels/", given | {"address": good}).status_code == 302
    made = Channel.objects.get(form="wecom")
    assert b"abc" not in bytes(made.address)
    assert "key=abc" not in desk.get("/notices/channels/").content.decode()
    desk.post("/notices/channels/", {"do": "try", "channel": made.pk})
    assert Delivery.objects.get().channel == made
    desk.post("/notices/channels/", {"do": "switch", "channel": made.pk})
    made.refresh_from_db()
    assert not made.on
    desk.post("/notices/channels/", {"do": "remove", "channel": made.pk})
    assert not Channel.objects.filter(pk=made.pk).exists()
    for wrong in ({"do": "again", "channel": 9**9}, {"do": "explode", "channel": 1}, {"do": "try", "channel": "x"}):
        assert desk.post("/notices/channels/", wrong).status_code == 404


def test_the_page_of_channels_needs_its_right(client):
    assert factories.sign_in(client, factories.actor()).get("/notices/channels/").status_code == 403
