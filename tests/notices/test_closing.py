"""日清: once towards the end of a working day, what must not stay open; nothing for who has nothing."""

from datetime import date

import pytest
import time_machine

from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.notices import closing
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.home import page_for
from tests import factories

pytestmark = pytest.mark.django_db
FRIDAY = "2026-11-27 {}+08:00"


@pytest.fixture
def doer():
    """周启明 has one thing for today and one that is late; 何雨桐 has one for next week; both can sign in."""
    position = factories.position("销售代表", tasks_view="own", tasks_do="own")
    busy, easy = factories.person("周启明", position_=position), factories.person("何雨桐", position_=position)
    for person in (busy, easy):
        factories.login_of(person)
    with time_machine.travel(FRIDAY.format("09:00"), tick=False):
        factories.task(busy, name="整理展会名单")
        factories.task(busy, name="回访旧客户", due_on="2026-11-28")
        factories.task(easy, name="下周的事", due_on="2026-12-04")
    return busy


def at(moment: str) -> list[Notice]:
    """A minute of the worker; what it has told of the day's end so far."""
    with time_machine.travel(moment, tick=False):
        closing.every_minute()
        drain()
    return list(Notice.objects.filter(kind="closing").order_by("pk"))


def test_who_has_something_left_hears_once_how_many_and_which_with_the_way_there(doer):
    assert at(FRIDAY.format("17:24")) == []
    (told,) = at(FRIDAY.format("17:25"))
    assert (told.person_id, told.url) == (doer.pk, "/")
    assert told.title == "日清：今天还有 1 件没办完"
    assert "整理展会名单" in told.text
    assert "回访旧客户" not in told.text, "due tomorrow"
    assert at(FRIDAY.format("17:26")) == [told]
    assert at(FRIDAY.format("17:59")) == [told]


def test_on_a_day_off_nobody_hears_anything_and_on_the_next_working_day_what_is_late_counts(doer):
    assert at("2026-11-28 17:30+08:00") == [], "a Saturday"
    (told,) = at("2026-11-30 17:30+08:00")
    assert told.title == "日清：今天还有 2 件没办完"


def test_who_has_left_or_cannot_sign_in_is_not_told(doer):
    type(doer).objects.filter(pk=doer.pk).update(left_on=date(2026, 11, 27))
    assert at(FRIDAY.format("17:30")) == []
    type(doer).objects.filter(pk=doer.pk).update(left_on=None)
    login = factories.login_of(doer)
    type(login).objects.filter(pk=login.pk).update(is_active=False)
    assert at(FRIDAY.format("17:30")) == []


def test_the_number_is_that_of_the_workbench(doer):
    (told,) = at(FRIDAY.format("17:31"))
    with time_machine.travel(FRIDAY.format("17:31"), tick=False):
        assert f"还有 {page_for(actor_of(doer.pk)).closing} 件" in told.title
