"""A company's first day: the first administrator, people by a pasted list, old numbers, steps that can wait."""

import stat

import pytest
from django.conf import settings

from neiqin.kernel.actions.models import Run
from neiqin.kernel.numbering.series import upcoming
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login, Person, Position, Unit
from neiqin.modules.company import opening, staff, steps
from neiqin.modules.customers.actions import NUMBERS
from tests import factories

pytestmark = pytest.mark.django_db
FIRST = {
    "company": "瑞拓传动", "name": "王敏", "username": "WangMin", "password": "Ruituo@2026x", "again": "Ruituo@2026x",
}  # fmt: skip
LIST = """姓名\t部门\t岗位\t协助
周强\t销售部/华东组\t业务员\t
李娜\t内勤部\t内勤\t周强
赵刚\t销售部\t销售经理\t
"""


@pytest.fixture
def code(tmp_path, monkeypatch):
    """The start code of an installation without logins."""
    monkeypatch.setattr(settings, "START_CODE", tmp_path / "start-code")
    opening.prepare_code()
    return settings.START_CODE.read_text()


@pytest.fixture
def owner(code):
    """王敏, who opened the company and does the office's work too."""
    return actor_of(opening.open_company(FIRST, alone=True, address=None).person_id)


def test_whoever_holds_the_start_code_becomes_the_administrator_and_nobody_after_her(client, code):
    assert stat.S_IMODE(settings.START_CODE.stat().st_mode) == 0o600
    assert client.get("/start/").status_code == 404
    assert client.get("/start/", {"code": code + "x"}).status_code == 404
    assert client.get("/start/", {"code": code}).status_code == 200
    answer = client.post("/start/", FIRST | {"code": code, "alone": "on"})
    assert (answer.status_code, answer.url) == (302, "/company/start/")
    page = client.get("/company/start/").content.decode()
    assert "还差 7 步" in page
    person = Person.objects.get()
    assert (person.name, person.unit.name, person.position.name) == ("王敏", "瑞拓传动", "系统管理员")
    assert Login.objects.get().username == "wangmin"
    actor = actor_of(person.pk)
    assert actor.may("people.rights")
    assert actor.may("customers.create")
    assert not settings.START_CODE.exists()
    assert client.post("/start/", FIRST | {"code": code, "username": "eve"}).status_code == 404
    assert Login.objects.count() == 1
    assert Run.objects.filter(action="login.first").count() == 1


def test_an_administrator_who_only_administers_has_no_business_rights(code):
    made = opening.open_company(FIRST, alone=False, address=None)
    assert not actor_of(made.person_id).may("customers.view")


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"company": " "}, "company", "没有填"),
        ({"password": "short", "again": "short"}, "password", "至少要 10 位"),
        ({"password": "WangMin2026", "again": "WangMin2026"}, "password", "账号"),
        ({"again": "other"}, "again", "不一样"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field_and_nothing_is_made(client, code, change, field, words):
    answer = client.post("/start/", FIRST | change | {"code": code})
    assert answer.status_code == 422
    assert words in answer.content.decode().split(f'id="d-{field}"')[1].split("</p>")[0]
    assert not Person.objects.exists()
    assert settings.START_CODE.read_text() == code


def test_every_position_of_the_regulations_comes_with_its_duties_and_rights(owner):
    assert Position.objects.count() == 18
    assert Position.objects.filter(duties=None).count() == 0
    assert list(Position.objects.filter(owns_key_customers=True).values_list("name", flat=True).order_by("rank")) == [
        "销售总监", "销售经理",
    ]  # fmt: skip


def test_a_pasted_list_makes_units_people_and_logins_and_pasted_again_it_does_nothing(client, owner):
    factories.sign_in(client, Person.objects.get())
    page = client.post("/company/start/people/", {"text": LIST, "do": "check"}).content.decode()
    assert "让这 3 人进来" in page
    assert Person.objects.count() == 1
    page = client.post("/company/start/people/", {"text": LIST, "do": "add", "request_key": "k1"}).content.decode()
    assert "3 人进了系统" in page
    qiang, na = Person.objects.get(name="周强"), Person.objects.get(name="李娜")
    assert (qiang.unit.name, qiang.unit.parent.name, qiang.unit.parent.parent.name) == ("华东组", "销售部", "瑞拓传动")
    assert (qiang.position.name, na.position.name) == ("销售代表", "销售助理")
    assert actor_of(na.pk).scope("customers.view").owners == {na.pk, qiang.pk}
    login = Login.objects.get(person=qiang)
    assert (login.username, login.must_change) == ("zhouqiang", True)
    shown = page.split("<code>zhouqiang</code>")[1].split("<code>")[1].split("</code>")[0]
    assert login.check_password(shown)
    page = client.post("/company/start/people/", {"text": LIST, "do": "add", "request_key": "k2"}).content.decode()
    assert page.count("已经有") == 3
    assert (Person.objects.count(), Unit.objects.count(), Login.objects.count()) == (4, 4, 4)


def test_wrong_rows_say_why_and_the_others_come_in(client, owner):
    factories.sign_in(client, Person.objects.get())
    lines = ("孙立,7,销售部,飞行员,", ",8,销售部,销售代表,", "吴一,9,内勤部,销售助理,郑二", "钱好,10,财务部,会计,")
    text = "\n".join(("姓名,工号,部门,岗位,协助", *lines))
    page = client.post("/company/start/people/", {"text": text, "do": "add", "request_key": "k"}).content.decode()
    assert [p.name for p in Person.objects.order_by("pk")] == ["王敏", "钱好"]
    assert "1 人进了系统" in page
    rows = staff.read(text)
    assert [r.problem for r in rows[:3]] == [
        "没有「飞行员」这个岗位，先在「岗位」里建。",
        "姓名空着。",
        "协助的郑二不在名单里，也不在系统里。",
    ]


def test_two_of_one_name_get_two_logins(owner):
    rows = staff.read("姓名\t部门\t岗位\n张伟\t甲组\t销售\n张伟\t乙组\t销售")
    assert [r.username for r in rows] == ["zhangwei", "zhangwei2"]


def test_a_list_without_its_columns_is_refused_in_words(client, owner):
    factories.sign_in(client, Person.objects.get())
    answer = client.post("/company/start/people/", {"text": "姓名\t手机\n周强\t138", "do": "check"})
    assert answer.status_code == 422
    assert "少一列「部门」" in answer.content.decode()


def test_numbers_go_on_after_the_old_system_and_a_wrong_one_changes_nothing(client, owner):
    factories.sign_in(client, Person.objects.get())
    answer = client.post("/company/start/numbers/", {"customers.customer": "C-532"})
    assert answer.status_code == 422
    assert "形如 KH000001" in answer.content.decode()
    assert client.post("/company/start/numbers/", {"customers.customer": "KH000532"}).status_code == 302
    made = factories.customer(owner)
    made.refresh_from_db()
    assert made.number == "KH000533"
    assert upcoming(NUMBERS.pattern, factories.clock.today()) == "KH000534"


def test_a_step_can_wait_and_be_taken_up_again(client, owner):
    factories.sign_in(client, Person.objects.get())
    client.post("/company/start/", {"step": "output", "do": "skip"})
    client.post("/company/start/", {"step": "positions", "do": "done"})
    assert {s.doing.code: (s.done, s.skipped) for s in steps.stands() if not s.open} == {
        "output": (False, True),
        "positions": (True, False),
    }
    assert steps.to_do(owner)[0].title == "开张还差 5 步"
    client.post("/company/start/", {"step": "output", "do": "again"})
    assert steps.to_do(owner)[0].title == "开张还差 6 步"
    assert client.post("/company/start/", {"step": "nosuch", "do": "done"}).status_code == 404


def test_the_test_page_prints(client, owner):
    factories.sign_in(client, Person.objects.get())
    answer = client.get("/company/start/page.pdf")
    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
