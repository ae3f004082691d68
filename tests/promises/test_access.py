"""Every page and endpoint as every role, generated from the manifests."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from neiqin.kernel.actions.models import Run
from neiqin.kernel.people.models import Person
from neiqin.kernel.resources.resource import site
from tests import factories

pytestmark = pytest.mark.django_db
RESOURCES = sorted(site().resources)
RIGHTED = [key for key in RESOURCES if site().resources[key].view_permission]
READ_BY_ALL = [key for key in RESOURCES if key not in RIGHTED]
OWNED = [key for key in RESOURCES if hasattr(site().resources[key].model, "explain")]


def addresses(resource, record_id):
    """(method, address) of every screen of a resource."""
    url = resource.url
    found = [
        ("get", url),
        ("get", f"{url}pick/"),
        ("get", f"{url}{record_id}/"),
        ("get", f"{url}{record_id}/timeline/?before=9"),
        ("get", f"{url}{record_id}/why/"),
        ("post", f"{url}columns/"),
        ("post", f"{url}views/"),
        ("post", f"{url}views/999999/delete/"),
        ("get", f"{url}new/"),
        ("post", f"{url}new/"),
        ("get", f"{url}{record_id}/edit/"),
        ("post", f"{url}{record_id}/edit/"),
        ("post", f"{url}draft/0/"),
        ("post", f"{url}draft/{record_id}/"),
        ("post", f"{url}draft/0/discard/"),
    ]
    for action in resource.actions:
        found += [(m, f"{url}{record_id}/{action.name}/") for m in ("get", "post")]
        found += [(m, f"{url}do/{action.name}/?id={record_id}") for m in ("get", "post")]
    return found


def endpoints(resource, record_id):
    """(method, address) of every API endpoint of a resource."""
    base = f"/api/v1/{resource.api_name}"
    found = [("get", base), ("get", f"{base}/{record_id}"), ("get", f"{base}/{record_id}/timeline")]
    if resource.create:
        found.append(("post", base))
    if resource.edit:
        found.append(("patch", f"{base}/{record_id}"))
    for action in resource.actions:
        found += [("post", f"{base}/{record_id}/{action.name}"), ("post", f"{base}/{record_id}/{action.name}/preview")]
        found += [("post", f"{base}/do/{action.name}")] if action.bulk else []
    return found


def call(client, method, address, body=None):
    if method == "get":
        return client.get(address)
    if address.startswith("/api/"):
        return getattr(client, method)(address, json.dumps(body or {}), content_type="application/json")
    return client.post(address, body or {})


@pytest.mark.parametrize("key", RESOURCES)
def test_anonymous_goes_to_the_login_and_gets_401_from_the_api(key, client):
    resource, record = site().resources[key], factories.MAKERS[key]()
    for method, address in addresses(resource, record.pk):
        answer = call(client, method, address)
        assert (answer.status_code, answer.url.split("?")[0]) == (302, "/login/"), address
    for method, address in endpoints(resource, record.pk):
        assert call(client, method, address).status_code == 401, address


@pytest.mark.parametrize("key", RIGHTED)
def test_without_the_right_everything_is_403_and_logged(key, client):
    resource, record = site().resources[key], factories.MAKERS[key]()
    nobody = factories.person("无权", position_=factories.position("无权岗"))
    factories.sign_in(client, nobody)
    token = factories.api(Client(), nobody)
    for method, address in addresses(resource, record.pk):
        before = Run.objects.filter(action="refused", person_id=nobody.pk).count()
        assert call(client, method, address).status_code == 403, address
        assert Run.objects.filter(action="refused", person_id=nobody.pk).count() == before + 1, address
    for method, address in endpoints(resource, record.pk):
        # An action that is everybody's on one's own record answers like a record that is not there.
        everybodys = any(a.may == "" and f"/{a.name}" in address for a in resource.actions)
        answer = call(token, method, address, {"ids": [record.pk]} if "/do/" in address else None)
        assert answer.status_code == (404 if everybodys else 403), address


@pytest.mark.parametrize("key", READ_BY_ALL)
def test_what_everybody_reads_nobody_changes_without_the_right(key, client):
    resource, record = site().resources[key], factories.MAKERS[key]()
    nobody = factories.person("无权", position_=factories.position("无权岗"))
    factories.sign_in(client, nobody)
    token = factories.api(Client(), nobody)
    own = ("columns/", "views/", "delete/", "discard/")  # how one looks at a list is one's own
    for method, address in addresses(resource, record.pk):
        if method == "post" and not address.endswith(own):
            assert call(client, method, address).status_code in (403, 404), address
    for method, address in endpoints(resource, record.pk):
        if method != "get":
            body = {"ids": [record.pk]} if "/do/" in address else None
            assert call(token, method, address, body).status_code == 403, address
    record.refresh_from_db()
    assert record.version == 1


@pytest.mark.parametrize("key", OWNED)
def test_a_foreign_record_is_404_as_if_it_were_not_there(key, client):
    resource, record = site().resources[key], factories.MAKERS[key]()
    own = {p.replace(".", "_", 1): "own" for _, group in site().permissions for p in group}
    bob = factories.person("何雨桐", position_=factories.position("销售代表", **own))
    factories.sign_in(client, bob)
    token = factories.api(Client(), bob)
    for method, address in addresses(resource, record.pk):
        if f"/{record.pk}/" in address:
            assert call(client, method, address).status_code == 404, address
    for method, address in endpoints(resource, record.pk):
        if f"/{record.pk}" in address:
            answer = call(token, method, address)
            assert answer.status_code == 404, address
            assert str(record) not in answer.content.decode()
        elif "/do/" in address:
            params = {
                "to": bob.pk,
                "reason": "x",
                "level": "ordinary",
                "keep": record.pk,
                "means": "contract",
                "how": "call",
            }
            params |= dict.fromkeys(("text", "proof", "answer", "why", "opinion"), "x") | {
                "signed_on": "2026-11-20",
                "cause": "price",
            }
            body = {"ids": [record.pk], "params": {k: v for k, v in params.items() if k in _names(resource, address)}}
            answer = call(token, method, address, body).json()
            assert ([r["code"] for r in answer["refused"]], answer["done"]) == (["missing"], []), address
    assert str(record) not in client.get(resource.url).content.decode()
    assert record.pk not in [i["id"] for i in token.get(f"/api/v1/{resource.api_name}").json()["items"]]
    record.refresh_from_db()
    assert record.version == 1


def _names(resource, address):
    action = next(a for a in resource.actions if address.endswith(f"/{a.name}"))
    return {f.name for f in action.shape.fields}


@pytest.mark.parametrize("key", RESOURCES)
def test_the_list_costs_as_many_queries_for_three_rows_as_for_one(key, client):
    resource = site().resources[key]
    factories.MAKERS[key]()
    all_seeing = factories.person(
        "全知",
        position_=factories.position(
            "全知岗", **{p.replace(".", "_", 1): "all" for _, group in site().permissions for p in group}
        ),
    )
    factories.sign_in(client, all_seeing)
    client.get(resource.url)
    with CaptureQueriesContext(connection) as one:
        client.get(resource.url)
    for _ in range(2):
        factories.MAKERS[key]()
    client.get(resource.url)
    with CaptureQueriesContext(connection) as three:
        client.get(resource.url)
    assert len(three) == len(one), [q["sql"][:90] for q in three.captured_queries]
    assert len(one) <= 12


@pytest.mark.parametrize("key", RESOURCES)
def test_every_page_opens_for_who_may(key, client):
    resource, record = site().resources[key], factories.MAKERS[key]()
    everything = {p.replace(".", "_", 1): "all" for _, group in site().permissions for p in group}
    boss = factories.person("全知", position_=factories.position("全知岗", **everything))
    factories.sign_in(client, boss)
    token = factories.api(Client(), boss)
    for method, address in addresses(resource, record.pk):
        if method == "get":
            answer = client.get(address)
            assert answer.status_code in (200, 404), address
            assert (answer.status_code == 200) or any(part in address for part in ("new/", "edit/", "why/")), address
    for method, address in endpoints(resource, record.pk):
        if method == "get":
            assert token.get(address).status_code == 200, address


def test_the_api_takes_the_browsers_session_only_with_its_csrf_token():
    ann = factories.person("周启明")
    client = Client(enforce_csrf_checks=True)
    factories.sign_in(client, ann)
    assert client.get("/api/v1/customers").status_code == 200
    assert client.post("/api/v1/customers", "{}", content_type="application/json").status_code == 401


def test_a_leaver_is_out_at_once(client):
    ann = factories.person("周启明")
    factories.sign_in(client, ann)
    token = factories.api(Client(), ann)
    assert client.get("/customers/customer/").status_code == 200
    Person.objects.filter(pk=ann.pk).update(left_on="2026-01-01")
    assert client.get("/customers/customer/").status_code == 302
    assert token.get("/api/v1/customers").status_code == 401
