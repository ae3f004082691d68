"""Lent to a job: for some days somebody may do a few things on the rows of one job, within the reach of who asked for
her. Both are asked for anew each time, so that rows come in as they come up, and nothing outlives its last day, the
asker's own rights or his leaving. Which jobs there are is plugged in; what was lent is never delegated (C-ORG-07)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db.models import Q

from neiqin.kernel.people.scope import Job, Scope
from neiqin.kernel.resources.resource import site

Reach = Callable[[int, date], Mapping[str, Scope]]  # (person, day) -> the person's own scopes


class Loan(NamedTuple):
    """Who is lent to which job (a key of the kind's own): what she may do there, who asked, until which day
    (inclusive), the job in words."""

    job: tuple[Any, ...]
    person: int
    name: str
    asker: int
    permissions: tuple[str, ...]
    until_on: date
    words: str


@dataclass(frozen=True)
class Lending:
    """A kind of loans. loans: (day, person or None for everybody) -> those in force; rows: label of a model ->
    (job, reach of who asked) -> its rows."""

    name: str
    loans: Callable[[date, int | None], list[Loan]]
    rows: Mapping[str, Callable[[tuple[Any, ...], Scope], Q]]

    def plug(self) -> None:
        KINDS[self.name] = self


KINDS: dict[str, Lending] = {}


def in_force(day: date, person: int | None = None) -> list[tuple[str, Loan]]:
    """(name of the kind, loan) of all that hold on a day, of a person or of everybody."""
    site()  # what the manifests bring is at work
    return [(kind.name, loan) for kind in KINDS.values() for loan in kind.loans(day, person)]


def lent_to(person: int, day: date, reach_of: Reach) -> dict[str, Scope]:
    """Permission -> the rows on which loans give it. reach_of: the own scopes of who asked."""
    found: dict[str, Scope] = {}
    for kind, loan in in_force(day, person):
        reach = reach_of(loan.asker, day)
        for permission in loan.permissions:
            if permission in reach:
                job = Scope(jobs=frozenset({Job(kind, loan.job, reach[permission])}))
                found[permission] = found.get(permission, Scope()) | job
    return found


def rows_of(model: Any, jobs: Iterable[Job]) -> Q:
    """The rows of these jobs; none of a model that no job touches."""
    found = Q(pk__in=[])
    for job in jobs:
        rows = KINDS[job.kind].rows.get(model._meta.label_lower)
        if rows is not None:
            found |= rows(job.key, job.reach)
    return found


def sql_of(model: Any, jobs: Iterable[Job]) -> tuple[str, list[Any]]:
    """What adds the ids of the rows of these jobs to a statement that gives ids."""
    try:
        sql, values = model.objects.filter(rows_of(model, jobs)).order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "", []
    return f" UNION {sql}", list(values)


def letting_in(record: Any, permission: str, day: date, reach_of: Reach) -> list[Loan]:
    """The loans through which somebody holds the permission on this record."""
    found = []
    for kind, loan in in_force(day):
        reach = reach_of(loan.asker, day) if permission in loan.permissions else {}
        if permission in reach:
            scope = Scope(jobs=frozenset({Job(kind, loan.job, reach[permission])}))
            found += [loan] if lent(record, scope) else []
    return found


def within(reach: Scope) -> Q:
    """The owned rows that own scopes cover."""
    return Q() if reach.everything else Q(owner_id__in=sorted(reach.owners)) | Q(unit_id__in=sorted(reach.units))


def lent(record: Any, scope: Scope) -> bool:
    """Is this record one of the jobs' that are in the scope? Asks the database only of who is lent."""
    return bool(scope.jobs) and type(record).objects.filter(rows_of(type(record), scope.jobs), pk=record.pk).exists()
