from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "neiqin.modules.intake"
    label = "intake"
