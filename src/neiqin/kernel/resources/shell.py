"""What the frame around every page shows: menu, new-record keys, company."""

from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from neiqin.kernel.resources.resource import MenuEntry, site

SETTINGS = "/settings/"
SETTINGS_ENTRY = MenuEntry("设置", SETTINGS, "settings", "管理")
MOST = 99  # a larger count is shown as 99+


def shell_of(request: Any) -> Any:
    """The shell for this request's person; anonymous pages have none."""
    person = request.person
    if person.id is None:
        return None
    sections: dict[str, list[Any]] = {"": []}
    for module in site().modules:
        for name in module.sections:
            sections.setdefault(name, [])
        for resource in module.resources:
            if resource.section and not resource.tucked and person.may(resource.view_permission):
                sections.setdefault(resource.section, []).append(_entry(request, resource, 0))
    for entry in (e for module in site().modules for e in module.menu if person.may(e.permission) and not e.tucked):
        count = entry.count(person) if entry.count else 0
        sections.setdefault(entry.section, []).append(_entry(request, entry, count))
    if tucked(person):
        sections["管理"].append(_entry(request, SETTINGS_ENTRY, 0))
    return SimpleNamespace(
        person=person,
        menu=[SimpleNamespace(label=n, entries=e) for n, e in sections.items() if e],
        company=import_string(settings.COMPANY)(),
        practice=settings.PRACTICE,
        theme=person.theme,
        density=person.density,
        news=_news(person),
        search_url="/search/",
        settings_url=SETTINGS,
    )


def tucked(person: Any) -> list[Any]:
    """What this person sets up seldom: on the page of settings instead of in the menu."""
    found: list[Any] = [e for module in site().modules for e in module.menu if e.tucked and person.may(e.permission)]
    return found + [r for r in site().resources.values() if r.tucked and r.section and person.may(r.view_permission)]


def commands(person: Any) -> list[Any]:
    """Where the person can go and what she can make, for the palette: label, url, icon."""
    places: list[Any] = [entry for module in site().modules for entry in module.menu if person.may(entry.permission)]
    places += [r for r in site().resources.values() if r.section and person.may(r.view_permission)]
    made = [SimpleNamespace(label=f"新建{n.label}", url=n.url, icon=n.icon) for n in _news(person)]
    return [*places, *made, SimpleNamespace(label="我的设置", url=SETTINGS, icon="settings")]


def _news(person: Any) -> list[Any]:
    return [
        SimpleNamespace(label=r.label, url=f"{r.url}new/", icon=r.icon, key=r.new_key)
        for r in site().resources.values()
        if r.new_key and r.create is not None and person.may(r.create.may)
    ]


def _entry(request: Any, thing: Any, count: int) -> Any:
    current = request.path == thing.url if thing.url == "/" else request.path.startswith(thing.url)
    return SimpleNamespace(
        label=thing.label,
        url=thing.url,
        icon=thing.icon,
        current=current,
        count=f"{MOST}+" if count > MOST else count,
        hot=count > 0,
        sub=False,
        phone=thing.phone,
        renew=getattr(thing, "renew", ""),
    )
