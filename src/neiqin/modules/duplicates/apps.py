from django.apps import AppConfig


class DuplicatesConfig(AppConfig):
    name = "neiqin.modules.duplicates"
    label = "duplicates"
