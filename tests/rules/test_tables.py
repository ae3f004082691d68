"""Tables in versions: published only if their examples hold, in force by date, and told on the record."""

import io
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import NewBatch
from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources import timeline
from neiqin.kernel.resources.resource import site
from neiqin.kernel.rules import actions, defaults, sheets
from neiqin.kernel.rules.cells import BadCell
from neiqin.kernel.rules.decide import Compiled, Undecided, decide
from neiqin.kernel.rules.models import Table, Version
from tests import factories
from tests.stranger.discounts import price
from tests.stranger.models import Sample

CODE = "stranger.lending"
TODAY = date(2026, 11, 20)
SHIPPED = orjson.loads((Path(__file__).parents[1] / "stranger/rules/lending.json").read_bytes())


@pytest.fixture
def table(db) -> Table:
    """The table that the stranger ships, as a new installation has it."""
    site()
    return Table.objects.get(code=CODE)


def draft(table: Table, rows=None, examples=None) -> Version:
    content = {"rows": rows or SHIPPED["rows"], "examples": examples or SHIPPED["examples"]}
    outcome = perform(actions.draft, [table.pk], by=SYSTEM, params={"content": orjson.dumps(content).decode()})
    assert not outcome.refused, outcome.refused
    return table.versions.order_by("-number")[0]


def publish(version: Version, **dates: str) -> str:
    """The sentence of the refusal, or ""."""
    outcome = perform(actions.publish, [version.pk], by=SYSTEM, params=dates)
    return next((r.text for r in outcome.refused.values()), "")


def factor(on: date = TODAY) -> Decimal:
    return decide(CODE, [{"level": "A", "amount": 10000}], on)[0].outputs["factor"]


def test_a_shipped_table_is_installed_once_and_never_again_over_what_staff_changed(table):
    assert factor() == Decimal("0.9")
    Table.objects.filter(pk=table.pk).update(name="改过")
    assert defaults.install() == 0
    assert Table.objects.get(pk=table.pk).name == "改过"
    assert table.versions.count() == 1


def test_a_draft_decides_nothing_and_a_published_version_from_its_day_on(table):
    second = draft(table, [["其他", "", "0.8", "无"]], [["C", "5", "0.8", "无"]])
    assert (second.number, second.state, factor()) == (2, "draft", Decimal("0.9"))
    assert publish(second, from_on="2026-12-01") == ""
    assert (factor(date(2026, 11, 30)), factor(date(2026, 12, 1))) == (Decimal("0.9"), Decimal("0.8"))
    first = table.versions.get(number=1)
    assert (first.state, first.until_on) == ("retired", date(2026, 11, 30))


def test_a_version_whose_examples_do_not_hold_is_refused_with_row_expected_and_got(table):
    broken = draft(table, SHIPPED["rows"], [["A", "10000", "0.9", "销售经理"], ["C", "5", "0.7", "无"]])
    assert publish(broken, from_on="2026-12-01") == "样例第 2 行：「折扣」应为 0.7，算出 1（第 4 行）。"
    assert Version.objects.get(pk=broken.pk).state == "draft"
    assert factor(date(2026, 12, 1)) == Decimal("0.9")


def test_a_version_without_examples_is_refused(table):
    Version.objects.filter(pk=(version := draft(table)).pk).update(examples=[])
    assert publish(version, from_on="2026-12-01").startswith("没有样例。")


def test_dates_must_not_overlap(table):
    perform(actions.retire, [table.versions.get().pk], by=SYSTEM, params={"until_on": "2026-11-30"})
    assert publish(draft(table), from_on="2026-11-30") == "和第 1 版（2020-01-01 到 2026-11-30）的日期重叠。"
    assert publish(table.versions.get(number=2), from_on="2026-12-02", until_on="2026-12-01") == "最后一天早于生效日。"
    assert publish(table.versions.get(number=2), from_on="2026-12-02") == ""
    third = draft(table)
    assert publish(third, from_on="2026-12-01").startswith("和第 2 版（2026-12-02 起）")
    assert publish(third, from_on="2026-12-01", until_on="2026-12-01") == ""
    published = table.versions.get(number=2)
    again = perform(actions.publish, [published.pk], by=SYSTEM, params={"from_on": "2027-01-01"})
    assert again.refused[published.pk].text == "状态是「生效」，不能发布。"


def test_without_a_version_in_force_or_a_row_that_fits_there_is_a_sentence(table):
    with pytest.raises(Undecided, match="2019-12-31 没有生效的规则表「样品折扣」。"):
        decide(CODE, [{"level": "A", "amount": 1}], date(2019, 12, 31))
    with pytest.raises(Undecided) as caught:
        decide(CODE, [{"level": "A", "amount": 10000}, {"level": "A"}, {"level": "X", "amount": 1}], TODAY)
    assert caught.value.problems[1] == "缺「金额」，不能判断。"
    assert "X" in caught.value.problems[2]
    assert caught.value.decisions[0].row == 1


def test_the_record_tells_which_row_of_which_version_decided(table, monkeypatch):
    known = factories.MAKERS["stranger.sample"]()
    unknown = factories.MAKERS["stranger.sample"]()
    Sample.objects.filter(pk=known.pk).update(quantity=Decimal(5000))
    outcome = perform(price, [known.pk, unknown.pk], by=SYSTEM, params={"level": "B"})
    assert outcome.done == [known.pk]
    assert outcome.refused[unknown.pk].text == "缺「金额」，不能判断。"
    event = Event.objects.get(run_id=outcome.run)
    assert event.data == {"note": "0.95", "rules": [{"title": "样品折扣", "version": 1, "rows": [2]}]}
    known.refresh_from_db()
    assert known.quantity == Decimal("0.95")
    items, _ = timeline.of(site().resources["stranger.sample"], known, SYSTEM)
    assert items[0].text == "定折扣：0.95，按《样品折扣》第 1 版第 2 行"


def test_a_thousand_records_cost_one_query(table, django_assert_num_queries):
    asked = [{"level": "A", "amount": n} for n in range(1000)]
    decide(CODE, asked[:1], TODAY)
    with django_assert_num_queries(1):
        assert len(decide(CODE, asked, TODAY)) == 1000


CASES = st.lists(
    st.fixed_dictionaries({"level": st.sampled_from("ABC"), "amount": st.decimals(0, 20000, places=2)}),
    min_size=1,
    max_size=12,
)


@given(CASES, st.integers(0, 12))
def test_a_decision_does_not_depend_on_who_else_is_asked(cases, cut):
    compiled = Compiled(
        Table(code="t", name="t", hit="first", **{k: SHIPPED[k] for k in ("inputs", "outputs")}), 1, SHIPPED["rows"]
    )
    whole = [compiled.decide(c).outputs for c in cases]
    assert [compiled.decide(c).outputs for c in [*cases[cut:], *cases[:cut]]] == whole[cut:] + whole[:cut]


def test_a_workbook_goes_out_and_comes_back_as_a_draft(table):
    first = table.versions.select_related("table").get()
    content = sheets.write(first)
    assert sheets.read(content, table) == {"rows": first.rows, "examples": first.examples}
    with pytest.raises(BadCell, match="不是 Excel 文件"):
        sheets.read(b"hello", table)
    other = Table(inputs=[{"name": "x", "label": "别的"}], outputs=[])
    with pytest.raises(BadCell, match="「规则」工作表缺「别的」这几列。"):
        sheets.read(content, other)


def test_numbers_of_excel_are_read_as_typed(table):
    import xlsxwriter

    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        for name in sheets.SHEETS:
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["折扣", "客户等级", "审批人", "金额"])
            sheet.write_row(1, 0, [0.95, "A", "内勤", 3])
    assert sheets.read(target.getvalue(), table)["rows"] == [["A", "3", "0.95", "内勤"]]


def test_the_pages_show_publish_import_and_give_the_workbook(table, client):
    manager = factories.person(position_=factories.position("经理", rules_view="all", rules_manage="all"))
    factories.sign_in(client, manager)
    assert "样品折扣" in client.get("/rules/").content.decode()
    page = client.get(f"/rules/{CODE}/").content.decode()
    assert "销售经理" in page
    assert "停用第 1 版" in page
    book = client.get(f"/rules/{CODE}/?version=1&format=xlsx")
    file = io.BytesIO(book.content)
    file.name = "r.xlsx"
    assert client.post(f"/rules/{CODE}/", {"do": "import", "file": file}).status_code == 302
    assert "发布第 2 版" in client.get(f"/rules/{CODE}/?version=2").content.decode()
    tomorrow = clock.today() + timedelta(days=1)
    early = client.post(f"/rules/{CODE}/?version=2", {"do": "publish", "from_on": "2019-01-01"})
    assert early.status_code == 422
    assert "日期重叠" in early.content.decode()
    assert client.post(f"/rules/{CODE}/?version=2", {"do": "publish", "from_on": f"{tomorrow}"}).status_code == 302
    second = table.versions.get(number=2)
    assert (second.state, second.from_on, second.published_by) == ("active", tomorrow, manager.pk)
    assert client.get(f"/rules/{CODE}/?version=9").status_code == 404
    assert client.get("/rules/none/").status_code == 404


def test_who_may_only_look_cannot_publish(table, client):
    version = draft(table)
    factories.sign_in(client, factories.person(position_=factories.position("内勤", rules_view="all")))
    assert "发布第 2 版" not in client.get(f"/rules/{CODE}/?version=2").content.decode()
    refused = client.post(f"/rules/{CODE}/?version=2", {"do": "publish", "from_on": "2026-12-01"})
    assert refused.status_code == 422
    assert Version.objects.get(pk=version.pk).state == "draft"


def test_for_records_yet_to_be_made_the_row_is_told_on_the_record_made_of_it(table):
    asked = [{"level": "B", "amount": 5000}, {"level": "A"}, {"level": "C", "amount": 1}]
    batch = NewBatch(Sample, asked, by=SYSTEM, now=clock.now(), run=1)
    made = decide(CODE, asked, TODAY, batch)
    assert [d.row for d in made] == [2, 4]
    assert list(batch.refused) == [1]
    batch.positions = {71: 0, 72: 2}
    batch.tell({71: {"note": "x"}})
    rule = {"title": "样品折扣", "version": 1}
    assert batch.said_of(71) == {"note": "x", "rules": [rule | {"rows": [2]}]}
    assert batch.said_of(72) == {"rules": [rule | {"rows": [4]}]}


def test_a_small_file_that_unfolds_to_billions_of_cells_does_not_end_the_web_process(table):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("规则")
        sheet.write_string(0, 0, "等级")
        sheet.write_string(1_048_575, 16_383, "远")
    with pytest.raises(BadCell, match="在很远的地方"):
        sheets.read(out.getvalue(), table)
