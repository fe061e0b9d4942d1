"""HTTP forms of what this folder answers: JSON that nobody keeps, redirects, and CORS where programs in pages call."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from auth.errors import AuthError, TooManyRequests, Unavailable
from auth.oauth.token_server import Answer
from auth.oauth.userinfo import BearerRefused

RETRY_AFTER_S = 1
PREFLIGHT_S = 7200  # as long as browsers keep an answer at most
NOT_KEPT = {  # RFC 6749 §5.1, in Cognito's words (A15)
    "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
    "pragma": "no-cache",
}
_WITH_BASIC = {"www-authenticate": 'Basic realm="oauth2"'}

Endpoint = Callable[[Request], Awaitable[Response]]


def token_response(answer: Answer) -> Response:
    headers = dict(NOT_KEPT)  # A15
    if answer.status == 401:
        headers |= _WITH_BASIC
    if answer.status == 429:
        headers["retry-after"] = str(RETRY_AFTER_S)
    if not answer.body:
        return Response(status_code=answer.status, headers=headers)
    return JSONResponse(answer.body, status_code=answer.status, headers=headers)


def auth_error_response(error: AuthError) -> Response:
    """What a store or a flow could not do, for a program."""
    if isinstance(error, Unavailable | TooManyRequests):
        answer = Answer(
            status=503 if isinstance(error, Unavailable) else 429,
            body={"error": "temporarily_unavailable", "error_description": str(error)},
        )
        response = token_response(answer)
        response.headers["retry-after"] = str(RETRY_AFTER_S)
        return response
    return token_response(
        Answer(status=400, body={"error": "invalid_request", "error_description": str(error)})
    )


def bearer_response(refused: BearerRefused) -> Response:
    """RFC 6750 §3: with the scheme's name, which Cognito leaves out and clients look for."""
    challenge = f'Bearer error="{refused.code}", error_description="{refused.description}"'
    body = {"error": refused.code, "error_description": refused.description}
    headers = {**NOT_KEPT, "www-authenticate": challenge}
    return JSONResponse(body, status_code=refused.status, headers=headers)


def redirect(request: Request, location: str) -> Response:
    """303 after a POST, so that no form is sent on (A14); 302 as Cognito has it after a GET."""
    status = 303 if request.method == "POST" else 302  # A14
    return Response(status_code=status, headers={"location": location, "cache-control": "no-store"})


def with_cors(endpoint: Endpoint, methods: tuple[str, ...]) -> Endpoint:
    """Any page may call (A27): without cookies, by tokens and codes that it has to have. Answers preflights."""
    preflight: Mapping[str, str] = {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": ", ".join((*methods, "OPTIONS")),
        "access-control-allow-headers": "authorization, content-type, cache-control, x-amz-user-agent",
        "access-control-max-age": str(PREFLIGHT_S),
        "allow": ", ".join((*methods, "OPTIONS")),
    }

    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=preflight)
        try:
            response = await endpoint(request)
        except AuthError as error:
            response = auth_error_response(error)
        response.headers["access-control-allow-origin"] = "*"  # A27
        response.headers["x-amz-cognito-request-id"] = request.scope.get("state", {}).get("request_id", "")
        response.headers["access-control-expose-headers"] = "www-authenticate, retry-after, x-amzn-requestid"
        return response

    return answer
