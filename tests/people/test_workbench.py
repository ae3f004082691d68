"""The workbench: what waits by urgency, counts that open their lists, the quick line that fills in forms."""

import re
from datetime import date, datetime

import pytest
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.fields.formats import day_in_words
from neiqin.kernel.resources import quick
from neiqin.modules.customers.models import Customer, FollowUp
from neiqin.modules.followups import followups
from tests import factories

pytestmark = pytest.mark.django_db
FRIDAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("word", "day"),
    [
        ("今天", FRIDAY),
        ("明天", date(2026, 11, 21)),
        ("3天后", date(2026, 11, 23)),
        ("两天", None),
        ("周五", FRIDAY),
        ("周三", date(2026, 11, 25)),
        ("下周三", date(2026, 11, 25)),
        ("下下周一", date(2026, 11, 30)),
        ("周日", date(2026, 11, 22)),
        ("月底", date(2026, 11, 30)),
        ("11-30", date(2026, 11, 30)),
        ("12月1日", date(2026, 12, 1)),
        ("3号", date(2027, 11, 3)),
        ("1月5号", date(2027, 1, 5)),
        ("2-30", None),
        ("要样品", None),
    ],
)
def test_days_as_people_say_them(word, day):
    assert day_in_words(word, FRIDAY) == day


@pytest.fixture
def rep():
    return factories.actor("周启明", position_=factories.rep_position("own", customers_follow="own"))


@pytest.fixture
def desk(rep):
    return factories.sign_in(Client(), rep)


def said(desk, text: str) -> str:
    page = desk.post("/quick/", {"t": text}).content.decode()
    return " ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", page, flags=re.S).split())


def opened(desk, text: str) -> tuple[str, str]:
    """The address that Enter leads to, and its page."""
    answer = desk.post("/quick/?go=1", {"t": text})
    assert answer.status_code == 302
    return answer.url, desk.get(answer.url).content.decode()


def test_a_line_about_a_customer_opens_the_follow_up_filled_in(desk, rep):
    made = factories.customer(rep, name="澄江精密机械（昆山）有限公司")
    tomorrow = clock.today().toordinal() + 1
    shown = said(desk, "跟进 cjjm 电话说要样品 明天")
    assert shown.startswith("跟进 澄江精密机械（昆山）有限公司 电话说要样品")
    assert "再联系" in shown
    address, page = opened(desk, "跟进 cjjm 电话说要样品 明天")
    assert address.startswith(f"/customers/follow/?id={made.pk}&d=")
    assert "样品" not in address
    assert "电话说要样品" in page
    assert date.fromordinal(tomorrow).isoformat() in page
    assert not FollowUp.objects.exists()


def test_a_line_about_a_new_customer_opens_the_form_filled_in_and_no_phone_is_in_the_address(desk):
    text = "新客户 苏州恒瑞精密机械有限公司 陈工 13800138000"
    assert "138****8000" in said(desk, text)
    address, page = opened(desk, text)
    assert address.startswith("/customers/customer/new/?d=")
    assert "13800138000" not in address
    for value in ("苏州恒瑞精密机械有限公司", "陈工", "13800138000"):
        assert f'value="{value}"' in page
    assert not Customer.objects.exists()


def test_what_one_person_typed_fills_no_form_of_another(desk):
    address, _ = opened(desk, "新客户 苏州恒瑞精密机械有限公司")
    other = factories.sign_in(Client(), factories.person("何雨桐"))
    assert "苏州恒瑞" not in other.get(address).content.decode()
    for spoiled in (address[:-8], address[:-3] + "abc", "/customers/customer/new/?d=%00"):
        assert "苏州恒瑞" not in desk.get(spoiled).content.decode()


def test_a_customer_of_somebody_else_is_not_found(desk):
    factories.customer(factories.actor("何雨桐"), name="澄江精密机械（昆山）有限公司")
    assert "澄江" not in said(desk, "跟进 cjjm 要样品").replace("跟进 cjjm", "")


def test_what_is_not_understood_says_how_to_write_it(desk):
    assert said(desk, "天气不错").startswith("没听懂。可以这样写：")
    assert "接着写" in said(desk, "跟进")
    assert said(desk, "") == ""
    assert desk.post("/quick/?go=1", {"t": "天气不错"}).url == "/"


def test_without_the_right_a_word_is_not_known():
    nobody = factories.actor("无权", position_=factories.position("无权岗"))
    assert quick.known_to(nobody) == []


def test_what_is_over_comes_first_and_the_counts_open_their_lists(desk, rep, monkeypatch):
    late, soon = factories.customer(rep, name="晚了有限公司"), factories.customer(rep, name="今天有限公司")
    today = clock.today()
    for record, day in ((late, date.fromordinal(today.toordinal() - 3)), (soon, today)):
        rows = [
            {
                "customer": record.pk,
                "way": "phone",
                "content": "聊过",
                "happened_at": clock.now(),
                "next_on": today.isoformat(),
            }
        ]
        assert perform(followups.create, by=rep, rows=rows).done
        FollowUp.objects.filter(customer=record).update(next_on=day)
        record.standing.__class__.objects.filter(customer=record).update(next_on=day)
    page = desk.get("/").content.decode()
    assert page.index("已超时") < page.index("晚了有限公司") < page.index(">今天<") < page.index("今天有限公司")
    chip = re.search(r'<a href="([^"]+)"[^>]*><b>2</b>该跟进', page)
    listed = desk.get(chip[1].replace("&amp;", "&")).content.decode()
    assert "晚了有限公司" in listed
    assert "今天有限公司" in listed


def test_at_half_past_five_the_page_says_what_must_not_stay_open(desk, rep, monkeypatch):
    record = factories.customer(rep)
    rows = [
        {
            "customer": record.pk,
            "way": "phone",
            "content": "聊过",
            "happened_at": clock.now(),
            "next_on": clock.today().isoformat(),
        }
    ]
    assert perform(followups.create, by=rep, rows=rows).done
    for hour, minute, expected in ((17, 29, False), (17, 31, True)):
        moment = datetime.combine(clock.today(), datetime.min.time(), clock.zone()).replace(hour=hour, minute=minute)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        assert ("日清：今天还有" in desk.get("/").content.decode()) == expected
