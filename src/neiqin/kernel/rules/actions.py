"""What staff do with decision tables: a new draft, publication from a day on, an end."""

from datetime import date, timedelta
from typing import Annotated, Any

import orjson

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.rules import faults
from neiqin.kernel.rules.cells import BadCell
from neiqin.kernel.rules.decide import Compiled, wrong_examples
from neiqin.kernel.rules.models import MANAGE, Table, Version

CONTENT = Field("content", "规则和样例", "long", required=True, maxlength=500_000)
FROM = Field("from_on", "生效日", "date", required=True)
UNTIL = Field("until_on", "最后一天", "date")


@action(Table, "存草稿", may=MANAGE, event="drafted", icon="file-text", button=False, bulk=False)
def draft(tables: Batch[Table], *, content: Annotated[str, CONTENT]) -> None:
    """The next version, from JSON {"rows": [[…]], "examples": [[…]]}; it decides nothing until it is published."""
    for table in tables:
        try:
            rows, examples = _read(table, content)
        except BadCell as error:
            tables.refuse({table.pk: Refusal(str(error), "content")})
            continue
        last = table.versions.order_by("-number").first()
        number = last.number + 1 if last else 1
        Version.objects.create(
            table=table,
            number=number,
            rows=rows,
            examples=examples,
            author_id=tables.by.id,
            created_at=tables.now,
            updated_at=tables.now,
        )
        tables.tell({table.pk: {"note": f"第 {number} 版", "number": number}})


@action(Version, "改草稿", may=MANAGE, from_="draft", event="edited", icon="edit", button=False, bulk=False)
def edit(versions: Batch[Version], *, content: Annotated[str, CONTENT]) -> None:
    """Other rows and examples for a draft, which keeps its number. Call it with the version of the record one saw."""
    tables = Table.objects.in_bulk([v.table_id for v in versions])
    for version in versions:
        try:
            rows, examples = _read(tables[version.table_id], content)
        except BadCell as error:
            versions.refuse({version.pk: Refusal(str(error), "content")})
            continue
        versions.set_each("rows", {version.pk: rows})
        versions.set_each("examples", {version.pk: examples})
        versions.tell({version.pk: {"note": f"第 {version.number} 版"}})


@action(
    Version, "删除草稿", may=MANAGE, from_="draft", event="deleted", icon="trash", button=False, bulk=False, danger=True
)
def delete(versions: Batch[Version]) -> None:
    """The draft goes; history keeps what it was. The next draft may get its number."""
    versions.tell({v.pk: {"note": f"第 {v.number} 版"} for v in versions})
    versions.delete(versions.ids)


def _read(table: Table, content: str) -> tuple[list[list[str]], list[list[str]]]:
    """Rows and examples as texts. Raises BadCell with what is wrong with the rules."""
    try:
        given = orjson.loads(content)
        rows, examples = _text(given["rows"]), _text(given.get("examples", []))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadCell("内容不是规则表。") from None
    if problem := faults.all_of(table, rows) or faults.too_many(examples):
        raise BadCell(problem)
    Compiled(table, 0, rows)
    return rows, examples


def _text(rows: Any) -> list[list[str]]:
    return [[str(cell).strip() for cell in row] for row in rows]


@action(Version, "发布", may=MANAGE, from_="draft", to="active", event="published", icon="checkbox", bulk=False)
def publish(
    versions: Batch[Version], *, from_on: Annotated[date, FROM], until_on: Annotated[date | None, UNTIL]
) -> None:
    """In force from a day on. All examples must hold; an open-ended predecessor ends the day before."""
    # One publication of a table at a time, or two could overlap.
    tables = {t.pk: t for t in Table.objects.select_for_update().filter(pk__in=[v.table_id for v in versions])}
    problems = {v.pk: problem for v in versions if (problem := _unfit(v, tables[v.table_id], from_on, until_on))}
    versions.refuse(problems)
    for version in versions:
        before = _others(version).filter(until_on=None, from_on__lt=from_on)
        before.update(until_on=from_on - timedelta(days=1), state=Version.State.RETIRED)
        versions.tell({version.pk: {"note": f"{from_on:%Y-%m-%d} 起"}})
    versions.set(from_on=from_on, until_on=until_on, published_by=versions.by.id, published_at=versions.now)


def _unfit(version: Version, table: Table, from_on: date, until_on: date | None) -> str | Refusal:
    if until_on is not None and until_on < from_on:
        return Refusal("最后一天早于生效日。", "until_on")
    if problem := faults.all_of(table, version.rows):
        return problem
    try:
        wrong = wrong_examples(Compiled(table, version.number, version.rows), version.examples)
    except BadCell as error:
        return str(error)
    if not version.examples:
        wrong = ["没有样例。至少写一行样例，写明条件和应得的结果。"]
    if wrong:
        return "".join(wrong[:5]) + (f"还有 {len(wrong) - 5} 行样例不对。" if len(wrong) > 5 else "")
    for other in _others(version).exclude(until_on=None, from_on__lt=from_on):
        began = other.from_on or from_on
        if (until_on is None or began <= until_on) and (other.until_on is None or other.until_on >= from_on):
            span = f"{other.from_on} 到 {other.until_on}" if other.until_on else f"{other.from_on} 起"
            return Refusal(f"和第 {other.number} 版（{span}）的日期重叠。", "from_on")
    return ""


def _others(version: Version) -> Any:
    return Version.objects.filter(table_id=version.table_id).exclude(pk=version.pk).exclude(state=Version.State.DRAFT)


@action(Version, "停用", may=MANAGE, from_="active", to="retired", event="retired", icon="x", bulk=False, danger=True)
def retire(versions: Batch[Version], *, until_on: Annotated[date, UNTIL.but(required=True)]) -> None:
    """In force up to and with a day; what was decided before stays as it was."""
    versions.refuse(
        {v.pk: Refusal(f"早于生效日 {v.from_on}。", "until_on") for v in versions if v.from_on and until_on < v.from_on}
    )
    versions.set(until_on=until_on)
