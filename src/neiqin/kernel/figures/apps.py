from django.apps import AppConfig


class FiguresConfig(AppConfig):
    name = "neiqin.kernel.figures"
    label = "figures"
    verbose_name = "指标"
