"""The product's settings without kernel, modules and database: enough to render templates."""

from neiqin.config.settings import *  # noqa: F403

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "neiqin.web",
]
AUTH_USER_MODEL = "auth.User"
ROOT_URLCONF = "neiqin.web.urls"
ACCOUNT_ADAPTER = "allauth.account.adapter.DefaultAccountAdapter"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
