"""`neiqin export KIND` and `neiqin import KIND FILE`: tables out and in without a browser, through the same doors."""

from pathlib import Path
from typing import IO, Any

from neiqin.config.postgres import ClusterProblem
from neiqin.kernel import clock
from neiqin.kernel.exchange import exporting, working, writing
from neiqin.kernel.exchange.checking import MODES
from neiqin.kernel.exchange.models import MAPPING, READY, WRITING, Import
from neiqin.kernel.exchange.plans import importable
from neiqin.kernel.files import store
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.resource import Resource, site


def write(kind: str, login: str, out: IO[bytes], form: str = "csv") -> int:
    """Write what `login` may see (without a login: all) to `out`; gives the number of rows. Of personal columns
    only names go along.

    Raises ClusterProblem for an unknown kind, an unknown login or a person without the right.
    """
    resource, person = _resource(kind), _person(login) if login else SYSTEM
    if not person.may(resource.view_permission):
        raise ClusterProblem(f"「{login}」没有查看{resource.label}的权限。")
    fields = [field for field in resource.fields_for(person).values() if not field.hidden]
    about = writing.About(resource.label, login or "系统", clock.now())
    with writing.Export(out, [writing.Heading(f.label, f.kind) for f in fields], about, form) as writer:
        for _, rows in exporting.pages(resource, person, "", fields):
            writer.extend(exporting.values(fields, rows))
        return writer.count


def read(kind: str, login: str, file: Path, mode: str, *, go: bool) -> dict[str, object]:
    """Import a file as `login`; without `go` only the dry run. Gives state, counts and totals, as the page shows them.

    Raises ClusterProblem: unknown kind or login, no right, an unreadable file, or columns that a person must look at.
    """
    resource, person = _resource(kind), _person(login)
    if resource not in importable(person) or not person.may("exchange.import"):
        raise ClusterProblem(f"「{login}」没有导入{resource.label}的权限。")
    if mode not in MODES:
        raise ClusterProblem(f"没有「{mode}」这种方式，可以是 {'、'.join(MODES)}。")
    stored = store.keep(file.read_bytes(), file.name, by=person)
    imp = Import.objects.create(
        resource=resource.key, person_id=person.id, file=stored, mode=mode, created_at=clock.now()
    )
    working.work(import_id=imp.pk)
    imp.refresh_from_db()
    if imp.state == MAPPING:
        raise ClusterProblem(f"有的列要人来对：登录网页打开 /imports/{imp.pk}/ 对好再导入。")
    if imp.state != READY:
        raise ClusterProblem(imp.sentence)
    if go:
        Import.objects.filter(pk=imp.pk).update(state=WRITING)
        working.work(import_id=imp.pk)
        imp.refresh_from_db()
    return {"import": imp.pk, "state": imp.state, "counts": imp.counts, "totals": imp.totals}


def _resource(kind: str) -> Resource:
    known = {resource.api_name: resource for resource in site().resources.values()}
    if kind not in known:
        raise ClusterProblem(f"没有「{kind}」这类记录；有的是：{'、'.join(sorted(known))}。")
    return known[kind]


def _person(login: str) -> Any:
    found = Login.objects.filter(username=login, is_active=True).values_list("person_id", flat=True).first()
    if found is None:
        raise ClusterProblem(f"没有账号「{login}」，或已停用。")
    return actor_of(found)
