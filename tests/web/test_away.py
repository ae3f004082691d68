"""While the database is away: a sentence and when to come back, on pages and in the API."""

import json

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from neiqin.web.errors import DatabaseAway


def away(request):
    raise OperationalError("connection refused")


@pytest.mark.parametrize("address", ["/customers/customer/", "/api/v1/customers"])
def test_a_database_that_is_away_is_503_with_a_sentence(address):
    answer = DatabaseAway(away)(RequestFactory().get(address))
    assert (answer.status_code, answer["Retry-After"]) == (503, "3")
    body = json.loads(answer.content)["message"] if address.startswith("/api/") else answer.content.decode()
    assert "数据库暂时连不上，没有办成，也没有办一半。过几秒再试。" in body


def test_other_faults_are_not_its_business():
    assert DatabaseAway(away).process_exception(RequestFactory().get("/"), ValueError()) is None
