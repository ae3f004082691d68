"""`neiqin export`: within scope, without personal columns, safe in a spreadsheet."""

import io

import pytest

from neiqin.config import tables
from neiqin.config.postgres import ClusterProblem


@pytest.mark.django_db
def test_an_unknown_kind_is_answered_with_those_that_exist():
    with pytest.raises(ClusterProblem, match="customers"):
        tables.write("nonsense", "", io.BytesIO())


@pytest.mark.django_db
def test_an_unknown_login_is_refused():
    with pytest.raises(ClusterProblem, match="没有账号「nobody」"):
        tables.write("customers", "nobody", io.BytesIO())


@pytest.mark.django_db
def test_an_empty_table_has_its_headings():
    out = io.BytesIO()
    assert tables.write("customers", "", out) == 0
    assert out.getvalue().decode("utf-8-sig").startswith("客户编号,客户名称")
