from django.apps import AppConfig


class GroupsConfig(AppConfig):
    name = "neiqin.modules.groups"
    label = "groups"
