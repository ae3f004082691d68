"""One view for signed-in users."""

from django.contrib.auth.decorators import login_required
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


@login_required
def trivial(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"你好，{request.user.get_username()}")


urlpatterns = [path("trivial/", trivial), path("healthz", lambda request: HttpResponse("ok"))]
application = get_wsgi_application()
