from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "neiqin.kernel.people"
    label = "people"
