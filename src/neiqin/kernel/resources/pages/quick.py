"""The quick line: what the words mean, as a fragment; `go` opens the form they fill in."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from neiqin.kernel.resources import quick
from neiqin.kernel.resources.pages.screen import Bag, render, screen


@screen("")
@require_POST
def line(request: Any) -> HttpResponse:
    """POST `t`: the words."""
    text = request.POST.get("t", "")
    kind, guess = quick.read(request.person, text) or (None, None)
    if "go" in request.GET and guess is not None:
        joint = "&" if "?" in guess.url else "?"
        return HttpResponseRedirect(f"{guess.url}{joint}d={quick.carry(request.person, guess.values)}")
    if "go" in request.GET:
        return HttpResponseRedirect("/")
    known = quick.known_to(request.person)
    return render(request, "quick.html", Bag(text=text.strip(), kind=kind, guess=guess, known=known))
