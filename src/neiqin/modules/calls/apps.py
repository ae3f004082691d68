from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "neiqin.modules.calls"
    label = "calls"
