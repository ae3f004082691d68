"""Cells and formats, to the letter."""

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from neiqin.web import formats, parts
from neiqin.web.cells import CELLS
from tests.web import samples

ROW = SimpleNamespace(id=7, url="/c/7/", label="七", cells=[], muted=False)
DASH = '<span class="mut">—</span>'


def cell(kind, value, c="", row=ROW):
    """One cell of a list."""
    return CELLS[kind](value, SimpleNamespace(kind=kind, c=c), row)


@pytest.mark.parametrize("kind", [kind for kind in CELLS if kind not in ("money",)])
def test_nothing_is_a_muted_dash(kind):
    assert cell(kind, None) == DASH


@pytest.mark.parametrize(
    ("kind", "value", "html"),
    [
        ("text", "京东", "京东"),
        ("text", "<b>", "&lt;b&gt;"),
        (
            "text",
            "常州市武进区嘉禾轴承经营部分店",
            '<span title="常州市武进区嘉禾轴承经营部分店">常州市武进区嘉禾轴承经营部分店</span>',
        ),
        ("money", Decimal("128162.40"), '<span class="amt">128,162<small>.40</small></span>'),
        ("money", Decimal("-7593.6"), '<span class="amt neg">−7,593<small>.60</small></span>'),
        ("money", Decimal("0.125"), '<span class="amt">0<small>.13</small></span>'),
        ("money", "***", '<span class="mut">***</span>'),
        ("money", None, DASH),
        ("number", 1284, "1,284"),
        ("number", Decimal("3.50"), "3.5"),
        ("number", -2, "−2"),
        ("percent", Decimal("21.60"), "21.6%"),
        ("date", date(2026, 11, 5), "11-05"),
        ("date", date(2025, 11, 5), "2025-11-05"),
        ("bool", True, "是"),
        ("bool", False, '<span class="mut">否</span>'),
        ("phone", "138****6215", '<span class="cd">138****6215</span>'),
        ("tags", ["年框", "<x>"], '<span class="tag">年框</span> <span class="tag">&lt;x&gt;</span>'),
        (
            "state",
            SimpleNamespace(label="成交", tone="ok", p=100),
            '<span class="st" data-tone="ok" data-p="100">成交</span>',
        ),
        (
            "person",
            samples.ZHOU,
            '<span class="who"><span class="av" data-h="2" aria-hidden="true">明</span>周启明</span>',
        ),
        ("ref", SimpleNamespace(label="合同", url="/h/1/"), '<a class="link" href="/h/1/">合同</a>'),
        ("unit", "华东区", "华东区"),
    ],
)
def test_a_cell_is_exactly(kind, value, html):
    assert cell(kind, value) == html


def test_number_and_name_lead_to_the_record():
    assert cell("code", "KH1", "id") == '<a class="id" href="/c/7/">KH1</a>'
    assert cell("text", "嘉禾", "name") == '<a class="nm" href="/c/7/">嘉禾</a>'


def test_a_due_date_in_the_past_is_marked():
    assert cell("date", samples.TODAY - timedelta(days=1), "due") == '<b class="t-bad">11-19</b>'
    assert cell("date", samples.TODAY, "due") == "11-20"


def test_moments_are_written_by_their_distance():
    assert formats.moment(samples.NOW) == "10:42"
    assert formats.moment(samples.NOW - timedelta(days=1)) == "昨天 10:42"
    assert formats.moment(samples.NOW - timedelta(days=2)) == "11-18"
    assert formats.moment(samples.NOW - timedelta(days=2), with_time=True) == "11-18 10:42"
    assert formats.moment(samples.NOW - timedelta(days=400)) == "2025-10-16"
    assert formats.long_day(date(2026, 11, 5)) == "11月5日"
    assert formats.long_day(date(2025, 11, 5)) == "2025年11月5日"


def test_overviews_count_in_ten_thousands():
    assert formats.wan(Decimal("9056000")) == '<span class="amt">905.6</span>'
    assert formats.yuan(Decimal("8")) == '<span class="amt"><i>¥</i>8<small>.00</small></span>'


def test_arrow_is_the_direction_and_colour_the_judgement():
    html = parts.delta(Decimal("-0.6"), "个百分点", up_is_good=False)
    assert 'data-good="1"' in html
    assert "arrow-down-right" in html
    assert html.endswith('<span class="vh">降</span>0.6个百分点</span>')
