from django.apps import AppConfig


class RetentionConfig(AppConfig):
    name = "neiqin.modules.retention"
    label = "retention"
