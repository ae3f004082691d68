"""Working time: the vectors of the regulations, and what holds for every calendar."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.deadlines import calendar, years
from neiqin.kernel.deadlines.calendar import WorkCalendar, parse_hours, write_hours
from neiqin.kernel.deadlines.models import WORKED
from tests.shared import DATA

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = parse_hours("09:00-12:00,13:00-18:00")
KNOWN = WorkCalendar({e.date: e.kind in WORKED for y in years.known_years() for e in years.known(y)}, HOURS, SHANGHAI)

moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
days = st.dates(date(2025, 1, 1), date(2027, 12, 31))
lengths = st.integers(0, 4000)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_2026_has_248_working_days_by_month_and_six_on_weekends():
    worked = [e.date for e in years.known(2026) if e.kind in WORKED]
    assert len(worked) == 248
    assert [sum(d.month == m for d in worked) for m in range(1, 13)] == [21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23]
    weekend = [f"{d:%m-%d}" for d in worked if d.weekday() > 4]
    assert weekend == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


@pytest.mark.parametrize(("year", "count"), [(2020, 11), (2023, 11), (2024, 11), (2025, 13), (2026, 13)])
def test_statutory_days_are_eleven_a_year_and_thirteen_since_2025(year, count):
    statutory = [e for e in years.known(year) if e.statutory]
    # In 2020 中秋 fell on 国庆.
    assert len(statutory) == count - (year == 2020)
    assert all(e.kind == "holiday" for e in statutory)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-09-18 16:00", 8, "2026-09-20 16:00"),
        ("2026-09-30 17:00", 4, "2026-10-08 12:00"),
        ("2026-11-20 17:30", 2, "2026-11-23 10:30"),
        ("2026-02-13 16:00", 8, "2026-02-14 16:00"),
    ],
)
def test_working_hours_run_over_lunch_weekends_and_holidays(start, hours, due):
    assert KNOWN.add_working_time(at(start), hours * 60) == at(due)
    assert KNOWN.working_minutes_between(at(start), at(due)) == hours * 60


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [("2026-09-30", 3, "2026-10-10"), ("2026-09-24", 1, "2026-09-28"), ("2026-04-30", 2, "2026-05-07")],
)
def test_t_plus_n_counts_working_days(start, count, end):
    start, end = date.fromisoformat(start), date.fromisoformat(end)
    assert KNOWN.add_working_days(start, count) == end
    assert KNOWN.add_working_days(end, -count) == start


def test_counting_includes_both_ends():
    assert KNOWN.count_working_days(date(2026, 9, 18), date(2026, 10, 10)) == 12
    assert KNOWN.count_working_days(date(2026, 10, 10), date(2026, 9, 18)) == 0


def test_a_year_not_yet_published_goes_by_weekdays_and_says_so():
    assert 2026 in KNOWN.published_years
    assert 2027 not in KNOWN.published_years
    assert KNOWN.is_workday(date(2027, 1, 1))
    assert not KNOWN.is_workday(date(2027, 1, 2))


def test_a_calendar_without_working_days_is_an_error_and_no_endless_search():
    never = WorkCalendar({date(2026, 1, 1) + timedelta(days=i): False for i in range(90000)}, HOURS, SHANGHAI)
    with pytest.raises(ValueError, match="no working days"):
        never.add_working_days(date(2026, 1, 1), 1)


@given(moments, lengths, lengths)
def test_working_time_adds_up(moment, one, other):
    assert KNOWN.add_working_time(KNOWN.add_working_time(moment, one), other) == KNOWN.add_working_time(
        moment, one + other
    )


@given(moments, lengths)
def test_between_undoes_adding_and_back_undoes_forth(moment, length):
    due = KNOWN.add_working_time(moment, length)
    assert due >= moment
    assert KNOWN.working_minutes_between(moment, due) == length
    assert KNOWN.working_minutes_between(due, moment) == -length
    back = KNOWN.add_working_time(due, -length)
    assert KNOWN.working_minutes_between(back, due) == length


@given(moments, moments, lengths)
def test_who_starts_later_ends_later(one, other, length):
    first, second = sorted((one, other))
    assert KNOWN.add_working_time(first, length) <= KNOWN.add_working_time(second, length)
    assert KNOWN.working_time_between(first, second) >= timedelta()


@given(moments, moments, moments)
def test_time_between_is_additive(one, two, three):
    assert KNOWN.working_time_between(one, three) == KNOWN.working_time_between(one, two) + KNOWN.working_time_between(
        two, three
    )


@given(days, st.integers(0, 300), st.integers(0, 300))
def test_working_days_add_up_and_can_be_counted(day, one, other):
    end = KNOWN.add_working_days(day, one + other)
    assert KNOWN.add_working_days(KNOWN.add_working_days(day, one), other) == end
    assert KNOWN.count_working_days(day + timedelta(days=1), end) == one + other


def test_office_hours_are_read_as_people_write_them():
    assert write_hours(parse_hours("9:00-12:00，13：00—18:00")) == "09:00-12:00,13:00-18:00"
    assert parse_hours("08:30-17:30") == ((time(8, 30), time(17, 30)),)


@pytest.mark.parametrize("text", ["", "9-5", "09:00", "18:00-09:00", "09:00-12:00,11:00-18:00", "25:00-26:00", "a-b"])
def test_office_hours_that_make_no_sense_are_refused_in_a_sentence(text):
    with pytest.raises(ValueError, match=r"。$"):
        parse_hours(text)


def test_the_companys_calendar_is_the_known_one(db):
    for day in (date(2026, 9, 20), date(2026, 10, 1), date(2027, 1, 1), date(2024, 2, 18)):
        assert calendar.is_workday(day) == KNOWN.is_workday(day)
    assert [y for y in range(2018, 2030) if calendar.published(y)] == list(range(2020, 2027))
    assert calendar.add_working_days(date(2026, 9, 30), 3) == date(2026, 10, 10)
    assert calendar.add_working_time(at("2026-09-18 16:00"), 480) == at("2026-09-20 16:00")


def test_a_table_of_a_year_is_read_and_completed():
    table = "日期\t类型\t名称\t法定\n2027-01-01\t法定假日\t元旦\t是\n2027-02-06，调休上班\n2027/2/11,放假,春节\n"
    read = years.read(table, 2027)
    assert [(f"{e.date:%m-%d}", e.kind, e.name, e.statutory) for e in read] == [
        ("01-01", "holiday", "元旦", True),
        ("02-06", "shifted", "", False),
        ("02-11", "holiday", "春节", False),
    ]
    whole = {e.date: e.kind for e in years.whole(2027, read)}
    assert len(whole) == 365
    assert (whole[date(2027, 1, 2)], whole[date(2027, 1, 4)]) == ("rest", "workday")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("2027-02-30,法定假日", "第 1 行：2 月没有 30 日。"),
        ("2027-01-01,节", "第 1 行：类型里没有「节」，可选 工作日、休息日、法定假日、调休上班。"),
        ("2027-01-01", "第 1 行：要有日期和类型两列。"),
        ("2027-01-01,法定假日\n2026-12-31,法定假日", "第 2 行：2026-12-31 不在 2027 年。"),
        ("2027-01-04,调休上班\n2027-01-01,法定假日", "第 1 行：2027-01-04 是周一，本来就上班，不是调休上班。"),
        ("2027-01-01,法定假日\n2027-01-02,工作日", "第 2 行：2027-01-02 是周六，上班要写「调休上班」。"),
        ("2027-01-02,法定假日\n2027-01-02,调休上班", "第 2 行：2027-01-02 出现两次，一次是法定假日，一次是调休上班。"),
        ("2027-01-02,调休上班,,是\n2027-01-01,放假", "第 1 行：2027-01-02 标了法定，类型却是调休上班。"),
        ("", "里面没有一天放假。2027 年的放假通知公布后再导入。"),
        ('{"year": 2027, "papers": [], "days": []}', "里面没有一天放假。2027 年的放假通知公布后再导入。"),
        ('{"year": 2026, "days": []}', "文件是 2026 年的，不是 2027 年的。"),
        ('{"days": [{"date": "x"}]}', "JSON 读不出来"),
        ("{", "JSON 读不出来"),
        ('{"days":' + "[" * 20_000, "JSON 读不出来"),
        ('{"days": [{"date": "2027-01-01", "isOffDay": true, "name": "a\\u0000b"}]}', "JSON 读不出来"),
        ('{"days": [{"date": "2027-01-01", "isOffDay": true, "name": "\\ud800"}]}', "JSON 读不出来"),
    ],
)
def test_a_table_that_is_wrong_is_refused_naming_the_row(table, said):
    with pytest.raises(years.BadYear) as caught:
        years.read(table, 2027)
    assert said in str(caught.value)


def test_the_public_notice_data_reads_as_chinese_calendar_has_it():

    source = DATA / "ref-cn-holidays"
    if not source.is_dir():
        pytest.skip("the notices' JSON is not on this machine")
    for year in years.known_years():
        read = years.whole(year, years.read((source / f"{year}.json").read_text(), year))
        assert {e.date: e.kind in WORKED for e in read} == {e.date: e.kind in WORKED for e in years.known(year)}
    with pytest.raises(years.BadYear, match="2027 年的放假通知公布后再导入"):
        years.read((source / "2027.json").read_text(), 2027)
