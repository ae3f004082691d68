from django.apps import AppConfig


class HandoverConfig(AppConfig):
    name = "neiqin.kernel.people.handover"
    label = "handover"
