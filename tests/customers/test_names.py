"""Names of persons at customers: sealed wherever they are kept, shown to who may see the contact, gone with the key."""

import io

import pytest
from django.db import connection

from neiqin.config import tables
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.keys import erase
from neiqin.kernel.resources import finding
from neiqin.kernel.resources.resource import site
from neiqin.modules.customers.actions import edit
from neiqin.modules.customers.models import Contact, Customer
from neiqin.modules.pool import pool
from tests import factories

pytestmark = pytest.mark.django_db
NAME, RENAMED = "欧阳芷蓝", "欧阳芷兰"
DERIVED = {"search_entry"}  # left out of history, and written anew without the name once it is erased


@pytest.fixture
def rep():
    return factories.person("周启明")


@pytest.fixture
def customer(rep):
    """A customer whose contact was renamed, whom an address and a follow-up name."""
    made = factories.customer(
        factories.actors_of(rep.pk),
        contacts=[{"name": NAME, "mobile": "13800138000"}],
        addresses=[{"consignee": NAME, "street": "锡沪路 8 号"}],
    )
    factories.followup(made, contact=NAME)
    rows = [{"id": made.contacts.get().pk, "name": RENAMED}]
    assert perform(edit, [made.pk], by=factories.actors_of(rep.pk), params={"contacts": rows}).done
    return made


def holding(word: str) -> set[str]:
    """The tables of which some row, as text, has the word in it: in plain, or as octets in hexadecimal."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND has_table_privilege(oid, 'SELECT')"
        )
        found = set()
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT EXISTS (SELECT FROM "{table}" t WHERE t::text LIKE %s OR t::text LIKE %s)',
                [f"%{word}%", f"%{word.encode().hex()}%"],
            )
            found |= {table} if cursor.fetchone()[0] else set()
        return found


def test_no_table_but_the_search_index_has_the_name_in_plain(customer):
    finding.reindex(site().resources["customers.customer"], [customer.pk])

    assert holding(customer.name), "the scan finds what is there"
    assert holding(NAME) | holding(RENAMED) == DERIVED


def test_who_may_see_the_customer_reads_the_name_on_page_timeline_form_list_and_by_searching(client, rep, customer):
    factories.sign_in(client, rep)

    page = client.get(f"/customers/customer/{customer.pk}/").content.decode()
    assert NAME in page, "the follow-up and the timeline name her as she was called"
    assert RENAMED in page
    assert f'value="{RENAMED}"' in client.get(f"/customers/customer/{customer.pk}/edit/").content.decode()
    assert NAME in client.get("/customers/followup/").content.decode()
    for typed in (RENAMED, "oyzl"):
        assert customer.name in client.get("/customers/customer/", {"q": typed}).content.decode(), typed


def test_the_api_gives_the_names_and_takes_them_back(client, rep, customer):
    factories.api(client, rep)

    found = client.get(f"/api/v1/customers/{customer.pk}").json()

    assert found["contacts"][0]["name"] == RENAMED
    assert [f["contact"] for f in client.get("/api/v1/followups").json()["items"]] == [NAME]


def test_with_her_key_the_name_goes_everywhere_at_once(client, rep, customer):
    contact = Contact.objects.get(customer=customer)
    erase([contact.subject, customer.addresses.get().subject])
    finding.reindex(site().resources["customers.customer"], [customer.pk])
    factories.sign_in(client, rep)

    page = client.get(f"/customers/customer/{customer.pk}/").content.decode()

    assert holding(NAME) | holding(RENAMED) == set()
    assert "已清除" in page
    assert NAME not in page
    assert RENAMED not in page
    assert Customer.objects.get(pk=customer.pk).name == customer.name
    assert NAME not in client.get("/customers/followup/").content.decode()


def test_a_table_of_follow_ups_has_the_names_also_where_the_customer_is_in_the_pool(customer):
    assert perform(pool.release, [customer.pk], by=SYSTEM, params={"reason": "没有需求"}).done
    out = io.BytesIO()

    assert tables.write("followups", "", out) == 1

    row = out.getvalue().decode().splitlines()[1]
    assert NAME in row
    assert "公海" in row
