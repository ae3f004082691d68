"""What perform promises, tried on customers: checked, atomic, recorded, once."""

import pytest

from neiqin.kernel.actions import gate, history, seals
from neiqin.kernel.actions.effects import EFFECTS
from neiqin.kernel.actions.models import Change, Event, Held, Run
from neiqin.kernel.actions.perform import perform, perform_held, preview
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, RefuseLate
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.people.actions import edit_position
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Contact, Customer
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return factories.actor("周启明")


def test_a_created_customer_is_numbered_owned_and_on_record(ann):
    outcome = perform(actions.create, by=ann, rows=[factories.customer_row("澄江精密机械（昆山）有限公司")])
    made = Customer.objects.get(pk=outcome.done[0])
    assert (made.number, made.owner_id, made.unit_id, made.version) == ("KH000001", ann.id, ann.unit_id, 1)
    assert made.mnemonic.startswith("cjjm")
    event = Event.objects.get(run_id=outcome.run)
    assert (event.name, event.record_id, event.before, event.after) == (
        "customers.customer.created",
        made.pk,
        None,
        "active",
    )
    assert Run.objects.get(pk=outcome.run).person_id == ann.id
    tables = list(Change.objects.filter(run_id=outcome.run).values_list("tbl", "op"))
    assert ("customers_customer", "I") in tables
    assert ("customers_contact", "I") in tables


def test_personal_values_are_nowhere_in_history(ann):
    outcome = perform(actions.create, by=ann, rows=[factories.customer_row()])
    text = str(list(Change.objects.filter(run_id=outcome.run).values())) + str(list(Run.objects.values()))
    assert "13800138000" not in text


def test_a_wrong_row_does_not_stop_the_others(ann):
    rows = [factories.customer_row(), factories.customer_row(contacts=[]), factories.customer_row(uscc="12345")]
    outcome = perform(actions.create, by=ann, rows=rows)
    assert len(outcome.done) == 1
    assert set(outcome.refused) == {1, 2}
    assert outcome.refused[2].field == "uscc"
    assert Customer.objects.count() == 1


def test_an_edit_writes_only_what_changed_and_adds_one_version(ann):
    customer = factories.customer(ann)
    outcome = perform(actions.edit, [customer.pk], by=ann, params={"remark": "昆山"})
    change = history.changes_of(outcome.run)[0]
    assert (change.op, change.before, {k: v for k, v in change.after.items() if k != "updated_at"}) == (
        "U",
        {"remark": "", "version": 1, "updated_at": change.before["updated_at"]},
        {"remark": "昆山", "version": 2},
    )


def test_an_edit_that_changes_nothing_leaves_no_version_and_no_event(ann):
    customer = factories.customer(ann, city="昆山")
    outcome = perform(actions.edit, [customer.pk], by=ann, params={"city": "昆山"})
    customer.refresh_from_db()
    assert customer.version == 1
    assert not Event.objects.filter(run_id=outcome.run).exists()


def test_a_bulk_edit_leaves_alone_what_is_so_already(ann):
    one, two = factories.customer(ann, city="昆山"), factories.customer(ann, city="苏州")
    outcome = perform(actions.edit, [one.pk, two.pk], by=ann, params={"city": "昆山"})
    assert outcome.done == [one.pk, two.pk]
    assert list(Customer.objects.order_by("pk").values_list("city", "version")) == [("昆山", 1), ("昆山", 2)]
    assert list(Event.objects.filter(run_id=outcome.run).values_list("record_id", flat=True)) == [two.pk]


def test_two_clerks_edit_different_fields_and_both_are_kept(ann):
    customer = factories.customer(ann)
    perform(actions.edit, [customer.pk], by=ann, params={"city": "昆山"}, versions={customer.pk: 1})
    outcome = perform(actions.edit, [customer.pk], by=ann, params={"industry": "水泵"}, versions={customer.pk: 1})
    customer.refresh_from_db()
    assert not outcome.refused
    assert (customer.city, customer.industry, customer.version) == ("昆山", "水泵", 3)


def test_two_clerks_edit_the_same_field_and_the_second_is_asked(ann):
    customer = factories.customer(ann, city="苏州")
    perform(actions.edit, [customer.pk], by=ann, params={"city": "昆山"}, versions={customer.pk: 1})
    outcome = perform(actions.edit, [customer.pk], by=ann, params={"city": "太仓"}, versions={customer.pk: 1})
    refusal = outcome.refused[customer.pk]
    assert (refusal.code, refusal.data) == (
        "conflict",
        [{"name": "city", "label": "城市", "base": "苏州", "theirs": "昆山", "mine": "太仓"}],
    )
    customer.refresh_from_db()
    assert customer.city == "昆山"


def test_lines_are_added_changed_and_removed_under_the_root_version(ann):
    customer = factories.customer(ann)
    panzi = Contact.objects.get(customer=customer)
    perform(actions.edit, [customer.pk], by=ann, params={
        "contacts": [{"id": panzi.pk, "title": "采购经理"}, {"name": "陆工", "phone": "0512-65880000"}]})  # fmt: skip
    perform(actions.edit, [customer.pk], by=ann, params={"contacts": [{"id": panzi.pk, "delete": True}]})
    customer.refresh_from_db()
    assert customer.version == 3
    assert factories.names_of(*Contact.objects.filter(customer=customer)) == ["陆工"]


def test_the_last_contact_cannot_be_removed(ann):
    customer = factories.customer(ann)
    contact = Contact.objects.get(customer=customer)
    outcome = perform(actions.edit, [customer.pk], by=ann, params={"contacts": [{"id": contact.pk, "delete": True}]})
    assert outcome.refused[customer.pk].field == "contacts"
    assert Contact.objects.filter(customer=customer).count() == 1


def test_a_repeated_request_has_one_effect_and_the_same_answer(ann):
    row = [factories.customer_row()]
    first = perform(actions.create, by=ann, rows=row, key="k1")
    again = perform(actions.create, by=ann, rows=row, key="k1")
    assert (again.repeated, again.done, again.run) == (True, first.done, first.run)
    assert Customer.objects.count() == 1
    with pytest.raises(KeyReused):
        perform(actions.create, by=ann, rows=[factories.customer_row()], key="k1")


def test_a_wrong_state_is_refused_aloud_and_the_others_go_on(ann):
    one, two = factories.customer(ann), factories.customer(ann)
    perform(actions.deactivate, [one.pk], by=ann, params={"reason": "关厂"})
    outcome = perform(actions.deactivate, [one.pk, two.pk], by=ann, params={"reason": "关厂"})
    assert outcome.done == [two.pk]
    assert (outcome.refused[one.pk].code, outcome.refused[one.pk].text) == ("state", "状态是「停用」，不能停用。")


def test_missing_parameters_are_named_in_chinese(ann):
    customer = factories.customer(ann)
    with pytest.raises(Invalid) as caught:
        perform(actions.deactivate, [customer.pk], by=ann)
    assert [(p.field, p.message) for p in caught.value.problems] == [("reason", "「停用原因」没有填。")]


def test_without_the_right_nothing_happens_and_it_is_logged(ann):
    customer = factories.customer(ann)
    bob = factories.actor("何雨桐", position_=factories.rep_position("own"))
    outcome = perform(actions.deactivate, [customer.pk], by=bob, params={"reason": "x"})
    assert outcome.refused[customer.pk].code == "missing"
    assert Run.objects.filter(action="refused", person_id=bob.id).count() == 1
    nobody = factories.actor("郑可", position_=factories.position("仓管", customers_view="all"))
    with pytest.raises(NotAllowed):
        perform(actions.deactivate, [customer.pk], by=nobody, params={"reason": "x"})
    customer.refresh_from_db()
    assert customer.state == "active"


def test_an_effect_may_refuse_late_and_the_rest_goes_on(ann):
    one, two = factories.customer(ann), factories.customer(ann)
    seen = []

    def effect(happened):
        seen.append(happened.ids)
        if one.pk in happened.ids:
            raise RefuseLate({one.pk: "信用占用没有释放。"})

    EFFECTS["customers.customer.deactivated"] = [effect]
    try:
        outcome = perform(actions.deactivate, [one.pk, two.pk], by=ann, params={"reason": "x"})
    finally:
        del EFFECTS["customers.customer.deactivated"]
    assert (outcome.done, outcome.refused[one.pk].text) == ([two.pk], "信用占用没有释放。")
    assert seen == [[one.pk, two.pk], [two.pk]]
    one.refresh_from_db()
    assert one.state == "active"


def test_a_preview_shows_the_changes_and_keeps_nothing(ann):
    customer = factories.customer(ann)
    before = Run.objects.count(), Change.objects.count(), Event.objects.count()
    outcome = preview(actions.deactivate, [customer.pk], by=ann, params={"reason": "x"})
    change = outcome.changes[0]
    assert (change.table, change.row, change.before["state"], change.after["state"]) == (
        "customers_customer", customer.pk, "active", "inactive")  # fmt: skip
    customer.refresh_from_db()
    assert customer.state == "active"
    assert (Run.objects.count(), Change.objects.count(), Event.objects.count()) == before


def test_a_held_run_is_performed_later_once_on_the_held_version(ann):
    customer = factories.customer(ann)
    away = gate.keep(
        lambda call, values: gate.Word(gate.Hold("停用要经理同意")) if call.action.name == "deactivate" else None
    )
    try:
        outcome = perform(actions.deactivate, [customer.pk], by=ann, params={"reason": "关厂"})
        assert outcome.held
        customer.refresh_from_db()
        assert customer.state == "active"
        assert "关厂".encode() not in bytes(Held.objects.get().params)
        done = perform_held(outcome.held, actor_of=actor_of)
        again = perform_held(outcome.held, actor_of=actor_of)
    finally:
        away()
    customer.refresh_from_db()
    assert (done.done, customer.state, again.repeated) == ([customer.pk], "inactive", True)
    assert Event.objects.filter(name="customers.customer.deactivated").count() == 1


def test_a_held_run_on_a_changed_record_is_refused(ann):
    customer = factories.customer(ann)
    away = gate.keep(lambda call, values: gate.Word(gate.Hold("x")) if call.action.name == "deactivate" else None)
    try:
        held = perform(actions.deactivate, [customer.pk], by=ann, params={"reason": "关厂"}).held
        perform(actions.edit, [customer.pk], by=ann, params={"city": "昆山"})
        outcome = perform_held(held, actor_of=actor_of)
    finally:
        away()
    assert outcome.refused[customer.pk].code == "stale"


def test_a_direct_edit_opens_a_run_of_its_own(ann):
    customer = factories.customer(ann)
    Customer.objects.filter(pk=customer.pk).update(city="昆山")
    change = Change.objects.filter(tbl="customers_customer", row_id=customer.pk).order_by("-id")[0]
    assert Run.objects.get(pk=change.run_id).action == "direct"


def test_time_travel_reads_a_record_as_it_was(ann):
    customer = factories.customer(ann, city="苏州")
    perform(actions.edit, [customer.pk], by=ann, params={"city": "昆山"})
    changes = list(Change.objects.filter(tbl="customers_customer", row_id=customer.pk).order_by("id"))
    assert history.as_of("customers_customer", customer.pk, changes[-1].at)["city"] == "昆山"


def test_system_actions_have_no_person():
    customer = factories.customer()
    assert Run.objects.filter(action="customers.customer.create", person_id=None).exists()
    assert perform(actions.edit, [customer.pk], by=SYSTEM, params={"city": "x"}).done == [customer.pk]


def test_seals_verify(ann):
    assert seals.verify()["ok"]


@pytest.mark.django_db
def test_an_emptied_field_that_must_hold_something_gets_its_default():
    hr = factories.actor("人事", position_=factories.position("人事", people_view="all", people_manage="all"))
    post = factories.position("司机")
    outcome = perform(edit_position, [post.pk], by=hr, params={"rank": None})
    post.refresh_from_db()
    assert (outcome.done, post.rank) == ([post.pk], 50)
