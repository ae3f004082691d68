from django.apps import AppConfig


class PrintingConfig(AppConfig):
    name = "neiqin.kernel.printing"
    label = "printing"
    verbose_name = "打印"
