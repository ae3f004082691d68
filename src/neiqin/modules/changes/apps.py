from django.apps import AppConfig


class ChangesConfig(AppConfig):
    name = "neiqin.modules.changes"
    label = "changes"
