"""The product's addresses and two trivial pages."""

from types import SimpleNamespace
from typing import Any

from django.http import HttpResponse
from django.urls import path

from neiqin.config import urls
from neiqin.kernel.resources.pages.screen import render, screen


@screen("")
def trivial(request: Any) -> HttpResponse:
    return HttpResponse(f"你好，{request.person.name}")


@screen("")
def shell(request: Any) -> HttpResponse:
    return render(request, "base.html", SimpleNamespace())


urlpatterns = [path("trivial/", trivial), path("shell/", shell), *urls.urlpatterns]
handler403, handler404, handler500 = urls.handler403, urls.handler404, urls.handler500
