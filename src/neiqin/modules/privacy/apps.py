from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "neiqin.modules.privacy"
    label = "privacy"
