"""Addresses: login pages, health, then whatever the modules bring."""

from django.urls import include, path

urlpatterns = [path("", include("neiqin.web.urls"))]
