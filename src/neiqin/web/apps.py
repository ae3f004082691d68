"""The Django app that holds templates, static files and the login pages."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "neiqin.web"
    label = "web"
