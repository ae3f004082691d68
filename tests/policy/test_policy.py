"""The regulations: read by everybody, found by words, each clause with the screen that carries it out."""

import re

import pytest
from django.test import Client

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.resource import Carried, site
from neiqin.modules.policy import places, resources, shipped
from neiqin.modules.policy.models import Clause
from tests import clauses, factories

pytestmark = pytest.mark.django_db
BOOK = "/policy/"


@pytest.fixture
def clerk():
    """Somebody without any right."""
    return factories.sign_in(Client(), factories.person("邹小满", position_=factories.position("行政助理")))


@pytest.fixture
def keeper():
    return factories.actor("潘正宏", position_=factories.position("公司领导", policy_manage="all"))


def page(client, address=BOOK):
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def codes(text):
    return re.findall(r'class="id" href="[^"]+">(C-[A-Z]+-\d+)<', text)


def clause(code):
    return Clause.objects.get(code=code)


def test_the_book_has_every_clause_in_order_with_its_rule_and_its_documents():
    rows = Clause.objects.order_by("position")
    assert [c.code for c in rows] == list(clauses.clauses())
    assert len(rows) == 260
    assert [c.code for c in rows if not c.text.endswith("。") or len(c.text) < 20] == []
    assert {c.chapter for c in rows} == {c.value for c in resources.CHAPTERS}
    assert {c.kind for c in rows} == {c.value for c in resources.KINDS}
    assert {name for c in rows for name in c.sources.split("、")} == {
        "销售助理内勤管理制度",
        "网络公司销售管理制度",
        "销售内勤主管岗位职责",
        "销售管理部内勤汇报",
        "销售部办公室制度",
    }


def test_the_rules_are_written_as_our_screens_are():
    wrong = re.compile(r"[您!！,;:?()]|请(?!求|购|单|示|假|名|先)|[一-鿿] | [一-鿿]")
    texts = [(c, given["text"]) for c, given in shipped.clauses().items()]
    told = re.compile(r"\d:\d\d|申请|邀请|提请|报请|申请人")  # a time of day; words that happen to hold 请
    assert [(c, t) for c, t in texts if wrong.search(told.sub("", t))] == []


def test_somebody_without_any_right_reads_a_chapter_and_finds_clauses_by_sound(clerk):
    first = page(clerk)
    assert codes(first) == [f"C-ORG-{n:02}" for n in range(1, 16)]
    assert "制度由销售部起草，公司领导批准，发布之日起执行。" in first
    assert codes(page(clerk, f"{BOOK}?chapter=TRV")) == [f"C-TRV-{n:02}" for n in range(1, 9)]
    assert codes(page(clerk, f"{BOOK}?q=zdkhy")) == ["C-CUS-11"]  # 重点客户由…
    assert len(codes(page(clerk, f"{BOOK}?chapter=all"))) == 260
    assert "没有符合条件的条款" in page(clerk, f"{BOOK}?q=量子纠缠")


def test_the_book_counts_what_is_carried_out_and_shows_it(clerk):
    states = list(Clause.objects.values_list("state", flat=True))
    done, part = states.count("done"), states.count("part")
    assert f"260 条，已落实 {done}，部分 {part}" in page(clerk)
    carried = [c for c in shipped.clauses() if c in site().carried and not site().carried[c].missing]
    assert codes(page(clerk, f"{BOOK}?state=done")) == carried
    assert len(codes(page(clerk, f"{BOOK}?state=open"))) == 260 - done - part


def test_a_clause_leads_to_its_screen_whom_the_screen_opens_for(clerk):
    assert site().carried["C-CUS-03"] == Carried("/customers/quality/")
    record = clause("C-CUS-03")
    assert '<a class="link" href="/customers/quality/">' not in page(clerk, f"{BOOK}?q=C-CUS-03")
    rep = factories.sign_in(Client(), factories.person("周启明"))
    assert '<a class="link" href="/customers/quality/">档案质量</a>' in page(rep, f"{BOOK}?q=C-CUS-03")
    assert "在「档案质量」里办。" in page(rep, f"{resources.clause.url}{record.pk}/")
    assert "系统还没有做到这一条。" in page(rep, f"{resources.clause.url}{clause('C-TRV-01').pk}/")


def test_the_company_writes_a_clause_in_its_own_words_and_the_original_stays(keeper):
    record = clause("C-OFF-09")
    before = record.text
    assert perform(resources.edit, [record.pk], by=keeper, params={"text": "早会 8:30 开始。"}).done == [record.pk]
    record.refresh_from_db()
    assert (record.text, record.original, record.version) == ("早会 8:30 开始。", before, 2)
    assert shipped.install() == 0  # an upgrade leaves it
    record.refresh_from_db()
    assert record.text == "早会 8:30 开始。"
    perform(resources.edit, [record.pk], by=keeper, params={"text": before})
    record.refresh_from_db()
    assert (record.text, record.original) == (before, "")


def test_a_clause_that_does_not_apply_says_why_and_comes_back(keeper, clerk):
    record = clause("C-CUS-03")
    perform(resources.exclude, [record.pk], by=keeper, params={"reason": "客户由总部录入"})
    assert "客户由总部录入" in page(clerk, f"{resources.clause.url}{record.pk}/")
    assert codes(page(clerk, f"{BOOK}?state=off")) == ["C-CUS-03"]
    assert shipped.install() == 0
    record.refresh_from_db()
    assert (record.state, record.reason) == ("off", "客户由总部录入")
    perform(resources.include, [record.pk], by=keeper)
    record.refresh_from_db()
    assert (record.state, record.reason, record.version) == ("done", "", 3)


def test_an_upgrade_brings_new_words_and_states_without_touching_the_rest(monkeypatch, keeper):
    perform(resources.edit, [clause("C-OFF-09").pk], by=keeper, params={"text": "早会 8:30 开始。"})
    new = {c: dict(given) for c, given in shipped.clauses().items()}
    new["C-OFF-09"]["text"] = new["C-OFF-08"]["text"] = "新版的写法。"
    monkeypatch.setattr(shipped, "clauses", lambda: new)
    monkeypatch.setitem(site().carried, "C-TRV-01", Carried("/customers/customer/"))
    assert shipped.install() == 3
    assert (clause("C-OFF-09").text, clause("C-OFF-09").original) == ("早会 8:30 开始。", "新版的写法。")
    assert (clause("C-OFF-08").text, clause("C-OFF-08").original) == ("新版的写法。", "")
    assert clause("C-TRV-01").state == "done"
    assert shipped.install() == 0


def test_only_the_keeper_changes_clauses(clerk):
    url = f"{resources.clause.url}{clause('C-OFF-09').pk}/"
    for address in ("edit/", "exclude/"):
        assert clerk.post(f"{url}{address}", {"text": "不开早会。", "reason": "不开"}).status_code in (403, 404)
    assert clause("C-OFF-09").version == 1


def test_what_a_module_claims_is_in_the_book_and_proven_by_a_marked_test():
    claimed, carried = site().carried, {c for c, where in site().carried.items() if not where.missing}
    assert claimed.keys() - shipped.clauses().keys() == set()
    assert carried - clauses.marked() == set()
    assert carried


def test_every_claimed_screen_opens():
    everything = {p.replace(".", "_", 1): "all" for _, group in site().permissions for p in group}
    boss = factories.person("全知", position_=factories.position("全知岗", **everything))
    client = factories.sign_in(Client(), boss)
    for code, where in site().carried.items():
        assert client.get(where.url).status_code in (200, 302), code
        assert places.of(code, SYSTEM).url == where.url, code
