from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "neiqin.kernel.notices"
    label = "notices"
    verbose_name = "消息"
