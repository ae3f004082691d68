from django.apps import AppConfig


class PersonalConfig(AppConfig):
    name = "neiqin.kernel.personal"
    label = "personal"
    verbose_name = "个人信息"
