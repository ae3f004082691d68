"""The template environment, the context of the shell, and render(): a whole template or one block of it.

The macros of components/*.html are globals, so that a block rendered alone for htmx has them too.
"""

from copy import copy
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.backends.jinja2 import Template
from django.template.backends.utils import csrf_input_lazy, csrf_token_lazy
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string
from jinja2 import Environment, StrictUndefined
from jinja2_fragments import render_block
from markupsafe import Markup

from neiqin.web import formats, parts
from neiqin.web.cells import CELLS, cell, marks, state

COMPONENTS = (
    "controls",
    "shell",
    "dialog",
    "table",
    "list",
    "fields",
    "form",
    "record",
    "account",
    "exchange",
    "figure",
    "rules",
    "original",
    "grid",
)
ANONYMOUS: dict[str, Any] = {
    "person": None,
    "menu": [],
    "company": "内勤",
    "practice": False,
    "nav_counts": {},
    "theme": "auto",
    "density": "normal",
    "news": [],
    "search_url": None,
    "settings_url": None,
    "letter_keys": True,
    "request_id": "",
}


def environment(**options: Any) -> Environment:
    """Django's hook: the strict, escaping environment with our globals, filters and components."""
    options |= {"undefined": StrictUndefined, "autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
    env = Environment(**options, extensions=["jinja2.ext.i18n", "jinja2.ext.do"])  # noqa: S701 (autoescape is in options)
    env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    env.globals |= {
        "static": static,
        "url": url,
        "guest_company": lambda: import_string(settings.COMPANY)(),
        "opening_code_waits": lambda: settings.START_CODE.exists(),
        "CELLS": CELLS,
        "cell": cell,
        "zip": zip,
        "icon": parts.icon,
        "av": parts.av,
        "delta": parts.delta,
        "bar": parts.bar,
        "spark": parts.spark,
        "state": state,
        "marks": marks,
        "hidden_query": hidden_query,
        "blank_row": blank_row,
    }
    env.filters |= {
        "money": formats.money,
        "yuan": formats.yuan,
        "wan": formats.wan,
        "number": formats.number,
        "day": formats.day,
        "long_day": formats.long_day,
        "moment": formats.moment,
        "full_moment": formats.full_moment,
    }
    for name in COMPONENTS:
        module = env.get_template(f"components/{name}.html").module
        env.globals |= {key: macro for key, macro in vars(module).items() if not key.startswith("_")}
    return env


def static(path: str) -> str:
    """The address of a static file; without a collected manifest (tests, development) the plain one."""
    try:
        return staticfiles_storage.url(path)
    except ValueError:
        return f"{settings.STATIC_URL}{path}"


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a named route."""
    return reverse(name, args=args, kwargs=kwargs)


def hidden_query(address: str, drop: tuple[str, ...] = ()) -> Markup:
    """Hidden inputs for the query of an address, because a GET form forgets the query of its action."""
    pairs = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    return Markup("").join(
        Markup('<input type="hidden" name="{}" value="{}">').format(name, value)
        for name, value in pairs
        if name not in drop
    )


def blank_row(lines: Any) -> SimpleNamespace:
    """An empty row of a line editor; the script puts a number where the names say __n__."""
    fields = []
    for column in lines.columns:
        field = copy(column)
        field.name, field.value, field.error = f"{lines.name}-__n__-{column.name}", "", None
        fields.append(field)
    return SimpleNamespace(key="__n__", id=None, fields=fields, delete=False)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what the shell needs, as `shell`. It is made when a template asks for it: a piece of a page
    does without menu, counts and news.

    The kernel's middleware puts an object, or a callable that makes one, on request.shell; it is asked once.
    """
    return {"shell": SimpleLazyObject(partial(_shell, request))}


def _shell(request: HttpRequest) -> SimpleNamespace:
    given = getattr(request, "shell", None)
    if callable(given):
        given = given()
        request.shell = given  # type: ignore[attr-defined]
    if given is None:
        return SimpleNamespace(**ANONYMOUS)
    return SimpleNamespace(**{name: getattr(given, name, default) for name, default in ANONYMOUS.items()})


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a piece of the page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"


def render(
    request: HttpRequest, template: str, context: dict[str, Any], *, block: str | None = None, status: int = 200
) -> HttpResponse:
    """A response with the whole template, or only one of its blocks, with CSRF and the context processors."""
    found = cast("Template", engines["jinja2"].get_template(template))
    if block is None:
        response = HttpResponse(found.render(dict(context), request), status=status)
    else:
        html = render_block(found.backend.env, template, block, **_full(found, context, request))
        response = HttpResponse(html, status=status)
        response["Vary"] = "HX-Request"
    response["Cache-Control"] = "no-store"  # nobody reads customers with the back button of one who has signed out
    return response


def _full(template: Template, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    full = dict(context)
    full |= {"request": request, "csrf_input": csrf_input_lazy(request), "csrf_token": csrf_token_lazy(request)}
    for processor in template.backend.template_context_processors:
        full |= processor(request)
    return full
