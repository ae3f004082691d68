"""`neiqin export`: within scope, without personal columns, safe in a spreadsheet."""

import io
from datetime import UTC, datetime

import pytest

from neiqin.config import export
from neiqin.config.postgres import ClusterProblem


@pytest.mark.django_db
def test_an_unknown_kind_is_answered_with_those_that_exist():
    with pytest.raises(ClusterProblem, match="customers"):
        export.write("nonsense", "", io.StringIO())


@pytest.mark.django_db
def test_an_unknown_login_is_refused():
    with pytest.raises(ClusterProblem, match="没有账号「nobody」"):
        export.write("customers", "nobody", io.StringIO())


@pytest.mark.django_db
def test_an_empty_table_has_its_headings():
    out = io.StringIO()
    assert export.write("customers", "", out) == 0
    assert out.getvalue().startswith("客户编号,客户名称")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "是"),
        ("=1+1", "'=1+1"),
        (-5, "-5"),
        (("在用", "ok", "0"), "在用"),
        (datetime(2026, 11, 22, 16, 30, tzinfo=UTC), "2026-11-23 00:30"),
    ],
)
def test_cells_become_text(cell, text):
    assert export._text(cell) == text
