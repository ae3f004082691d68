from django.apps import AppConfig


class ReturnsConfig(AppConfig):
    name = "neiqin.modules.returns"
    label = "returns"
