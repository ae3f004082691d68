"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

from neiqin.config.setup import keep_temporary_files_at_home

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neiqin.config.settings")
application = get_wsgi_application()
keep_temporary_files_at_home()
