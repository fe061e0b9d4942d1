"""The pages' addresses, as Cognito has them (its managed login), and what they load."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth.identity import Identity
from auth.oauth.routes import authorizer_of
from auth.pages.assets import FOLDER, Assets
from auth.pages.challenges import NewPasswordPage, SecondFactorPage, SetUpPage
from auth.pages.desk import Desk
from auth.pages.login import LoginPage
from auth.pages.logout import PATH as LOGGED_OUT
from auth.pages.logout import logged_out
from auth.pages.mailed_codes import AddressPage, AnotherCodePage, MailedCodePage, SelectPage
from auth.pages.recovery import ForgotPage, ResetPage
from auth.pages.sign_up import ConfirmPage, ResendPage, SignUpPage
from auth.pages.visit import Page


def page_routes(identity: Identity) -> list[Route]:
    """:raises InvalidParameter: a pool's logo cannot be read."""
    assets = Assets(identity.directory.pools)
    for pool in identity.directory.pools():
        assets.look(pool)
    desk = Desk(identity, authorizer_of(identity), assets)
    pages: dict[str, Page] = {
        "/login": LoginPage(desk),
        "/signup": SignUpPage(desk),
        "/confirmUser": ConfirmPage(desk),
        "/resendcode": ResendPage(desk),
        "/forgotPassword": ForgotPage(desk),
        "/confirmForgotPassword": ResetPage(desk),
        "/mfa": SecondFactorPage(desk),
        "/mfa/email": MailedCodePage(desk),
        "/mfa/resend": AnotherCodePage(desk),
        "/mfa/select": SelectPage(desk),
        "/mfa/address": AddressPage(desk),
        "/mfa/setup": SetUpPage(desk),
        "/newPassword": NewPasswordPage(desk),
    }

    async def asset(request: Request) -> Response:
        found = assets.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return found.response()

    return [
        *(Route(path, desk.endpoint(page), methods=["GET", "POST"]) for path, page in pages.items()),
        Route(LOGGED_OUT, logged_out, methods=["GET"]),
        Route(FOLDER + "/{name}", asset, methods=["GET"]),
    ]
