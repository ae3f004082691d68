from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "neiqin.modules.customers"
    label = "customers"
