"""The login pages: allauth's views under allauth's names, only those that we offer.

allauth reverses some names of pages that do not exist here; they are there and answer 404.
"""

from typing import NoReturn

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.http import Http404, HttpRequest
from django.urls import path


def absent(request: HttpRequest, **kwargs: str) -> NoReturn:
    """A page that allauth may name and that we do not offer."""
    raise Http404


urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("account/inactive/", account.account_inactive, name="account_inactive"),
    path("account/codes/", mfa.index, name="mfa_index"),
    path("login/code/", mfa.authenticate, name="mfa_authenticate"),
    path("account/confirm/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("account/codes/activate/", totp.activate_totp, name="mfa_activate_totp"),
    path("account/codes/deactivate/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/codes/recovery/", recovery.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/codes/recovery/new/", recovery.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/codes/recovery/file/", recovery.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("account/signup/", absent, name="account_signup"),
    path("account/email/", absent, name="account_email"),
    path("account/email/sent/", absent, name="account_email_verification_sent"),
    path("account/email/<str:key>/", absent, name="account_confirm_email"),
    path("account/password/set/", absent, name="account_set_password"),
    path("account/password/reset/", absent, name="account_reset_password"),
    path("account/password/reset/done/", absent, name="account_reset_password_done"),
    path("account/password/reset/<str:uidb36>-<str:key>/", absent, name="account_reset_password_from_key"),
    path("account/password/reset/key/done/", absent, name="account_reset_password_from_key_done"),
    path("account/login-code/", absent, name="account_request_login_code"),
    path("account/login-code/confirm/", absent, name="account_confirm_login_code"),
]
