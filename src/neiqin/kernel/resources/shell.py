"""What the frame around every page shows: menu, new-record keys, company."""

from types import SimpleNamespace
from typing import Any

from django.conf import settings

from neiqin.kernel.resources.resource import site


def shell_of(request: Any) -> Any:
    """The shell for this request's person; anonymous pages have none."""
    person = request.person
    if person.id is None:
        return None
    sections: dict[str, list[Any]] = {"": []}
    for module in site().modules:
        for name in module.sections:
            sections.setdefault(name, [])
        for entry in module.menu:
            if person.may(entry.permission):
                count = entry.count(person) if entry.count else 0
                sections.setdefault(entry.section, []).append(_entry(request, entry, count))
        for resource in module.resources:
            if resource.section and person.may(resource.view_permission):
                sections.setdefault(resource.section, []).append(_entry(request, resource, 0))
    news = [
        SimpleNamespace(label=r.label, url=f"{r.url}new/", icon=r.icon, key=r.new_key)
        for r in site().resources.values()
        if r.new_key and r.create is not None and person.may(r.create.may)
    ]
    return SimpleNamespace(
        person=person,
        menu=[SimpleNamespace(label=n, entries=e) for n, e in sections.items() if e],
        company=settings.COMPANY_NAME,
        theme=person.theme,
        density=person.density,
        news=news,
        settings_url="/settings/",
    )


def _entry(request: Any, thing: Any, count: int) -> Any:
    current = request.path == thing.url if thing.url == "/" else request.path.startswith(thing.url)
    return SimpleNamespace(
        label=thing.label,
        url=thing.url,
        icon=thing.icon,
        current=current,
        count=count,
        hot=count > 0,
        sub=False,
        phone=thing.phone,
    )
