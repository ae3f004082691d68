from django.apps import AppConfig


class HelpersConfig(AppConfig):
    name = "neiqin.modules.helpers"
    label = "helpers"
