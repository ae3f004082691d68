"""Addresses of all resources, from the manifests."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, include, path

from neiqin.kernel.resources import nearby
from neiqin.kernel.resources.pages import forms, lists, quick, records, runs, search
from neiqin.kernel.resources.pages.screen import screen
from neiqin.kernel.resources.resource import Resource, site

SCREENS: tuple[tuple[str, Callable[..., HttpResponse]], ...] = (
    ("", lists.show),
    ("pick/", search.pick),
    ("columns/", lists.columns),
    ("views/", lists.save_view),
    ("views/<int:view>/delete/", lists.delete_view),
    ("new/", forms.new),
    ("nearby/", nearby.show),
    ("draft/<int:record_id>/", forms.draft),
    ("draft/<int:record_id>/discard/", forms.discard),
    ("do/<slug:name>/", runs.run),
    ("<int:record_id>/", records.show),
    ("<int:record_id>/edit/", forms.edit),
    ("<int:record_id>/why/", records.why),
    ("<int:record_id>/timeline/", records.more_timeline),
    ("<int:record_id>/<slug:name>/", runs.run),
)


def _bound(view: Callable[..., HttpResponse], resource: Resource) -> Callable[..., HttpResponse]:
    def of_resource(request: Any, **kwargs: Any) -> HttpResponse:
        return view(request, resource, **kwargs)

    return screen(resource.view_permission)(of_resource)


def _shown(view: Callable[..., HttpResponse], resource: Resource) -> Callable[..., HttpResponse]:
    return resource.page if resource.page and view is records.show else view


def urlpatterns() -> list[URLPattern | URLResolver]:
    """The screens of every resource, then the modules' own pages."""
    found: list[URLPattern | URLResolver] = [
        path("search/", search.palette),
        path("quick/", quick.line),
        path("addresses/split/", forms.split),
    ]
    for resource in site().resources.values():
        views = ((address, _shown(view, resource)) for address, view in SCREENS)
        inside = [path(address, _bound(view, resource)) for address, view in views]
        found.append(path(resource.url.lstrip("/"), include(inside)))
    for module in site().modules:
        found += module.urls
    return found
