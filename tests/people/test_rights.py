"""The rights matrix: changed in one step, on record, in force at the next request, never without a last holder."""

import pytest

from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed
from neiqin.kernel.people import actions, appointments, leaving, rights
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Grant, Person, PositionRole, Role
from tests import factories


def role_of(position):
    """The role that a position of the factories carries."""
    return PositionRole.objects.get(position=position).role


@pytest.mark.clause("C-ORG-10")
def test_two_reps_cannot_open_each_others_customer_and_their_manager_can(office, client):
    theirs = {who: factories.customer(office.as_(who)) for who in ("zhou", "he")}
    for who, other in (("zhou", "he"), ("he", "zhou")):
        factories.sign_in(client, getattr(office, who))
        assert client.get(f"/customers/customer/{theirs[who].pk}/").status_code == 200
        for address in ("", "edit/", "why/", "timeline/?before=9", "hand_over/"):
            assert client.get(f"/customers/customer/{theirs[other].pk}/{address}").status_code == 404, address
        noted = Run.objects.filter(action="refused", person_id=getattr(office, who).pk).order_by("id")[0]
        assert noted.params == {"address": f"/customers/customer/{theirs[other].pk}/"}
    factories.sign_in(client, office.lu)
    for record in theirs.values():
        assert client.get(f"/customers/customer/{record.pk}/").status_code == 200
    factories.sign_in(client, office.root)
    log = client.get("/log/?action=refused").text
    assert log.count("被拒绝") >= 10
    assert "周启明" in log
    assert "何雨桐" in log


def test_rights_changed_in_the_matrix_are_in_force_at_the_next_request(office, client):
    other = type(client)()
    factories.sign_in(other, office.zhou)
    record = factories.customer(office.as_("he"))
    assert other.get(f"/customers/customer/{record.pk}/").status_code == 404
    role = role_of(office.rep)
    factories.sign_in(client, office.root)
    page = client.post("/people/rights/", {f"customers.view:{role.pk}": "all", "request_key": "m1"})
    assert page.status_code == 302
    assert other.get(f"/customers/customer/{record.pk}/").status_code == 200
    client.post("/people/rights/", {f"customers.view:{role.pk}": "", "request_key": "m2"})
    assert other.get("/customers/customer/").status_code == 403


def test_a_change_of_the_matrix_is_one_run_with_before_and_after_in_words(office):
    one, two = role_of(office.rep), role_of(office.manager)
    cells = f"customers.view:{one.pk}=unit\ncustomers.edit:{two.pk}=\naudit.view:{two.pk}=own"
    outcome = perform(rights.set_grants, [one.pk, two.pk], by=office.as_("root"), params={"cells": cells}, key="k")
    notes = dict(Event.objects.filter(run_id=outcome.run).values_list("record_id", "data"))
    assert {k: v["note"] for k, v in notes.items()} == {
        one.pk: "看客户 本人 → 本部门",
        two.pk: "修改客户 本部门及下级 → 没有，查操作日志 没有 → 有",
    }
    assert Grant.objects.get(role=two, permission="audit.view").scope == "all"
    assert not Grant.objects.filter(role=two, permission="customers.edit").exists()


def test_an_unchanged_matrix_and_unknown_cells_change_nothing(office, client):
    before = rights.grants()
    role = role_of(office.rep)
    factories.sign_in(client, office.root)
    posted = {f"customers.view:{role.pk}": "own", "no.such:1": "all", f"customers.edit:{role.pk}": "galaxy"}
    assert client.post("/people/rights/", posted).status_code == 302
    assert rights.grants() == before
    assert not Run.objects.filter(action="people.role.set_grants").exists()


def test_the_last_holder_keeps_the_right_over_rights(office, client):
    role = role_of(office.root_position)
    factories.sign_in(client, office.root)
    page = client.post("/people/rights/", {f"people.rights:{role.pk}": "", "request_key": "m"})
    assert page.status_code == 409
    assert "这样一来就没有人能改权限了" in page.text
    assert Grant.objects.filter(role=role, permission="people.rights").exists()


@pytest.mark.parametrize("how", ["leave", "transfer", "roles"])
def test_the_last_holder_cannot_be_taken_away_either(office, how):
    second = factories.person("备用", unit_=office.top, position_=office.root_position)
    by = actor_of(second.pk)
    Person.objects.filter(pk=second.pk).update(left_on="2020-01-01")  # her session is still open in this test
    if how == "leave":
        outcome = perform(leaving.leave, [office.root.pk], by=by)
    elif how == "transfer":
        outcome = perform(appointments.transfer, [office.root.pk], by=by,
                          params={"unit": office.top.pk, "position": office.rep.pk})  # fmt: skip
    else:
        line = PositionRole.objects.get(position=office.root_position)
        outcome = perform(actions.edit_position, [office.root_position.pk], by=by,
                          params={"roles": [{"id": line.pk, "delete": True}]})  # fmt: skip
    assert "这样一来就没有人能改权限了" in next(iter(outcome.refused.values())).text
    office.root.refresh_from_db()
    assert (office.root.left_on, office.root.position_id) == (None, office.root_position.pk)
    assert PositionRole.objects.filter(position=office.root_position).exists()


def test_roles_of_a_position_are_changed_only_by_who_may_change_rights(office):
    role = role_of(office.root_position)
    row = {"name": "后门", "code": "BACK", "roles": [{"role": role.pk}]}
    refused = perform(actions.create_position, by=office.as_("hr"), rows=[row]).refused[0]
    assert refused.text == "岗位带的角色要由有「改权限」的人来改。"
    edit = {"roles": [{"role": role.pk}]}
    assert office.rep.pk in perform(actions.edit_position, [office.rep.pk], by=office.as_("hr"), params=edit).refused
    assert perform(actions.create_position, by=office.as_("root"), rows=[row]).done
    with pytest.raises(NotAllowed):
        perform(actions.create_role, by=office.as_("hr"), rows=[{"name": "x", "code": "x"}])
    assert Role.objects.filter(code="x").count() == 0


def test_what_somebody_can_do_is_told_with_rows_and_reason(office):
    factories.works_for(office.zhou, office.he)
    told = {what: (where, through) for what, where, through in rights.explain(office.zhou.pk)}
    assert told["看客户"] == ("本人的，和协助的何雨桐的", "岗位「销售代表」，角色「销售代表」")
    assert told["看组织和人员"][0] == "不分范围"
    assert set(told) == {rights.label_of(p) for p in actor_of(office.zhou.pk).scopes}


def test_the_matrix_needs_the_right(office, client):
    factories.sign_in(client, office.hr)
    assert client.get("/people/rights/").status_code == 403
    assert client.post("/people/rights/", {}).status_code == 403


def test_a_second_tab_with_the_rights_of_yesterday_is_refused(office, client):
    """The form was opened while the right was there; by the time it is sent it is gone."""
    record = factories.customer(office.as_("zhou"))
    factories.sign_in(client, office.zhou)
    assert client.get(f"/customers/customer/{record.pk}/edit/").status_code == 200
    role = role_of(office.rep)
    perform(rights.set_grants, [role.pk], by=office.as_("root"), params={"cells": f"customers.edit:{role.pk}="})
    sent = client.post(f"/customers/customer/{record.pk}/edit/", {"city": "昆山", "partial": "1", "version": "1"})
    record.refresh_from_db()
    assert (sent.status_code, record.city, record.version) == (404, "", 1)
