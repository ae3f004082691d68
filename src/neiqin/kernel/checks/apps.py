from django.apps import AppConfig


class ChecksConfig(AppConfig):
    name = "neiqin.kernel.checks"
    label = "checks"
    verbose_name = "校验"
