"""What all screens share: who may come in, rendering, and the answers to what goes wrong."""

import re
from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from neiqin.kernel.actions import history
from neiqin.kernel.resources.resource import Resource, site

Bag = SimpleNamespace
KEY = re.compile(r"[A-Za-z0-9_.-]{1,80}")
View = Callable[..., HttpResponse]


def render(
    request: HttpRequest, template: str, page: Any, *, block: str | None = None, status: int = 200
) -> HttpResponse:
    """The page, or one block of its template for htmx. The renderer is web's, named in the settings."""
    return import_string(settings.RENDERER)(request, template, {"page": page}, block=block, status=status)


def screen(permission: str) -> Callable[[View], View]:
    """A view for signed-in persons with this permission: anonymous goes to the login, without the right it is 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.person.id is None:
                return redirect_to_login(request.get_full_path())
            if not request.person.may(permission):
                history.note("refused", by=request.person, source="web", params={"address": request.path[:200]})
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def record_or_404(resource: Resource, person: Any, record_id: int, *, log: str = "") -> Any:
    """The record if the person may see it. Raises Http404, the same for what is not there and what is not hers; an
    attempt on somebody else's record is noted (C-ORG-10)."""
    if record_id >= 2**63:
        raise Http404
    model = resource.model
    found = model.objects.filter(model.visible_to(person), pk=record_id).first()
    if found is None:
        if model.objects.filter(pk=record_id).exists():
            history.note("refused", by=person, source=log or "web", params={"address": f"{resource.url}{record_id}/"})
        raise Http404
    return found


def sent_key(given: Any) -> str | None:
    """The key that a sent form was given when it was drawn, so that sending it twice does it once; None for what no
    form of ours can have. given: the POST."""
    found = given.get("request_key", "")
    return found if KEY.fullmatch(found) else None


def person_field(person_id: int | None) -> str:
    """A person's name, or the system's."""
    return site().names("people.person", [person_id]).get(person_id, "系统") if person_id else "系统"
