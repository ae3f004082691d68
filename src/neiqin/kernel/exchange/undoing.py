"""Taking an import back: what it created goes, what it changed gets its old values, unless something stands on it."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from django.db import connection
from django.db.models import Count

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import REGISTRY, Action, register
from neiqin.kernel.actions.models import Change, Request
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.exchange.plans import Plan
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.files.attach import filed_on
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.personal.keys import erase, index_many

KEYS = Field("keys", "请求号", maxlength=300)
KEPT = ("id", "version", "updated_at")  # what a record keeps when its old values come back


def withdraw_of(plan: Plan) -> Action:
    """The action that takes back what runs under the given request keys (of the same person) did to these records.

    A record that has changed since is refused as stale, one that others point to by naming them.
    """
    model, lines = plan.resource.model, plan.shape.lines
    if (known := REGISTRY.get(f"{plan.resource.key}.withdraw")) is not None:
        return known

    def withdraw(batch: Batch[Any], *, keys: Annotated[str, KEYS] = "") -> None:
        runs = _runs(keys.split(), batch.by)
        batch.refuse(_stood_on(plan, batch.ids))
        created = _created(model, batch.ids, runs)
        changed = [i for i in batch.ids if i not in created]
        _restore_lines(lines, changed, runs)
        _restore(model, changed, runs)
        erase(_subjects(model, lines, created))
        batch.delete(created)

    made = Action(
        model, "withdraw", "撤销导入", withdraw, plan.create.may, "withdrawn", shape=Shape((KEYS,)), button=False,
        bulk=False, icon="rotate",
    )  # fmt: skip
    return register(made)


def _runs(keys: Sequence[str], by: Any) -> list[int]:
    found = Request.objects.filter(person_id=by.id or 0, key__in=keys).values_list("outcome", flat=True)
    return [outcome["run"] for outcome in found if outcome and outcome.get("run")]


def _created(model: Any, ids: Iterable[int], runs: Sequence[int]) -> list[int]:
    rows = Change.objects.filter(run_id__in=runs, tbl=model._meta.db_table, op="I", row_id__in=list(ids))
    return list(rows.values_list("row_id", flat=True))


def _stood_on(plan: Plan, ids: Sequence[int]) -> dict[int, Refusal]:
    """Records that rows of other records point to (their own lines go along, and so does what is only reckoned)."""
    own = {lines.model for lines in plan.resource.all_lines}
    filed = Refusal("上面有归档的附件，没有撤销。", code="used")
    problems: dict[int, Refusal] = dict.fromkeys(filed_on(plan.resource.key, ids), filed)
    for relation in plan.resource.model._meta.related_objects:
        if relation.related_model in own or not getattr(relation.related_model, "audited", False):
            continue
        name = relation.field.name
        rows = relation.related_model.objects.filter(**{f"{name}__in": ids}).values_list(name)
        for record, count in rows.annotate(n=Count("pk")).order_by():
            text = f"已有 {count} 条{relation.related_model._meta.verbose_name}用到它，没有撤销。"
            problems.setdefault(record, Refusal(text, code="used"))
    return problems


def _subjects(model: Any, lines: Sequence[Lines], records: Sequence[int]) -> list[Any]:
    """The natural persons that go with these records: nothing of them stays readable, not even in history."""
    found: list[Any] = []
    for kind, column in ((model, "pk"), *((x.model, x.fk) for x in lines)):
        if any(f.name == "subject" for f in kind._meta.concrete_fields):
            found += kind.objects.filter(**{f"{column}__in": records}).values_list("subject", flat=True)
    return found


def _restore_lines(lines: Sequence[Lines], records: Sequence[int], runs: Sequence[int]) -> None:
    for line in lines:
        mine = line.model.objects.filter(**{f"{line.fk}__in": records})
        added = Change.objects.filter(run_id__in=runs, tbl=line.model._meta.db_table, op="I").values("row_id")
        gone = mine.filter(pk__in=added)
        if any(f.name == "subject" for f in line.model._meta.concrete_fields):
            erase(list(gone.values_list("subject", flat=True)))
        gone.delete()
        _restore(line.model, list(mine.values_list("pk", flat=True)), runs)


def _restore(model: Any, ids: Sequence[int], runs: Sequence[int]) -> None:
    """Write back what history says the rows were before these runs, in one statement; whatever finds them follows."""
    meta = model._meta
    columns = [f.column for f in meta.concrete_fields if f.attname not in KEPT]
    sets = ", ".join(f'"{c}" = was."{c}"' for c in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{meta.db_table}" t SET {sets} FROM ('
            f"SELECT p.* FROM (SELECT DISTINCT ON (row_id) row_id, before FROM actions_change WHERE run_id = ANY(%s) "
            f"AND tbl = %s AND op = 'U' AND row_id = ANY(%s) ORDER BY row_id, id) c "
            f'JOIN "{meta.db_table}" o ON o.id = c.row_id, '
            "LATERAL jsonb_populate_record(o, c.before::jsonb) p) was WHERE t.id = was.id RETURNING t.id",
            [list(runs), meta.db_table, list(ids)],
        )
        restored = [row[0] for row in cursor.fetchall()]
    _find_again(model, restored)


def _find_again(model: Any, ids: Sequence[int]) -> None:
    phones = [n for n in ("mobile", "phone") if any(f.name == n for f in model._meta.concrete_fields)]
    if not phones or not hasattr(model, "subject") or not ids:
        return
    rows = list(model.objects.filter(pk__in=ids))
    entries = []
    for row, texts in zip(rows, open_columns(rows, phones), strict=True):
        for name in phones:
            text = texts[name] or ""
            entries += [(row.subject, name, text), (row.subject, f"{name}:last4", text[-4:])]
    index_many(entries)
