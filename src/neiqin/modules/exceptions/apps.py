from django.apps import AppConfig


class ExceptionsConfig(AppConfig):
    name = "neiqin.modules.exceptions"
    label = "exceptions"
