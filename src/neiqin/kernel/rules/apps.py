from django.apps import AppConfig


class RulesConfig(AppConfig):
    name = "neiqin.kernel.rules"
    label = "rules"
    verbose_name = "规则"
