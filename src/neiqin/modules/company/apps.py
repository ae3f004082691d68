from django.apps import AppConfig


class CompanyConfig(AppConfig):
    name = "neiqin.modules.company"
    label = "company"
