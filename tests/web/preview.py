"""A development server that shows every template with the sample contexts of samples.py.

    python -m tests.web.preview [port]      then open /, or /list?density=compact&theme=dark

It serves nothing but samples, needs no database, and sends the policy of the real pages.
"""

import mimetypes
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import make_server

STATIC = Path(__file__).resolve().parents[2] / "src/neiqin/web/static"


def _policy() -> str:
    from django.conf import settings

    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return "; ".join(f"{name} {' '.join(values)}" for name, values in directives.items())


def page(name: str, query: dict[str, list[str]]) -> str:
    """The named sample rendered as HTML."""
    from django.test import RequestFactory

    from neiqin.web.jinja import render
    from tests.web import samples

    template, context, current = samples.pages()[name]
    request = RequestFactory().get(f"/{name}")
    options = {key: query[key][0] for key in ("theme", "density") if key in query}
    request.shell = samples.shell(current, **options)  # type: ignore[attr-defined]
    return render(request, template, {"messages": [], **context}).content.decode()


def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """The WSGI application: samples under /, static files under /static/."""
    path = environ["PATH_INFO"].strip("/")
    if path.startswith("static/"):
        # Names may carry the hash of a collected manifest.
        file = STATIC / re.sub(r"\.[0-9a-f]{12}(?=\.\w+$)", "", path.removeprefix("static/"))
        start("200 OK", [("Content-Type", mimetypes.guess_type(file.name)[0] or "text/plain")])
        return [file.read_bytes()]
    from tests.web import samples

    names = samples.pages()
    if path and path not in names:
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b""]
    html = page(path, parse_qs(environ["QUERY_STRING"])) if path else _index(names)
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", _policy())]
    start("200 OK", headers)
    return [html.encode()]


def _index(names: Iterable[str]) -> str:
    items = "".join(f'<li><a href="/{name}">{name}</a></li>' for name in names)
    return f"<!doctype html><title>samples</title><ul>{items}</ul>"


def main() -> None:
    """Serve until interrupted."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.web.settings")
    import django

    django.setup()
    from neiqin.kernel import clock
    from tests.web import samples

    clock.now = lambda: samples.NOW  # type: ignore[assignment]
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8123
    with make_server("127.0.0.1", port, application) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
