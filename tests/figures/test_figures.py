"""A figure is what its rows are, inside the scope of who asks."""

import pytest

from neiqin.kernel import clock
from neiqin.kernel.figures.figure import FIGURES, Figure
from neiqin.kernel.figures.periods import period
from neiqin.kernel.people.scope import nobody
from neiqin.kernel.resources.resource import site
from tests import factories


@pytest.fixture
def zhou(db):
    site()
    return factories.actor()


def test_a_count_opens_the_rows_it_counts(zhou, client):
    for _ in range(3):
        factories.customer(zhou)
    factories.customer()
    reading = FIGURES["customers.mine"].read(zhou)
    assert (reading.value, reading.shown) == (3, "3 家")
    factories.sign_in(client, zhou)
    rows = client.get(reading.url).content.decode()
    assert rows.count('<tr data-id="') == 3 or rows.count("/customers/customer/") >= 3
    assert reading.about.startswith("负责人是我、没有停用的客户。截至 ")


def test_a_figure_of_a_period_has_its_comparisons(zhou):
    figure = FIGURES["customers.new"]
    factories.customer(zhou)
    reading = figure.read(zhou)
    assert (reading.value, reading.period) == (1, period("month", clock.today()))
    assert (reading.against_previous(), reading.against_last_year()) == (None, None)
    assert figure.read(zhou, reading.period.previous).value == 0


def test_without_the_right_or_with_nothing_to_say_there_is_no_figure(zhou):
    assert FIGURES["customers.mine"].read(nobody()) is None
    assert FIGURES["customers.helped"].read(zhou) is None


def test_who_helps_somebody_sees_their_customers_counted(zhou):
    helper = factories.person("叶青")
    factories.works_for(helper, zhou.id)
    factories.customer(zhou)
    assert FIGURES["customers.helped"].read(factories.actors_of(helper.pk)).value == 1


def test_the_workbench_shows_figures_with_their_definition(zhou, client):
    factories.customer(zhou)
    page = factories.sign_in(client, zhou).get("/").content.decode()
    assert "我负责的客户" in page
    assert 'title="负责人是我、没有停用的客户。截至' in page


def test_a_name_is_taken_once(zhou):
    with pytest.raises(ValueError, match="declared twice"):
        FIGURES["customers.mine"].plug()


def test_numbers_past_the_cap_say_so_and_minus_is_a_minus(zhou):
    def figure(value, *, capped):
        return Figure("x.y", "x", "元", "x", lambda *_: value, lambda *_: "/", capped=capped).read(zhou)

    assert figure(10_001, capped=True).shown == "1,000+ 元"
    assert figure(10_001, capped=False).shown == "10,001 元"
    assert figure(-1234, capped=False).shown == "−1,234 元"
