"""`prepare`: tables, a user and a session, its cookie. `serve --port N`: the granian that neiqin up starts."""

import sys

from bench.bare import settings as _settings  # noqa: F401 - says early what is missing


def main() -> None:
    """Run one of the two."""
    if sys.argv[1] == "prepare":
        _prepare()
    else:
        _serve(int(sys.argv[sys.argv.index("--port") + 1]))


def _prepare() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
    from django.contrib.sessions.backends.db import SessionStore

    user, store = get_user_model().objects.create_user("somebody", password="x"), SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store.save()
    print(f"sessionid={store.session_key}")


def _serve(port: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        "bench.bare.urls:application", address="127.0.0.1", port=port, interface=Interfaces.WSGI, workers=1,
        blocking_threads=4, log_level=LogLevels.warning,
    ).serve()  # fmt: skip


if __name__ == "__main__":
    main()
