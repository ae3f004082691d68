"""What a person may not see is nowhere: not on a page, in a form, in the API, the timeline, a preview or a search."""

import pytest
from django.test import Client

from neiqin.kernel.actions.effects import EFFECTS
from neiqin.kernel.actions.perform import perform, preview
from neiqin.kernel.people.models import Collaborator
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.pages.runs import visible_changes
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Contact, Customer
from tests import factories

pytestmark = pytest.mark.django_db
PHONE, LIMIT = "13912345678", "987654.32"


@pytest.fixture
def customer():
    made = factories.customer(credit_limit=LIMIT, contacts=[{"name": "潘工", "mobile": PHONE}])
    perform(actions.edit, [made.pk], by=SYSTEM, params={"credit_limit": "123456.78"})
    return made


@pytest.fixture
def warehouse():
    return factories.person(
        "马大勇", position_=factories.position("售后", customers_view="all", customers_contacts="all")
    )


def everything_shown(client, token, customer):
    url = f"/customers/customer/{customer.pk}/"
    pages = ["/customers/customer/", url, f"{url}timeline/?before=999999999", f"{url}why/", "/customers/customer/pick/"]
    text = "".join(client.get(page).content.decode() for page in pages)
    return text + "".join(
        token.get(f"/api/v1/customers{part}").content.decode()
        for part in ("", f"/{customer.pk}", f"/{customer.pk}/timeline")
    )


def test_without_the_right_neither_phone_nor_credit_limit_is_anywhere(customer, warehouse, client):
    factories.sign_in(client, warehouse)
    text = everything_shown(client, factories.api(Client(), warehouse), customer)
    for hidden in (PHONE, "987,654", "987654", "123,456", "123456", "信用额度"):
        assert hidden not in text
    assert "139****5678" in text


def test_a_hidden_field_cannot_be_asked_for_by_filter_sort_or_column(customer, warehouse, client):
    factories.sign_in(client, warehouse)
    assert client.get("/customers/customer/?f=credit_limit:min:1").status_code == 400
    assert client.get("/customers/customer/?sort=-credit_limit").status_code == 400
    client.post("/customers/customer/columns/", {"column": ["credit_limit", "name"]})
    assert "信用额度" not in client.get("/customers/customer/").content.decode()


def test_even_who_may_reveal_sees_the_mask_until_he_says_why(customer, client):
    boss = factories.person("许曼", position_=factories.manager_position(), unit_=customer.unit)
    factories.sign_in(client, boss)
    url = f"/customers/customer/{customer.pk}/"
    assert PHONE not in client.get(url).content.decode()
    assert PHONE not in client.get(f"{url}edit/").content.decode()
    assert client.post(f"{url}reveal/", {"reason": ""}).status_code == 422
    assert PHONE in client.post(f"{url}reveal/", {"reason": "回电话"}).content.decode()
    assert "看完整联系方式：回电话" in client.get(url).content.decode()


def test_an_untouched_mask_posted_back_changes_nothing(customer, client):
    owner = customer.owner
    factories.sign_in(client, owner)
    contact = Contact.objects.get(customer=customer)
    client.post(
        f"/customers/customer/{customer.pk}/edit/",
        {
            "version": "2",
            "partial": "1",
            "contacts-0-id": contact.pk,
            "contacts-0-name": "潘工",
            "contacts-0-mobile": "139****5678",
            "contacts-0-title": "采购经理",
        },
    )
    after = Contact.objects.get(pk=contact.pk)
    assert (after.title, after.mobile) == ("采购经理", contact.mobile)


def test_a_preview_keeps_quiet_about_records_out_of_scope(customer):
    """An effect changes another person's customer: the preview of who may not see that one does not tell."""
    mine = factories.customer(factories.actor("郑可"))
    rep = factories.actors_of(mine.owner_id)

    def effect(happened):
        Customer.objects.filter(pk=customer.pk).update(remark="连带改动")

    EFFECTS["customers.customer.deactivated"] = [effect]
    try:
        outcome = preview(actions.deactivate, [mine.pk], by=rep, params={"reason": "x"})
        alone = visible_changes(outcome, rep)
        Collaborator.objects.create(person_id=rep.id, model="customers.customer", record_id=customer.pk)
        let_in = visible_changes(outcome, rep)
    finally:
        del EFFECTS["customers.customer.deactivated"]
    assert {c.record for c in alone} == {mine.name}
    assert {(c.record, c.after) for c in let_in} >= {(customer.name, "连带改动")}
