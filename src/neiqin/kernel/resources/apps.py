from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    name = "neiqin.kernel.resources"
    label = "resources"
