"""Who reads unusually much is told to the supervisors and, where the company wants it, reads no more (C-SEC-03)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.notices import reading
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people import safety
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Safety
from neiqin.kernel.resources.models import Reading
from neiqin.modules.customers.models import Customer
from tests import factories

pytestmark = pytest.mark.django_db
LIMIT = 200


@pytest.fixture
def desk():
    """A service person, her head, who may look into the log, and 201 customers that are not hers."""
    unit = factories.unit("客户服务组")
    service = factories.position("客服专员", customers_view="all", customers_reveal="all")
    head = factories.person("温如玉", unit_=unit, position_=factories.position("客户关系经理", customers_view="all"))
    unit.leader = head
    unit.save()
    auditor = factories.person(
        "方静仪", position_=factories.position("内勤主管", audit_view="all", people_rights="all")
    )
    person = factories.person("谭晶晶", unit_=unit, position_=service)
    rep = factories.actor("周启明")
    first = factories.customer(rep)
    made = Customer.objects.bulk_create(
        Customer(name=f"客户{n}", number=f"KH9{n:05}", owner_id=rep.id, unit_id=rep.unit_id, **factories.stamps())
        for n in range(LIMIT)
    )
    return person, head, auditor, [first.pk, *(c.pk for c in made)]


def allow(auditor, *, stop: bool) -> None:
    params = {"password_days": 0, "reads_an_hour": LIMIT, "review_days": 0, "reads_stop": stop}
    assert perform(safety.set_safety, [Safety.objects.get().pk], by=actor_of(auditor.pk), params=params).done


@pytest.mark.clause("C-SEC-03")
def test_a_reveal_is_logged_and_two_hundred_files_in_an_hour_are_told_and_stop(desk):
    person, head, auditor, customers = desk
    allow(auditor, stop=True)
    client = factories.sign_in(Client(), person)
    revealed = client.post(f"/customers/customer/{customers[0]}/reveal/", {"reason": "客户来电核对"})
    assert revealed.status_code == 200
    event = Event.objects.get(name="customers.customer.revealed", record_id=customers[0])
    assert Run.objects.get(pk=event.run_id).person_id == person.pk
    for customer in customers[:LIMIT]:
        assert client.get(f"/customers/customer/{customer}/").status_code == 200
    reading.watch()
    reading.watch()
    told = Notice.objects.filter(kind="reading").order_by("person_id")
    assert sorted(n.person_id for n in told) == sorted([head.pk, auditor.pk])
    assert all(f"{LIMIT} 份档案" in n.title and "谭晶晶" in n.title for n in told)
    assert Run.objects.filter(action="reading.alarm").count() == 1
    answer = client.get(f"/customers/customer/{customers[LIMIT]}/")
    assert answer.status_code == 403
    assert "这一小时已经看了 200 份档案" in answer.content.decode()
    assert client.get(f"/customers/customer/{customers[5]}/").status_code == 200
    assert client.get(f"/customers/customer/{customers[LIMIT]}/edit/").status_code == 404
    api = factories.api(Client(), person)
    assert api.get(f"/api/v1/customers/{customers[LIMIT]}").status_code == 403
    assert Reading.objects.filter(person_id=person.pk).count() == LIMIT


def test_without_the_setting_it_is_told_and_goes_on(desk):
    person, head, auditor, customers = desk
    allow(auditor, stop=False)
    client = factories.sign_in(Client(), person)
    for customer in customers:
        assert client.get(f"/customers/customer/{customer}/").status_code == 200
    reading.watch()
    assert Notice.objects.filter(kind="reading", person_id=head.pk).count() == 1


def test_the_same_file_twice_is_one_and_a_new_hour_starts_anew(desk):
    person, _, _, customers = desk
    client = factories.sign_in(Client(), person)
    for _ in range(3):
        client.get(f"/customers/customer/{customers[0]}/")
    assert Reading.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE resources_reading SET hour = hour - interval '1 hour'")
    client.get(f"/customers/customer/{customers[0]}/")
    assert Reading.objects.count() == 2


def test_a_few_files_at_night_are_told_too(desk):
    person, head, _, customers = desk
    night = clock.now().replace(minute=0, second=0, microsecond=0)
    while 6 <= clock.local(night).hour < 22:
        night -= timedelta(hours=1)
    Reading.objects.bulk_create(
        Reading(person_id=person.pk, hour=night, model="customers.customer", record_id=c, at=night)
        for c in customers[: reading.AT_NIGHT]
    )
    reading._judge(person.pk, night, reading.AT_NIGHT, LIMIT)
    assert Notice.objects.filter(kind="reading", person_id=head.pk).count() == 1
    reading._judge(person.pk, night + timedelta(hours=12), reading.AT_NIGHT, LIMIT)
    assert Notice.objects.filter(kind="reading", person_id=head.pk).count() == 1


def test_what_holds_nobody_is_not_noted(desk):
    _, _, auditor, _ = desk
    client = factories.sign_in(Client(), factories.person("潘一鸣", position_=factories.position(people_view="all")))
    assert client.get(f"/people/person/{auditor.pk}/").status_code == 200
    assert not Reading.objects.exists()
