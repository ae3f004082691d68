from django.apps import AppConfig


class PromotionsConfig(AppConfig):
    name = "neiqin.modules.promotions"
    label = "promotions"
