"""NUL, lone surrogates, huge integers, megabytes as bodies: answered with a sentence, never with a crash."""

import json

import pytest
from django.test import Client

from neiqin.kernel.resources.resource import site
from tests import factories
from tests.promises.test_access import endpoints
from tests.promises.test_hostile import EVIL, RESOURCES, ROUNDS, who_may_all

pytestmark = pytest.mark.django_db
RAW = (
    b"", b"{", b"[]", b"\xff\xfe", b'"x"', b'{"a":' * 2000, b'{"ids":[1e400]}',
    json.dumps({"reason": "x" * 1_000_000}).encode(),
)  # fmt: skip


@pytest.mark.parametrize("key", RESOURCES)
def test_hostile_bodies_never_crash_the_api(key):
    resource, record = site().resources[key], factories.MAKERS[key]()
    token = factories.api(Client(), who_may_all())
    values = [*EVIL, 10**40, -(10**40), 1e308, True, None, [], {}, [[]], {"id": 1}]
    first = RESOURCES.index(key)
    fields = [f.name for f in resource.shape.fields]
    changing = [(method, address) for method, address in endpoints(resource, record.pk) if method != "get"]
    for turned, (method, address) in enumerate(changing, first):
        for turn in range(ROUNDS):
            evil = {
                n: values[(first + i + turn * 9) % len(values)]
                for i, n in enumerate([*fields, "ids", "params", "reason", "to", "level"])
            }
            body = {n: evil[n] for n in fields} | {
                line.name: [{"name": evil["to"], "mobile": evil["ids"]}] for line in resource.shape.lines
            }
            for given in (
                body,
                {"ids": evil["ids"]},
                {"ids": [evil["to"]], "params": evil["params"]},
                {n: evil[n] for n in ("reason", "to", "level")},
            ):
                text = json.dumps(given).encode("utf-8", "surrogatepass")
                answer = getattr(token, method)(address, text, content_type="application/json")
                assert 400 <= answer.status_code < 500 or answer.status_code in (200, 201), (address, given)
        # Bytes are read in one place for all of them: two each, so that all are tried.
        for raw in (RAW[(turned + k) % len(RAW)] for k in (0, 1)):
            assert getattr(token, method)(address, raw, content_type="application/json").status_code < 500, address
