"""Numbers without gaps: how they look, and that no interleaving, rollback or race loses or repeats one."""

from datetime import date
from itertools import count
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.numbering.series import NotOfThisPattern, Pattern, continue_from, take
from tests.effort import tries

DAY = date(2026, 11, 22)
CUSTOMER = Pattern("KH", digits=6)
ORDER = Pattern("DD", by_day=True)
CONTRACT = Pattern("HT", by_year=True, infix="XS")
FRESH = (f"T{n}" for n in count())


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        (CUSTOMER, "KH000001"),
        (ORDER, "DD20261122-0001"),
        (CONTRACT, "HT-2026-XS-0001"),
        (Pattern("DZ", digits=3, by_month=True), "DZ202611-001"),
        (Pattern("CG", by_year=True), "CG-2026-0001"),
    ],
)
def test_a_number_is_written_and_read_the_same_way(pattern, number):
    period = pattern.period(DAY)
    assert pattern.write(period, 1) == number
    assert pattern.read(number.lower()) == (period, 1)
    assert pattern.read(pattern.write(period, 12345678)) == (period, 12345678)


@pytest.mark.parametrize(
    "text", ["", "KH", "KH00001", "KH000000", "DD000001", "KH00000１2", "KH-000001", "KH0000019999999999999"]
)
def test_a_number_of_another_shape_is_refused_with_an_example(text):
    with pytest.raises(NotOfThisPattern) as refused:
        CUSTOMER.read(text)
    assert "KH000001" in refused.value.sentence


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "客户"},
        {"code": ""},
        {"code": "kh"},
        {"code": "KH", "by_day": True, "by_year": True},
        {"code": "KH", "digits": 0},
    ],
)
def test_a_pattern_that_could_not_be_read_back_is_refused(wrong):
    with pytest.raises(ValueError):
        Pattern(**wrong)


@given(
    st.builds(Pattern, st.from_regex(r"[A-Z][A-Z0-9]{0,5}", fullmatch=True), st.integers(1, 9), st.booleans()),
    st.integers(1, 10**12),
)
def test_any_counter_survives_being_written(pattern, number):
    assert pattern.read(pattern.write(pattern.period(DAY), number))[1] == number


def test_numbers_follow_each_other_and_each_period_and_entity_starts_anew(db, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert take(ORDER, 3, DAY) == ["DD20261122-0001", "DD20261122-0002", "DD20261122-0003"]
    assert take(ORDER, 1, DAY) == ["DD20261122-0004"]
    assert take(ORDER, 1, date(2026, 11, 23)) == ["DD20261123-0001"]
    assert take(ORDER, 1, DAY, entity_id=2) == ["DD20261122-0001"]
    assert take(CONTRACT, 1, date(2027, 1, 1)) == ["HT-2027-XS-0001"]
    assert take(Pattern("HT", by_year=True, infix="CG"), 1, DAY) == ["HT-2026-CG-0001"]


def test_no_numbers_cost_nothing_and_too_many_are_refused(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert take(CUSTOMER, 0, DAY) == []
    for wrong in (-1, 100_001):
        with pytest.raises(ValueError):
            take(CUSTOMER, wrong, DAY)


def test_a_counter_grows_past_its_digits(db):
    continue_from(ORDER, "DD20261122-9999")
    assert take(ORDER, 2, DAY) == ["DD20261122-10000", "DD20261122-10001"]


def test_old_numbers_are_continued_and_never_given_again(db):
    assert continue_from(CUSTOMER, "kh004711") == 4712
    assert take(CUSTOMER, 1, DAY) == ["KH004712"]
    assert continue_from(CUSTOMER, "KH000010") == 4713
    assert take(CUSTOMER, 1, DAY) == ["KH004713"]


@tries(50)
@given(st.lists(st.tuples(st.integers(1, 7), st.booleans()), max_size=12))
def test_rolled_back_takes_leave_no_gap_and_no_duplicate(db, steps):
    pattern, kept = Pattern(next(FRESH)), []
    for wanted, commit in steps:
        with transaction.atomic():
            numbers = take(pattern, wanted, DAY)
            kept += numbers if commit else []
            transaction.set_rollback(not commit)
    assert [pattern.read(number)[1] for number in kept] == list(range(1, len(kept) + 1))


def test_threads_that_take_and_roll_back_leave_no_gap_and_no_duplicate(own_database):
    kept, start = [], Barrier(4)

    def clerk(seed: int) -> None:
        start.wait()
        try:
            for n in range(25):
                with transaction.atomic():
                    numbers = take(ORDER, 1 + (n + seed) % 3, DAY)
                    rollback = (n * seed) % 4 == 1
                    transaction.set_rollback(rollback)
                if not rollback:
                    kept.extend(numbers)
        finally:
            connection.close()

    clerks = [Thread(target=clerk, args=(seed,)) for seed in range(4)]
    for thread in clerks:
        thread.start()
    for thread in clerks:
        thread.join()
    assert sorted(ORDER.read(number)[1] for number in kept) == list(range(1, len(kept) + 1))
    assert len(kept) > 100
