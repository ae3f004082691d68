"""`neiqin export KIND`: all records of one kind as CSV, through the same scope, rights and masks as the screens."""

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from django.conf import settings

from neiqin.config.postgres import ClusterProblem
from neiqin.kernel.fields.field import Field
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.listing import Listing, Query
from neiqin.kernel.resources.masks import Face
from neiqin.kernel.resources.resource import Resource, site

PAGE = 200
# A spreadsheet would take these for formulas.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(kind: str, login: str, out: TextIO) -> int:
    """Write what `login` may see (without a login: all) to `out`; gives the number of rows. Personal columns stay out.

    Raises ClusterProblem for an unknown kind, an unknown login or a person without the right.
    """
    resource, person = _resource(kind), _person(login)
    if not person.may(resource.view_permission):
        raise ClusterProblem(f"「{login}」没有查看{resource.label}的权限。")
    fields = [field for field in resource.fields_for(person).values() if not field.personal]
    table = csv.writer(out)
    table.writerow([field.label for field in fields])
    count = 0
    for cells in _rows(resource, person, fields):
        table.writerow([_text(cell) for cell in cells])
        count += 1
    return count


def _rows(resource: Resource, person: Any, fields: list[Field]) -> Iterator[list[Any]]:
    after = ""
    while True:
        page = Listing(resource, person, Query(after=after, size=PAGE)).page(fields)
        yield from page.cells
        after = page.after
        if not after:
            return


def _resource(kind: str) -> Resource:
    known = {resource.api_name: resource for resource in site().resources.values()}
    if kind not in known:
        raise ClusterProblem(f"没有「{kind}」这类记录；可以导出：{'、'.join(sorted(known))}。")
    return known[kind]


def _person(login: str) -> Any:
    if not login:
        # Whoever can run this command reads the whole database anyway.
        return SYSTEM
    found = Login.objects.filter(username=login, is_active=True).values_list("person_id", flat=True).first()
    if found is None:
        raise ClusterProblem(f"没有账号「{login}」，或已停用。")
    return actor_of(found)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, datetime):
        return cell.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE)).strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, tuple):
        cell = cell[0]
    text = cell.name if isinstance(cell, Face) else str(cell)
    return f"'{text}" if isinstance(cell, str | Face) and text.startswith(FORMULA) else text
