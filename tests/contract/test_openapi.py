"""The API answers as its OpenAPI document says, whoever asks and whatever is sent: no 5xx, nothing undeclared."""

import os
import random
import warnings
import zlib

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from neiqin.kernel.people import tokens
from neiqin.kernel.resources.resource import site
from tests import factories

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# who -> (how to generate, whether the address names a record that is there, how many examples). Operations are alike
# and hundreds, so few examples of each go far; NEIQIN_EXAMPLES=10 sends ten times as many.
ROUNDS = {
    "boss": [
        (GenerationMode.POSITIVE, True, 3),
        (GenerationMode.POSITIVE, False, 1),
        (GenerationMode.NEGATIVE, True, 3),
    ],
    "rep": [(GenerationMode.POSITIVE, True, 1), (GenerationMode.NEGATIVE, True, 1)],
}
TIMES = int(os.environ.get("NEIQIN_EXAMPLES", "1"))


@pytest.fixture(scope="module")
def office(server):
    """Records of each kind, a token of who may do everything and one of a rep."""
    with server.django():
        everything = {p.replace(".", "_", 1): "all" for _, group in site().permissions for p in group}
        boss = factories.person("全知", position_=factories.position("全知岗", **everything))
        rep = factories.person("周启明", position_=factories.rep_position())
        ids = {r.api_name: [factories.MAKERS[key]().pk for _ in range(3)] for key, r in site().resources.items()}
        ids["customers"] += [factories.customer(factories.actors_of(rep.pk)).pk for _ in range(3)]
        keys = {name: tokens.issue(factories.login_of(p).username) for name, p in (("boss", boss), ("rep", rep))}
    return {"ids": ids, "tokens": keys}


@pytest.fixture(scope="module")
def document(server):
    answer = requests.get(f"{server.url}/api/v1/openapi.json", timeout=60)
    assert answer.status_code == 200
    return answer.json()


def test_the_document_is_openapi_3_1_and_names_every_operation_once(document):
    assert document["openapi"].startswith("3.1")
    operations = [o for path in document["paths"].values() for o in path.values()]
    assert len({o["operationId"] for o in operations}) == len(operations)
    for operation in operations:
        assert {"200", "400", "401", "403", "404", "422"} <= set(operation["responses"])


def test_numbers_beyond_their_column_and_references_to_nothing_are_refused_in_words(server, office, document):
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {office['tokens']['boss']}"
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            for name, wanted in schema.get("properties", {}).items():
                if "integer" not in (wanted.get("type"), *(one.get("type") for one in wanted.get("anyOf", ()))):
                    continue
                url = server.url + path.replace("{record_id}", str(office["ids"][path.split("/")[3]][0]))
                for value in (0, -1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30):
                    answer = session.request(method, url, json={name: value}, timeout=60)
                    assert answer.status_code < 500, (method, path, name, value)
                    tried += 1
    assert tried > 50


@pytest.mark.parametrize("who", ["boss", "rep"])
def test_no_answer_is_undeclared_whatever_is_sent(server, office, document, who):
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {office['tokens'][who]}"
    problems: dict[str, str] = {}
    statuses: set[int] = set()
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        ids = office["ids"].get(operation.path.split("/")[3], [])
        for mode, real, count in ROUNDS[who]:
            try_operation(
                operation, mode, ids if real else [], count * TIMES, f"{server.url}", session, problems, statuses
            )
    assert problems == {}, "\n\n".join(f"{k}: {v}" for k, v in problems.items())
    assert ({200, 201, 404, 409, 422} if who == "boss" else {200, 403, 404}) <= statuses  # it went deep enough


def hash_of(label):
    """Each operation begins elsewhere; the same one always at the same place."""
    return zlib.crc32(label.encode())


def try_operation(operation, mode, ids, count, url, session, problems, statuses):
    choose = random.Random(operation.label)

    @seed(hash_of(operation.label))
    @settings(max_examples=count, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy(mode))
    def answers_as_declared(case):
        if ids and "record_id" in (case.path_parameters or {}):
            case.path_parameters["record_id"] = choose.choice(ids)
        response = case.call(base_url=url, session=session, timeout=60)
        statuses.add(response.status_code)
        try:
            case.validate_response(response, checks=CHECKS)
        except BaseException as error:
            problems.setdefault(f"{operation.label} {response.status_code}", str(error)[:700])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answers_as_declared()
        except schemathesis.errors.SchemathesisError as error:
            if "negative" not in str(error).lower():  # nothing wrong can be sent where anything may be
                raise
