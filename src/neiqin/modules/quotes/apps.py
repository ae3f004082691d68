from django.apps import AppConfig


class QuotesConfig(AppConfig):
    name = "neiqin.modules.quotes"
    label = "quotes"
