"""Written duties: published in versions, signed by each holder himself, and the list of who has not (C-ORG-02)."""

import re

import pytest

from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed
from neiqin.kernel.people import duties
from neiqin.kernel.people.models import Duty, DutyReading
from tests import factories

TEXT = "1. 每天核对客户资料\n2. 每周清重复档案"


def publish(office, position, text=TEXT):
    """By the manager of people."""
    perform(duties.publish_duty, [position.pk], by=office.as_("hr"), params={"text": text})
    return Duty.objects.filter(position=position).order_by("-number")[0]


@pytest.mark.clause("C-ORG-02")
def test_both_data_clerks_sign_the_new_duties_and_the_supervisor_sees_who_has_not(office, client):
    position = factories.position("数据专员", people_view="all")
    clerks = [factories.person(name, unit_=office.top, position_=position) for name in ("叶知秋", "钟意")]
    factories.sign_in(client, office.hr)
    page = client.post(f"/people/position/{position.pk}/publish_duty/", {"text": TEXT, "request_key": "k1"})
    assert page.status_code == 200
    sheet = Duty.objects.get(position=position)
    address = f"/people/duties/{sheet.pk}/"
    assert (sheet.number, sheet.text) == (1, TEXT)

    for clerk in clerks:
        factories.sign_in(client, clerk)
        assert "数据专员岗位职责，看完签收" in client.get("/").text
        assert "每周清重复档案" in client.get(address).text

    factories.sign_in(client, clerks[0])
    assert client.post(address, {"request_key": "k2"}).status_code == 302
    home = client.get("/").text
    assert "看完签收" not in home
    assert "数据专员岗位职责" in home

    factories.sign_in(client, office.hr)
    listed = client.get("/people/duties/").text
    row = next(r for r in re.findall(r"<tr>.*?</tr>", listed, re.DOTALL) if "数据专员" in r)
    assert "1 / 2 人" in row
    assert "钟意" in row
    assert "叶知秋" not in row
    position_page = client.get(f"/people/position/{position.pk}/").text
    assert position_page.count("还没签") == 1
    assert client.get("/people/duties/?only=unsigned").text.count("第 1 版") == 1


def test_a_new_version_asks_everybody_again_and_keeps_the_old_signatures(office):
    first = publish(office, office.rep)
    perform(duties.sign_duty, [office.zhou.pk], by=office.as_("zhou"), params={"duty": first.pk})
    second = publish(office, office.rep, "新的一版")
    assert (first.number, second.number) == (1, 2)
    assert duties.unsigned_of(office.zhou.pk) == [second]
    assert DutyReading.objects.filter(duty=first).count() == 1


def test_the_same_text_is_not_published_twice(office):
    publish(office, office.rep)
    outcome = perform(duties.publish_duty, [office.rep.pk], by=office.as_("hr"), params={"text": TEXT})
    assert outcome.refused[office.rep.pk].text == "和第 1 版一字不差，没有发布。"
    assert Duty.objects.count() == 1


def test_only_a_holder_signs_only_for_himself_and_only_once(office):
    sheet = publish(office, office.rep)
    params = {"duty": sheet.pk}
    for who, by in ((office.he, "zhou"), (office.lu, "lu")):
        assert who.pk in perform(duties.sign_duty, [who.pk], by=office.as_(by), params=params).refused
    assert perform(duties.sign_duty, [office.zhou.pk], by=office.as_("zhou"), params=params).done == [office.zhou.pk]
    assert office.zhou.pk in perform(duties.sign_duty, [office.zhou.pk], by=office.as_("zhou"), params=params).refused
    assert list(DutyReading.objects.values_list("person_id", flat=True)) == [office.zhou.pk]
    assert Event.objects.filter(name="people.person.duty_signed").count() == 1


def test_publishing_and_the_list_need_the_right(office, client):
    with pytest.raises(NotAllowed):
        perform(duties.publish_duty, [office.rep.pk], by=office.as_("lu"), params={"text": TEXT})
    factories.sign_in(client, office.lu)
    assert client.get("/people/duties/").status_code == 403


def test_a_holder_reads_and_signs_without_any_right(office, client):
    position = factories.position("保洁")
    cleaner = factories.person("夏阳", unit_=office.top, position_=position)
    mine, others = publish(office, position), publish(office, office.rep, "别人的")
    factories.sign_in(client, cleaner)
    assert client.get(f"/people/duties/{mine.pk}/").status_code == 200
    assert client.get(f"/people/duties/{others.pk}/").status_code == 404
    assert client.post(f"/people/duties/{mine.pk}/").status_code == 302
    assert DutyReading.objects.get().person_id == cleaner.pk


def test_a_leaver_is_no_longer_asked_for_a_signature(office):
    sheet = publish(office, office.rep)
    assert [name for _, name in duties.sheets([office.rep.pk])[0].unsigned] == ["何雨桐", "周启明"]
    office.zhou.appointments.all().delete()
    assert [name for _, name in duties.sheets([office.rep.pk])[0].unsigned] == ["何雨桐"]
    assert sheet not in duties.unsigned_of(office.zhou.pk)
