"""Who calls, what a call-record file brings, and how fast calls are answered."""

from datetime import datetime, timedelta
from decimal import Decimal as D
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.calls import calling, filing, knowing, pages
from neiqin.modules.calls.models import Call
from neiqin.modules.calls.records import read_records
from tests import factories
from tests.calls.test_calls import CALLS, MONDAY, Desk
from tests.effort import tries

CHINA = ZoneInfo("Asia/Shanghai")
HEADERS = "主叫号码,被叫号码,开始时间,振铃秒数,接听时间,通话秒数,分机,接听状态"


@pytest.fixture
def desk(db):
    return Desk()


def table(*rows):
    return "\n".join([HEADERS, *rows]).encode()


def bring(desk, content, who=None):
    file = SimpleUploadedFile("话单.csv", content)
    return desk.at(who or desk.clerk).post("/calls/records/", {"file": file}).content.decode()


@pytest.mark.clause("C-OFF-10")
def test_a_known_number_fills_in_the_customer_and_a_file_brings_the_times_that_the_report_averages(desk):
    factories.extension("801", desk.clerk)
    with time_machine.travel(MONDAY, tick=False) as at:
        page = desk.at(desk.clerk).get("/calls/ring/", {"number": "+86 138-0013-8000"}).content.decode()
        assert "昆山澄江精密" in page
        assert "潘工" in page
        form = {"number": "+86 138-0013-8000", "who": "潘工", "topic": "press", "need": "轴承什么时候到",
                "at": clock.now().isoformat(), "customer": desk.customer.pk}  # fmt: skip
        answer = desk.at(desk.clerk).post("/calls/ring/", form)
        one = Call.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"{CALLS}{one.pk}/")
        assert (one.customer, one.answerer, one.ring_seconds) == (desk.customer, desk.clerk, None)
        stands = desk.at(desk.clerk).get(f"/customers/customer/{desk.customer.pk}/").content.decode()
        assert f'href="{CALLS}{one.pk}/"' in stands
        assert "轴承什么时候到" in stands

        at.shift(timedelta(hours=8))
        told = bring(desk, table(
            "13800138000,801,2026-11-23 08:59:40,8,2026-11-23 08:59:48,65,801,已接听",
            "0512-66660001,801,2026-11-23 10:00:00,13,2026-11-23 10:00:13,20,801,已接听",
            "13911112222,801,2026-11-23 11:00:00,30,,0,801,未接",
            "801,802,2026-11-23 11:05:00,3,2026-11-23 11:05:03,9,801,已接听",
        ))  # fmt: skip
        assert "新记 2 通，补时间 1 通，内线 1 通不记。" in told
        one.refresh_from_db()
        assert (one.ring_seconds, one.talk_seconds, one.need) == (8, 65, "轴承什么时候到")
        assert one.rang_at == datetime(2026, 11, 23, 8, 59, 40, tzinfo=CHINA)
        assert [(c.state, c.missed, c.answerer) for c in Call.objects.exclude(pk=one.pk).order_by("rang_at")] == [
            ("bare", False, desk.clerk), ("missed", True, desk.clerk),
        ]  # fmt: skip

        report = desk.at(desk.clerk).get("/calls/response/").content.decode()
        assert "10.5 秒" in report
        assert "33.3%" in report
        people, days, total = pages.figures(actor_of(desk.clerk.pk), pages.month_of("2026-11"))
        assert (total.asked, total.missed, total.mean, total.share) == (3, 1, D("10.5"), D("33.3"))
        assert [(f.name, f.asked) for f in people] == [("林知夏", 3)]
        assert [(f.name, f.asked) for f in days] == [("11-23", 3)]
        for what, count in (("asked", 3), ("answered", 2), ("missed", 1), ("rung", 2)):
            rows = desk.at(desk.clerk).get(pages.rows_of(people[0], pages.month_of("2026-11"), what)).content.decode()
            assert rows.count("<tr data-url=") == count, what
        book = desk.at(desk.clerk).get("/calls/response/?as=xlsx")
        assert book["Content-Type"].endswith("spreadsheetml.sheet")


def test_the_same_file_twice_changes_nothing(desk):
    with time_machine.travel("2026-11-23 18:00+08:00", tick=False):
        file = table(
            "13911112222,801,2026-11-23 11:00:00,30,,0,801,未接",
            "13911112222,801,2026-11-23 11:00:00,30,,0,801,未接",
        )
        assert "新记 2 通" in bring(desk, file)
        before = list(Call.objects.order_by("pk").values())
        assert "新记 0 通，补时间 0 通，已有 2 通。" in bring(desk, file)
        assert list(Call.objects.order_by("pk").values()) == before


def test_bad_rows_are_named_and_the_others_are_brought_in(desk):
    with time_machine.travel("2026-11-23 18:00+08:00", tick=False):
        told = bring(desk, table(
            "13911112222,801,昨天,30,,0,801,未接",
            "abc,801,2026-11-23 11:00:00,30,,0,801,未接",
            "013911112222,801,2026-11-23 11:30:00,5,2026-11-23 11:30:05,10,801,已接听",
        ))  # fmt: skip
    assert "第 2 行「开始时间」昨天：不是时间，写成 2026-11-20 09:30:00。" in told
    assert "第 3 行「主叫号码」abc：不是电话号码，写成 13800138000 或 0512-65880000。" in told
    assert factories.names_of(Call.objects.get(), column="other") == ["13911112222"]
    assert "不知道是谁的分机：801。" in told


def test_a_file_of_something_else_says_what_is_missing(desk):
    told = bring(desk, "品名,数量\n轴承,3".encode())
    assert "不像话单" in told
    assert not Call.objects.exists()


def test_records_in_other_systems_words():
    english = (
        b"calldate,src,dst,duration,billsec,disposition,uniqueid\n"
        b"2026-11-23 09:00:00,13800138000,801,30,20,ANSWERED,1.1\n"
        b"2026-11-23 09:05:00,801,13800138000,9,0,NO ANSWER,1.2\n"
    )
    one, two = read_records(english, "cdr.csv").records
    assert (one.direction, one.answered, one.ended) == (
        "in", datetime(2026, 11, 23, 9, 0, 10, tzinfo=CHINA), datetime(2026, 11, 23, 9, 0, 30, tzinfo=CHINA),
    )  # fmt: skip
    assert (two.direction, two.missed, two.extension, two.key) == ("out", True, "801", "id:1.2")


def test_an_unknown_number_is_found_again_by_its_next_call(desk):
    form = {
        "number": "13922223333",
        "who": "老顾",
        "topic": "ask",
        "need": "有没有 6204",
        "at": clock.now().isoformat(),
    }
    desk.at(desk.clerk).post("/calls/ring/", form)
    page = desk.at(desk.clerk).get("/calls/ring/?number=13922223333").content.decode()
    assert "没有客户登记过这个号码" in page
    assert "有没有 6204" in page
    assert "建成新客户" in page


def test_one_save_hands_the_call_to_the_customers_rep(desk):
    form = {"number": "0512-65880000", "topic": "press", "need": "货呢", "at": clock.now().isoformat(),
            "customer": desk.customer.pk, "then": f"transfer-{desk.rep.pk}"}  # fmt: skip
    desk.at(desk.clerk).post("/calls/ring/", form)
    one = Call.objects.get()
    assert (one.state, one.passed_to, one.customer) == ("passed", desk.rep, desk.customer)


def test_of_a_customer_beyond_her_reach_she_sees_name_and_owner_and_nothing_else(desk):
    page = desk.at(desk.other).get("/calls/ring/?number=13800138000").content.decode()
    assert "昆山澄江精密" in page
    assert "由 周启明 负责" in page
    assert "潘工" not in page
    assert f"/customers/customer/{desk.customer.pk}/" not in page


def test_what_is_wrong_is_said_and_nothing_is_saved(desk):
    answer = desk.at(desk.clerk).post("/calls/ring/", {"number": "12", "need": "x", "at": clock.now().isoformat()})
    assert answer.status_code == 422
    assert "不是电话号码" in answer.content.decode()
    assert not Call.objects.exists()


def test_a_telephone_system_writes_through_the_api(desk):
    client = factories.api(Client(), desk.clerk)
    row = {"other": "13800138000", "rang_at": "2026-11-23T09:00:00+08:00", "answered_at": "2026-11-23T09:00:07+08:00"}
    with time_machine.travel("2026-11-23 09:01+08:00", tick=False):
        answer = client.post("/api/v1/calls", row, content_type="application/json")
    assert answer.status_code == 201, answer.content
    one = Call.objects.get()
    assert (one.customer, one.ring_seconds, one.state) == (desk.customer, 7, "bare")


def test_recognising_costs_the_same_for_one_number_and_for_many(desk):
    for n in range(5):
        factories.customer(contacts=[{"name": f"人{n}", "mobile": f"1390000000{n}"}])
    counts = []
    for numbers in (["13900000000"], [f"1390000000{n}" for n in range(5)]):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            found = knowing.recognise(numbers)
        assert len(found) == len(numbers)
        counts.append(len(seen))
    assert counts[0] == counts[1]


@tries(25)
@given(calls=st.lists(st.tuples(st.sampled_from(["", "0", "7", "31"]), st.integers(0, 3)), min_size=1, max_size=12))
def test_the_report_is_what_counting_the_calls_one_by_one_gives(desk, calls):
    """calls: (seconds until it was answered, "" for nobody did; days ago)."""
    Call.objects.all().delete()
    with time_machine.travel("2026-11-23 18:00+08:00", tick=False):
        start = datetime(2026, 11, 23, 9, 0, tzinfo=CHINA)
        rows = []
        for n, (ring, ago) in enumerate(calls):
            rang = start - timedelta(days=ago) + timedelta(minutes=n)
            answered = (rang + timedelta(seconds=int(ring))).isoformat() if ring else ""
            rows.append({"other": f"139000{n:05}", "rang_at": rang.isoformat(), "answered_at": answered,
                         "missed": not ring, "answerer": desk.clerk.pk})  # fmt: skip
        outcome = perform(calling.create, rows=rows, by=SYSTEM)
        assert not outcome.refused, outcome.refused
        people, days, total = pages.figures(actor_of(desk.manager.pk), pages.month_of("2026-11"))
    rung = [int(ring) for ring, _ in calls if ring]
    assert (total.asked, total.missed, total.rung) == (len(calls), len(calls) - len(rung), len(rung))
    assert total.mean == (pages.one_decimal(D(sum(rung)) / len(rung)) if rung else None)
    for found in (people, days):
        assert sum(f.asked for f in found) == total.asked
        assert sum(f.missed for f in found) == total.missed
        assert sum(f.answered for f in found) == total.answered
    assert {f.key: f.asked for f in days} == {
        (start - timedelta(days=a)).date(): sum(1 for _, b in calls if a == b) for _, a in calls
    }


def test_words_of_a_file():
    assert filing.words_of(filing.Filed(made=2, filled=1)) == "新记 2 通，补时间 1 通"
