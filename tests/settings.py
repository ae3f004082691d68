"""The product's settings with one more module: the object of docs/adding-an-object.md."""

from neiqin.config.settings import *  # noqa: F403
from neiqin.config.settings import INSTALLED_APPS, MODULES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.stranger"]
MODULES = [*MODULES, "tests.stranger.module"]
# The product's hash takes 0.4 s a login by design; servers started by tests read these settings too.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
COMPANY_NAME = "恒川工业品"
