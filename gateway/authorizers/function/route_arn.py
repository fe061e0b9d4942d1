"""The ARN of what a request asks for, of which policies speak.

Its path is the request's canonical one, decoded, without the stage; its method the request's, never ANY.
"""

from gateway.exchange import Exchange
from gateway.policy.pattern import escape
from gateway.stage import DEFAULT_STAGE


def route_arn(exchange: Exchange) -> str:
    """The ARN itself: what a policy is evaluated for."""
    return f"{_stage_arn(exchange)}/{exchange.request.method}/{_path(exchange)}"


def shown_arn(exchange: Exchange) -> str:
    """The ARN as the function sees it: a policy that names it as its Resource means this path and no other.

    Functions send it back. A ``*`` that a client wrote into its path must not become a wildcard then, so it is shown as
    ``${*}``, which policies read as the character.
    """
    return f"{_stage_arn(exchange)}/{exchange.request.method}/{escape(_path(exchange))}"


def _stage_arn(exchange: Exchange) -> str:
    names = exchange.names
    return f"arn:aws:execute-api:{names.region}:{names.account_id}:{names.api_id}/{exchange.stage.name}"


def _path(exchange: Exchange) -> str:
    stage = exchange.stage.name
    before = 1 if stage == DEFAULT_STAGE else len(stage) + 2
    return exchange.path.text[before:]
