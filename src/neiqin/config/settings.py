"""Settings of the running system. Everything that differs between installations comes from environment.py."""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from neiqin.config import environment

ENV = environment.load()
PACKAGE = Path(__file__).resolve().parent.parent

# The modules that are in. Removing a name removes the module: URLs, menu, API routes, effects and tests follow.
MODULES = [
    "neiqin.kernel.people.module",
    "neiqin.kernel.people.handover.module",
    "neiqin.kernel.rules.module",
    "neiqin.kernel.notices.module",
    "neiqin.kernel.deadlines.module",
    "neiqin.kernel.guests.module",
    "neiqin.kernel.checks.module",
    "neiqin.kernel.approvals.module",
    "neiqin.kernel.exchange.module",
    "neiqin.kernel.files.module",
    "neiqin.kernel.printing.module",
    "neiqin.modules.company.module",
    "neiqin.modules.customers.module",
    "neiqin.modules.catalog.module",
    "neiqin.modules.stock.module",
    "neiqin.modules.followups.module",
    "neiqin.modules.duplicates.module",
    "neiqin.modules.orders.module",
    "neiqin.modules.changes.module",
    "neiqin.modules.quotes.module",
    "neiqin.modules.promotions.module",
    "neiqin.modules.helpers.module",
    "neiqin.modules.intake.module",
    "neiqin.modules.habits.module",
    "neiqin.modules.projects.module",
    "neiqin.modules.tasks.module",
    "neiqin.modules.requests.module",
    "neiqin.modules.returns.module",
    "neiqin.modules.exceptions.module",
    "neiqin.modules.calls.module",
    "neiqin.modules.shipback.module",
    "neiqin.modules.groups.module",
    "neiqin.modules.retention.module",
    "neiqin.modules.pool.module",
    "neiqin.modules.privacy.module",
    "neiqin.modules.policy.module",
]

DEBUG = False
SECRET_KEY = ENV.secret_key
MASTER_KEYS = ENV.master_keys
FILES = ENV.data / "files"
ERASED = ENV.data / "erased"  # whose personal information was cleared: kept beside the data, so that restores follow it
ORDER_SOURCES = Path(os.environ.get("NEIQIN_ORDER_SOURCES", "") or ENV.data / "order-sources.toml")
ATTACHMENT_MB = int(os.environ.get("NEIQIN_ATTACHMENT_MB", "50"))
ALLOWED_HOSTS = os.environ.get("NEIQIN_HOSTS", "*").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("NEIQIN_ORIGINS", "").split(",") if o]
PROXIES = frozenset(filter(None, os.environ.get("NEIQIN_PROXY", "").split(",")))
COMPANY_TIME_ZONE = "Asia/Shanghai"
HTTPS = os.environ.get("NEIQIN_HTTPS", "") == "1"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "neiqin.config",  # for its migrate
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "neiqin.kernel.actions",
    "neiqin.kernel.personal",
    "neiqin.kernel.numbering",
    "neiqin.kernel.people",
    "neiqin.kernel.people.handover",
    "neiqin.kernel.resources",
    "procrastinate.contrib.django",
    "neiqin.kernel.jobs",
    "neiqin.kernel.search",
    "neiqin.kernel.files",
    "neiqin.kernel.printing",
    "neiqin.kernel.rules",
    "neiqin.kernel.figures",
    "neiqin.kernel.notices",
    "neiqin.kernel.deadlines",
    "neiqin.kernel.guests",
    "neiqin.kernel.checks",
    "neiqin.kernel.approvals",
    "neiqin.kernel.exchange",
    "neiqin.web",
    "neiqin.modules.company",
    "neiqin.modules.customers",
    "neiqin.modules.catalog",
    "neiqin.modules.stock",
    "neiqin.modules.followups",
    "neiqin.modules.duplicates",
    "neiqin.modules.orders",
    "neiqin.modules.changes",
    "neiqin.modules.quotes",
    "neiqin.modules.promotions",
    "neiqin.modules.helpers",
    "neiqin.modules.intake",
    "neiqin.modules.habits",
    "neiqin.modules.projects",
    "neiqin.modules.tasks",
    "neiqin.modules.requests",
    "neiqin.modules.returns",
    "neiqin.modules.exceptions",
    "neiqin.modules.calls",
    "neiqin.modules.shipback",
    "neiqin.modules.groups",
    "neiqin.modules.retention",
    "neiqin.modules.privacy",
    "neiqin.modules.pool",
    "neiqin.modules.policy",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "neiqin.web.errors.DatabaseAway",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "neiqin.kernel.people.middleware.PersonMiddleware",
]

ROOT_URLCONF = "neiqin.config.urls"
WSGI_APPLICATION = "neiqin.config.wsgi.application"

_dsn = dict(ENV.dsn)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _dsn.pop("dbname", "neiqin"),
        "USER": _dsn.pop("user", ""),
        "PASSWORD": _dsn.pop("password", ""),
        "HOST": _dsn.pop("host", ""),
        "PORT": _dsn.pop("port", ""),
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 8, "timeout": 10}, **_dsn},
        "DISABLE_SERVER_SIDE_CURSORS": False,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "APP_DIRS": True,
        "OPTIONS": {
            "environment": "neiqin.web.jinja.environment",
            "context_processors": ["neiqin.web.jinja.shell", "django.contrib.messages.context_processors.messages"],
        },
    },
]

AUTH_USER_MODEL = "people.Login"
AUTHENTICATION_BACKENDS = ["neiqin.kernel.people.authentication.LoginBackend"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "neiqin.kernel.people.authentication.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = False  # people.authentication locks a login itself: 5 failures, 30 minutes (practice.md 7.3)
ACCOUNT_SESSION_REMEMBER = False  # thirty idle minutes end a session anyway (practice.md 7.3)
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "neiqin.kernel.people.authentication.MfaAdapter"
MFA_TOTP_ISSUER = "内勤"
MFA_TOTP_TOLERANCE = 1  # a phone clock half a minute off is no wrong code

# 等保 L2 defaults, practice.md 7.3
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "neiqin.kernel.people.authentication.PasswordRules"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_IDLE = timedelta(minutes=30)
SESSION_IDLE_ADMIN = timedelta(minutes=15)  # of who may administer
SESSION_COOKIE_NAME = "neiqin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_USE_SESSIONS = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

LANGUAGE_CODE = "zh-hans"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = ENV.data / "static"
STATICFILES_DIRS = [PACKAGE / "web/static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 31536000

DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"guests": {"()": "neiqin.kernel.guests.redact.WithoutTokens"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["guests"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"neiqin": {"level": "INFO"}},
}

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = None  # the manifests import what declares jobs

# Mail: smtp://login:password@host:587 (STARTTLS), smtps://…:465, smtp+plain://host:25 inside the house. None: no mail.
_smtp = urlsplit(os.environ.get("NEIQIN_SMTP_URL", ""))
EMAIL_HOST = _smtp.hostname or ""
EMAIL_PORT = _smtp.port or (465 if _smtp.scheme == "smtps" else 587)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_smtp.username or ""), unquote(_smtp.password or "")
EMAIL_USE_SSL, EMAIL_USE_TLS = _smtp.scheme == "smtps", _smtp.scheme == "smtp"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("NEIQIN_MAIL_FROM", "") or f"neiqin@{EMAIL_HOST or 'localhost'}"
# Where people reach the system, for links in mails; and other origins that robots of group chats may have.
PUBLIC_URL = os.environ.get("NEIQIN_URL", "").rstrip("/") or next(iter(CSRF_TRUSTED_ORIGINS), "")
ROBOT_ORIGINS = [o for o in os.environ.get("NEIQIN_ROBOT_ORIGINS", "").split(",") if o]

COMPANY_NAME = os.environ.get("NEIQIN_COMPANY", "")  # else the topmost unit's
COMPANY = "neiqin.kernel.people.company.company_name"  # for rooms that know no people
PRACTICE_MARK = ENV.data / "practice"  # the demo company: every page says so
PRACTICE = PRACTICE_MARK.exists()
START_CODE = ENV.data / "start-code"  # who has read it may make the first administrator
RENDERER = "neiqin.web.jinja.render"
ACTOR_OF = "neiqin.kernel.people.actors.actor_of"  # for jobs of rooms that know no people
CSRF_FAILURE_VIEW = "neiqin.web.errors.csrf_failed"
SILENCED_SYSTEM_CHECKS = ["allauth.account.W001", "models.W037"]
