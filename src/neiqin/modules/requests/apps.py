from django.apps import AppConfig


class RequestsConfig(AppConfig):
    name = "neiqin.modules.requests"
    label = "requests"
