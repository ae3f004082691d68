from django.apps import AppConfig


class GuestsConfig(AppConfig):
    name = "neiqin.kernel.guests"
    label = "guests"
    verbose_name = "外部联系人"
