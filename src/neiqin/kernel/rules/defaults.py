"""Tables that modules ship as data: a JSON file each, installed where the table is not there yet.

{"code", "name", "hit", "from_on", "inputs": [columns], "outputs": [columns], "rows": [[cell]], "examples": [[cell]]}
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
from django.db import transaction

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.rules.cells import columns
from neiqin.kernel.rules.decide import Compiled, wrong_examples
from neiqin.kernel.rules.models import Table, Version

SHIPPED: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True)
class RuleFile:
    """A default table in a module's manifest: `rules=[RuleFile(Path(__file__).parent / "rules/price.json")]`."""

    path: Path

    def plug(self) -> None:
        """Make the table known. Raises ValueError for a broken file or a second one of the code."""
        given = orjson.loads(self.path.read_bytes())
        if given["code"] in SHIPPED:
            raise ValueError(f"rules {given['code']} are shipped twice")
        columns(given["inputs"] + given["outputs"])
        SHIPPED[given["code"]] = given


def install() -> int:
    """Make the shipped tables that are absent, with their first version in force; gives how many. Repeatable.

    Raises ValueError when an example of a shipped table does not hold.
    """
    missing = [g for code, g in SHIPPED.items() if not Table.objects.filter(code=code).exists()]
    if not missing:
        return 0
    with transaction.atomic():
        history.begin("rules.install", by=SimpleNamespace(id=None), source="cli")
        for given in missing:
            _install(given)
    return len(missing)


def _install(given: dict[str, Any]) -> None:
    now = clock.now()
    stamps = {"created_at": now, "updated_at": now}
    described = {k: given[k] for k in ("code", "name", "inputs", "outputs")}
    table = Table.objects.create(**described, hit=given.get("hit", "first"), **stamps)
    wrong = wrong_examples(Compiled(table, 1, given["rows"]), given["examples"])
    if wrong or not given["examples"]:
        raise ValueError(f"rules {given['code']}: {wrong or 'no examples'}")
    Version.objects.create(
        table=table,
        number=1,
        state=Version.State.ACTIVE,
        from_on=date.fromisoformat(given.get("from_on", "2020-01-01")),
        rows=given["rows"],
        examples=given["examples"],
        published_at=now,
        **stamps,
    )
