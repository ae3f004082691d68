from django.apps import AppConfig


class DeadlinesConfig(AppConfig):
    name = "neiqin.kernel.deadlines"
    label = "deadlines"
    verbose_name = "时限"
