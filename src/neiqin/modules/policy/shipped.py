"""The clauses as shipped (clauses.json), and what the manifests say of carrying them out."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
from django.db import transaction

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.resources import finding
from neiqin.kernel.resources.resource import site
from neiqin.modules.policy.models import Clause

DONE, PART, OPEN, OFF = "done", "part", "open", "off"


@cache
def clauses() -> dict[str, dict[str, Any]]:
    """Clause id -> what is shipped of it, in the order of the book."""
    return {c["id"]: c for c in orjson.loads((Path(__file__).parent / "clauses.json").read_bytes())}


def state_of(code: str) -> str:
    """Carried out, in part, or by nobody: what the manifests say."""
    carried = site().carried.get(code)
    return OPEN if carried is None else PART if carried.missing else DONE


def install() -> int:
    """Bring the table in line with the shipped clauses and the manifests; gives how many changed. Repeatable.

    What the company has decided stays: its own wording, and clauses that do not apply to it.
    """
    now, there = clock.now(), {c.code: c for c in Clause.objects.all()}
    new: list[Clause] = []
    changed: list[Clause] = []
    for position, (code, given) in enumerate(clauses().items(), 1):
        clause = there.get(code) or Clause(code=code, created_at=now, updated_at=now)
        before = dict(vars(clause))
        _take(clause, position, given)
        if clause.pk is None:
            new.append(clause)
        elif vars(clause) != before:
            changed.append(clause)
    if new or changed:
        with transaction.atomic():
            history.begin("policy.install", by=SimpleNamespace(id=None), source="cli")
            Clause.objects.bulk_create(new)
            Clause.objects.bulk_update(
                changed, ["position", "chapter", "name", "text", "original", "kind", "sources", "state"]
            )
            finding.reindex(site().resources["policy.clause"], [c.pk for c in (*new, *changed)])
    return len(new) + len(changed)


def _take(clause: Clause, position: int, given: dict[str, Any]) -> None:
    clause.position, clause.chapter = position, given["chapter"]
    clause.name, clause.kind = given["title"], given["kind"]
    clause.sources = "、".join(given["from"])
    if clause.state != OFF:
        clause.state = state_of(clause.code)
    if clause.original:
        clause.original = given["text"]
    else:
        clause.text = given["text"]
