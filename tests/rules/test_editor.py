"""A draft written in the browser: marked where it cannot be, tried, compared, never overwritten unseen, never lost."""

import orjson
import pytest

from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.rules import actions, cells, faults
from neiqin.kernel.rules.compare import difference, told
from neiqin.kernel.rules.models import Version
from tests import factories
from tests.rules.test_tables import CODE, SHIPPED, draft, factor, publish, table  # noqa: F401 - table is a fixture

EDIT, CHECK = f"/rules/{CODE}/edit/", f"/rules/{CODE}/check/"
ROWS, EXAMPLES = SHIPPED["rows"], SHIPPED["examples"]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def manager(table, client):  # noqa: F811
    """Somebody who may write rules, signed in."""
    made = factories.person(position_=factories.position("经理", rules_view="all", rules_manage="all"))
    factories.sign_in(client, made)
    return made


@pytest.fixture
def no_checks(monkeypatch):
    monkeypatch.setattr(cells, "CHECKS", {})


def flat(rows):
    return [cell for row in rows for cell in row]


def form(do="save", rows=ROWS, examples=EXAMPLES, **more):
    return {"do": do, "rows": flat(rows), "examples": flat(examples), **more}


def changed(place, text, rows=ROWS):
    """The rows with another text in the cell (row from 1, column from 0)."""
    made = [list(row) for row in rows]
    made[place[0] - 1][place[1]] = text
    return made


def test_a_new_version_begins_as_a_copy_of_the_one_in_force_and_is_there_only_once_it_is_saved(table, client, manager):  # noqa: F811
    page = client.get(EDIT).content.decode()
    assert 'value="[1000, 10000)"' in page
    assert table.versions.count() == 1
    answer = client.post(EDIT, form(rows=changed((1, 2), "0.88"), request_key="once"))
    assert (answer.status_code, answer.url) == (302, f"{EDIT}?version=2")
    made = table.versions.get(number=2)
    assert (made.state, made.rows, made.examples) == ("draft", changed((1, 2), "0.88"), EXAMPLES)
    assert made.author_id == manager.pk
    assert client.post(EDIT, form(rows=changed((1, 2), "0.88"), request_key="once")).url == f"{EDIT}?version=2"
    assert table.versions.count() == 2


def test_saving_again_changes_the_same_draft_and_keeps_its_number(table, client, manager):  # noqa: F811
    made = draft(table)
    answer = client.post(f"{EDIT}?version=2", form(rows=changed((2, 0), "B"), seen=made.version))
    assert answer.status_code == 302
    assert [v.number for v in table.versions.order_by("number")] == [1, 2]
    made.refresh_from_db()
    assert (made.rows, made.version) == (changed((2, 0), "B"), 2)
    event = Event.objects.get(name="rules.version.edited")
    assert (event.record_id, event.data) == (made.pk, {"note": "第 2 版"})


def test_of_two_who_write_at_once_the_second_overwrites_nothing_and_loses_nothing(table, client, manager):  # noqa: F811
    made = draft(table)
    client.post(f"{EDIT}?version=2", form(rows=changed((1, 2), "0.8"), seen=1))
    late = client.post(f"{EDIT}?version=2", form(rows=changed((1, 2), "0.7"), seen=1))
    page = late.content.decode()
    assert late.status_code == 422
    assert "这条记录刚被别人改过" in page
    assert "<del>0.8</del> <ins>0.7</ins>" in page
    assert 'name="seen" value="1"' in page
    made.refresh_from_db()
    assert made.rows == changed((1, 2), "0.8")
    assert client.post(f"{EDIT}?version=2", form("copy", rows=changed((1, 2), "0.7"), seen=1)).status_code == 302
    assert table.versions.get(number=3).rows == changed((1, 2), "0.7")


def test_every_cell_that_cannot_be_understood_is_marked_and_everything_typed_comes_back(table, client, manager):  # noqa: F811
    rows = changed((1, 1), "很多", changed((3, 2), "折扣 * 2", changed((2, 0), "A、D")))
    answer = client.post(EDIT, form(rows=rows))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.count('<td class="ed" data-lv="bad">') == 3
    assert "第 1 行「金额」：「很多」不是金额。只写数字，千分位逗号隔三位，例如 1,234.50。条件写成 ≥ 100、" in page
    assert "第 2 行「客户等级」里没有「D」，可选 A、B、C。" in page
    assert "第 3 行「折扣」的算式「折扣 * 2」算不出来：只能用" in page
    for typed in ("很多", "折扣 * 2", "A、D", "[1000, 10000)"):
        assert f'value="{typed}"' in page
    assert table.versions.count() == 1


def test_a_cell_is_asked_about_as_one_leaves_it(table, client, manager):  # noqa: F811
    def asked(row, **more):
        return client.post(CHECK, {"part": "rows", "rows": row, **more}).json()["faults"]

    assert asked(["A", "≥0.95", "0.9", "甲"]) == []
    assert asked(["A", "0.90-0.95", "0.9", "甲"]) == []
    assert asked(["A", "", "0.90-0.95", "甲"]) == [
        [0, 2, "「折扣」要一个数，「0.90-0.95」是范围。真要相减就在前面写 =。"]
    ]
    assert asked(["其他", "", "1", "无"], last="1") == []
    assert asked(["其他", "", "1", "无"]) == [
        [0, 0, "「客户等级」：「其他」只能写在最后一行。把这一行移到最后，或写明条件。"]
    ]
    wrong = client.post(CHECK, {"part": "examples", "rows": ["A", "100..200", "1", "无"]}).json()["faults"]
    assert [(r, c) for r, c, _ in wrong] == [(0, 1)]
    assert client.get(CHECK).status_code == 405


def test_a_trial_shows_the_draft_beside_the_version_in_force_and_keeps_nothing(table, client, manager):  # noqa: F811
    given = form("try", rows=[["A", "≥ 20000", "0.8", "总监"], *ROWS], **{"try": ["A", "20000"]})
    answer = client.post(EDIT, given, headers=HTMX)
    page = answer.content.decode()
    assert page.startswith('<div id="tried"')
    assert "<td><b>0.8</b></td><td>0.9</td>" in page
    assert "<td><b>总监</b></td><td>销售经理</td>" in page
    assert "<td>第 1 行</td><td>第 1 行</td>" in page
    assert "样例 4 行都对。" in page
    assert table.versions.count() == 1
    wrong = client.post(EDIT, given | {"rows": flat(changed((1, 2), "0.8"))}, headers=HTMX).content.decode()
    assert "✗ 第 1 行：「折扣」应为 0.9，算出 0.8（第 1 行）。" in wrong
    assert "✓ 第 2 行" in wrong
    broken = client.post(EDIT, given | {"rows": flat(changed((1, 2), "x"))}, headers=HTMX).content.decode()
    assert "第 1 行：「折扣」的算式「x」算不出来" in broken
    assert "<td><b>—</b></td><td>0.9</td>" in broken
    missing = client.post(EDIT, given | {"try": ["A", ""]}, headers=HTMX).content.decode()
    assert missing.count("缺「金额」，不能判断。") == 2


def test_what_a_draft_changes_stands_on_its_page_before_it_is_published(table, client, manager):  # noqa: F811
    rows = [*changed((1, 2), "0.88")[:2], ["B", "> 1 且 < 2", "0.5", "内勤"], *ROWS[3:]]
    draft(table, rows)
    page = client.get(f"/rules/{CODE}/?version=2").content.decode()
    assert "第 2 版和第 1 版的不同" in page
    assert "规则：改 1 行，加 1 行，删 1 行。" in page
    assert "<del>0.9</del> <ins>0.88</ins>" in page
    assert "<ins>&gt; 1 且 &lt; 2</ins>" in page
    assert "<del>非 C</del>" in page
    assert "样例：一行没变。" in page
    assert "的不同" not in client.get(f"/rules/{CODE}/?version=1").content.decode()
    back = client.get(f"/rules/{CODE}/?version=1&compare=2").content.decode()
    assert "<del>0.88</del> <ins>0.9</ins>" in back


def test_rows_are_matched_by_what_stands_in_them():
    old = [["a", "1", "x"], ["b", "2", "y"], ["c", "3", "z"]]
    new = [["n", "9", "n"], ["a", "1", "x"], ["b", "5", "y"]]
    found = difference(old, new)
    assert [(c.kind, c.was, c.number) for c in found] == [("added", 0, 1), ("changed", 2, 3), ("removed", 3, 0)]
    assert (found[1].cells, found[1].before) == (("b", "5", "y"), ("b", "2", "y"))
    assert told(found) == "改 1 行，加 1 行，删 1 行。"
    assert difference(old, [list(row) for row in old]) == []


def test_two_thousand_rows_are_compared_in_a_moment():
    old = [[f"r{n}", "x", "1"] for n in range(2000)]
    assert len(difference(old, [[f"r{n}", "x", "2"] for n in range(2000)])) == 2000
    assert difference([["", "x", "1"]] * 2000, [["", "x", "1"]] * 1999)[-1].kind == "removed"


def test_a_draft_is_deleted_and_the_version_in_force_stays(table, client, manager):  # noqa: F811
    draft(table)
    assert client.post(f"/rules/{CODE}/?version=2", {"do": "delete"}).url == f"/rules/{CODE}/"
    assert [v.number for v in table.versions.all()] == [1]
    refused = client.post(f"/rules/{CODE}/?version=1", {"do": "delete"})
    assert refused.status_code == 422
    assert "状态是「生效」，不能删除草稿。" in refused.content.decode()
    assert table.versions.count() == 1


def test_what_is_published_is_never_changed_but_begins_a_new_draft(table, client, manager):  # noqa: F811
    first = table.versions.get()
    answer = client.post(f"{EDIT}?version=1", form(rows=changed((1, 2), "0.5"), seen=1))
    assert answer.url == f"{EDIT}?version=2"
    content = orjson.dumps({"rows": ROWS, "examples": EXAMPLES}).decode()
    refused = perform(actions.edit, [first.pk], by=SYSTEM, params={"content": content}).refused
    assert refused[first.pk].text == "状态是「生效」，不能改草稿。"
    first.refresh_from_db()
    assert (first.rows, first.version) == (ROWS, 1)


def test_a_draft_that_changed_since_it_was_looked_at_is_not_published(table, client, manager):  # noqa: F811
    draft(table)
    client.post(f"{EDIT}?version=2", form(rows=changed((1, 2), "0.8"), seen=1))
    late = client.post(f"/rules/{CODE}/?version=2", {"do": "publish", "from_on": "2026-12-01", "seen": "1"})
    assert late.status_code == 422
    assert table.versions.get(number=2).state == "draft"


def test_who_may_only_look_neither_opens_the_grid_nor_writes(table, client):  # noqa: F811
    made = draft(table)
    factories.sign_in(client, factories.person(position_=factories.position("内勤", rules_view="all")))
    for answer in (
        client.get(f"{EDIT}?version=2"),
        client.post(f"{EDIT}?version=2", form(rows=changed((1, 2), "0.1"), seen=1)),
        client.post(CHECK, {"rows": ["A"]}),
    ):
        assert answer.status_code == 403
    page = client.get(f"/rules/{CODE}/?version=2").content.decode()
    assert "接着改" not in page
    assert "删除草稿" not in page
    assert client.post(f"/rules/{CODE}/?version=2", {"do": "delete"}).status_code == 422
    made.refresh_from_db()
    assert (made.rows, made.version) == (ROWS, 1)


def test_empty_rows_are_left_out_and_a_row_cut_short_is_filled_up(table, client, manager):  # noqa: F811
    given = form(rows=[ROWS[0], [" "] * 4, *ROWS[1:]])
    given["examples"] = given["examples"][:-1]
    assert client.post(EDIT, given).status_code == 302
    made = table.versions.get(number=2)
    assert made.rows == ROWS
    assert made.examples == [*EXAMPLES[:3], ["C", "5", "1", ""]]
    assert publish(made, from_on="2026-12-01") == "样例第 4 行：「审批人」没有填。"


def test_hostile_content_is_refused_with_a_sentence_and_comes_back(table, client, manager):  # noqa: F811
    many = client.post(EDIT, form(rows=[["A", "1", "1", "无"]] * 2001))
    assert many.status_code == 422
    assert "有 2,001 行，最多 2,000 行。" in many.content.decode()
    for place in range(4):
        long = client.post(EDIT, form(rows=changed((1, place), "甲" * 5000)))
        assert long.status_code == 422
        assert "写了 5,000 个字，最多 1,000 个。分成几行写。" in long.content.decode()
        assert "甲" * 5000 in long.content.decode()
    for formula in ("1 /", "(" * 900, "amount ^ 99999 +", "__import__('os')", "9" * 400):
        assert client.post(EDIT, form(rows=changed((1, 2), formula))).status_code == 422
    html = '"><script>alert(1)</script>'
    page = client.post(EDIT, form(rows=changed((1, 0), html), examples=[[html] * 4])).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert table.versions.count() == 1


def test_a_formula_that_fails_is_told_in_the_trial_and_not_saved_over(table, client, manager):  # noqa: F811
    given = form("try", rows=changed((1, 2), "金额 / (金额 - 金额)"), **{"try": ["A", "10000"]})
    page = client.post(EDIT, given, headers=HTMX).content.decode()
    assert "「折扣」算出空值，算式里有除以零或缺项。" in page
    huge = given | {"rows": flat(changed((1, 2), "金额 ^ 99"))}
    assert "算不出来：算式里的数太大，或拿文字去算。" in client.post(EDIT, huge, headers=HTMX).content.decode()


def test_another_room_says_what_an_output_may_hold_when_it_is_written_and_published_not_when_it_decides(
    table, client, manager, no_checks  # noqa: F811
):  # fmt: skip
    made = draft(table)
    cells.check_cells(CODE, "approver", lambda text: "" if text != "无" else "没有「无」这个人，写岗位名。")
    with pytest.raises(ValueError, match="twice"):
        cells.check_cells(CODE, "approver", str)
    answer = client.post(f"{EDIT}?version=2", form(seen=1))
    assert answer.status_code == 422
    assert "第 4 行「审批人」：没有「无」这个人，写岗位名。" in answer.content.decode()
    assert publish(made, from_on="2026-12-01") == "第 4 行「审批人」：没有「无」这个人，写岗位名。"
    assert Version.objects.get(pk=made.pk).state == "draft"
    assert str(factor()) == "0.9"
    assert faults.in_rules(table, changed((4, 3), "总监")) == []
