"""Addresses: login pages, health, the API, then whatever the modules bring."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

from neiqin.kernel.resources import api
from neiqin.kernel.resources.pages import routes


def health(request: HttpRequest) -> JsonResponse:
    """Is the server there, and its database? 503 if not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        return JsonResponse({"ok": False, "database": "away"}, status=503)
    return JsonResponse({"ok": True})


def description(request: HttpRequest) -> HttpResponse:
    """What the API can do, without data: for anybody."""
    return HttpResponse(api.description(), content_type="application/json")


urlpatterns = [
    path("healthz", health),
    path("api/v1/openapi.json", description),
    path("api/v1/", api.build().urls),
    path("", include("neiqin.web.urls")),
    *routes.urlpatterns(),
]
handler403 = "neiqin.web.errors.forbidden"
handler404 = "neiqin.web.errors.not_found"
handler500 = "neiqin.web.errors.failed"
