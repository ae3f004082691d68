"""NUL, lone surrogates, huge integers, megabytes: answered with a sentence, never with a crash."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from neiqin.kernel.resources.resource import site
from neiqin.modules.customers.models import Customer
from tests import factories
from tests.effort import EFFORT
from tests.promises.test_access import addresses

pytestmark = pytest.mark.django_db
ROUNDS = EFFORT  # each resource begins elsewhere among the values, so that together they try all of them everywhere
RESOURCES = sorted(site().resources)
EVIL = [
    "\0",
    "a\0b",
    "\ud800",
    "9" * 40,
    "-1",
    str(2**63),
    str(-(2**63) - 1),
    "1e999",
    "NaN",
    "x" * 5_000,
    "'; DROP TABLE x;--",
    "<script>",
    "%",
    "_%",
    "{{7*7}}",
    "＝1",
    "\u202e",
    "[]",
    "{}",
    "null",
]


def who_may_all():
    """A person with every right over everything."""
    everything = {p.replace(".", "_", 1): "all" for _, group in site().permissions for p in group}
    return factories.person("全知", position_=factories.position("全知岗", **everything))


@pytest.fixture
def boss():
    return who_may_all()


def post(client, address, given):
    """As a browser's form does it. (Django's test client takes bytes for lists of numbers.)"""
    return client.post(address, urlencode(given), content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize("key", RESOURCES)
def test_hostile_addresses_and_forms_never_crash(key, client, boss):
    resource, record = site().resources[key], factories.MAKERS[key]()
    factories.sign_in(client, boss)
    names = [
        "q",
        "f",
        "sort",
        "after",
        "before",
        "size",
        "add",
        "value",
        "id",
        "name",
        "query",
        "column",
        "width",
        "version",
        "request_key",
        "to",
        "reason",
    ]
    names += [f.name for f in resource.shape.fields] + [
        f"{line.name}-0-{f.name}" for line in resource.shape.lines for f in line.fields
    ]
    names += [f"{line.name}-0-id" for line in resource.shape.lines]
    first = RESOURCES.index(key)
    for turn in range(ROUNDS):
        given = {
            n: EVIL[(first + i + turn * 7) % len(EVIL)].encode("utf-8", "surrogatepass") for i, n in enumerate(names)
        }
        for method, address in addresses(resource, record.pk):
            answer = client.get(address, given) if method == "get" else post(client, address, given)
            assert answer.status_code < 500, (address, turn)
    huge = dict.fromkeys(names[:3] + names[-1:], "x" * 1_000_000)
    for method, address in addresses(resource, record.pk):
        if method == "post" and address.endswith(("new/", "edit/", "views/")):
            assert post(client, address, huge).status_code < 500, address


def test_a_wrong_address_is_404_not_a_crash(client, boss):
    factories.sign_in(client, boss)
    for address in (
        "/customers/customer/99999999999999999999999/",
        "/customers/customer/0/",
        "/customers/customer/1/nosuch/",
        "/customers/customer/do/nosuch/?id=1",
        "/nosuch/",
    ):
        assert client.get(address).status_code == 404, address
    assert factories.api(Client(), boss).get("/api/v1/customers/99999999999999999999999").status_code == 404


def test_markup_in_a_name_is_shown_not_run(client, boss):
    customer = factories.customer(name="<img src=x onerror=alert(1)>有限公司")
    factories.sign_in(client, boss)
    for address in (
        "/customers/customer/",
        f"/customers/customer/{customer.pk}/",
        f"/customers/customer/{customer.pk}/edit/",
    ):
        text = client.get(address).content.decode()
        assert "<img src=x" not in text
        assert "&lt;img src=x" in text
    assert Customer.objects.count() == 1
