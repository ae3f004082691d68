"""One file for all departments: each sees the group of information that its duties need (C-CUS-13), at every door."""

import pytest
from django.test import Client

from neiqin.kernel.actions.perform import perform, preview
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.pages.runs import visible_changes
from neiqin.modules.customers import actions
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/customers/customer/"
ACCOUNT, STREET, WISH, CONTACT, LICENCE = (
    "3201007919301795",
    "星湖街 328 号",
    "深沟球轴承 6204",
    "潘启明",
    "SC11332050600128",
)
EXPORT = {"exchange_export": "all", "exchange_import": "all", "printing_list": "all"}


@pytest.fixture
def customer():
    made = factories.customer(
        intention=WISH,
        varieties="润滑脂 2 号",
        contacts=[{"name": CONTACT, "mobile": "13912345678"}],
        addresses=[{"street": STREET, "region": "江苏省苏州市"}],
        invoices=[{"title": "澄江精密", "account": ACCOUNT}],
        licences=[{"kind": "production", "number": LICENCE, "permanent": True}],
    )
    perform(actions.edit, [made.pk], by=SYSTEM, params={"invoices": [{"title": "澄江精密二厂", "account": ACCOUNT}]})
    return made


def of(department, *groups):
    rights = {f"customers_{group}": "all" for group in ("view", "edit", *groups)}
    return factories.person(department, position_=factories.position(department, **rights, **EXPORT))


def everything(person, customer):
    """All that this person is shown of the customer: pages, form, printed sheet's data, interface, history."""
    desk, token = factories.sign_in(Client(), person), factories.api(Client(), person)
    url = f"{LIST}{customer.pk}/"
    pages = [LIST, url, f"{url}edit/", f"{url}timeline/?before=999999999", f"{LIST}pick/?q={customer.number}"]
    text = "".join(desk.get(page).content.decode() for page in pages)
    api = [f"/api/v1/customers{part}" for part in ("", f"/{customer.pk}", f"/{customer.pk}/timeline")]
    return text + "".join(token.get(page).content.decode() for page in api)


@pytest.mark.clause("C-CUS-13")
def test_finance_sees_invoice_data_but_no_preferences_and_logistics_addresses_only_of_the_same_record(customer):
    finance = everything(of("财务", "invoices"), customer)
    logistics = everything(of("物流", "addresses"), customer)
    assert customer.number in finance
    assert customer.number in logistics
    assert ACCOUNT in finance
    assert "润滑脂" not in finance
    for hidden in (WISH, STREET, CONTACT, "139****5678", LICENCE):
        assert hidden not in finance, hidden
    assert STREET in logistics
    for hidden in (WISH, ACCOUNT, CONTACT, "139****5678", "澄江精密二厂", LICENCE, "开票信息", "采购意向", "等级"):
        assert hidden not in logistics, hidden


def test_what_is_not_seen_is_not_changed_either(customer):
    logistics = of("物流", "addresses")
    desk, token = factories.sign_in(Client(), logistics), factories.api(Client(), logistics)
    given = {"invoices": [{"title": "别的抬头"}], "intention": "别的"}
    answer = token.patch(f"/api/v1/customers/{customer.pk}", given, content_type="application/json")
    assert answer.status_code == 422
    assert [p["field"] for p in answer.json()["problems"]] == ["intention", "invoices"]
    desk.post(
        f"{LIST}{customer.pk}/edit/",
        {"version": "2", "partial": "1", "invoices-0-title": "别的抬头", "intention": "别的", "city": "昆山"},
    )
    customer.refresh_from_db()
    assert (customer.city, customer.intention) == ("昆山", WISH)
    assert set(customer.invoices.values_list("title", flat=True)) == {"澄江精密", "澄江精密二厂"}


def test_neither_preview_nor_import_offer_what_is_hidden(customer):
    logistics = factories.actors_of(of("物流", "addresses").pk)
    params = {"invoices": [{"title": "新抬头"}], "addresses": [{"street": "新地址"}], "intention": "别的"}
    shown = visible_changes(preview(actions.edit, [customer.pk], by=SYSTEM, params=params), logistics)
    assert {c.after for c in shown} & {"新抬头", "别的", "新地址"} == {"新地址"}
    from neiqin.kernel.exchange.plans import plan_of
    from neiqin.modules.customers.resources import customer as resource

    offered = {t.path for t in plan_of(resource).targets(logistics)}
    assert "addresses.street" in offered
    assert not [t for t in offered if t.startswith(("contacts.", "invoices.", "licences.")) or t == "intention"]


def test_contacts_are_exported_only_for_who_sees_them(customer):
    from neiqin.kernel.exchange.requesting import _columns, wanted

    logistics = factories.actors_of(of("物流", "addresses").pk)
    asked = {"kind": "customers.customer", "q": "", "width": "lines", "purpose": "送货"}
    columns = _columns(wanted(asked, logistics), logistics, "lines")
    assert "addresses.street" in columns
    assert not [c for c in columns if c.startswith("contacts.") or c in ("intention", "level", "credit_limit")]
