"""CreateUserPoolDomain, DescribeUserPoolDomain, UpdateUserPoolDomain, DeleteUserPoolDomain.

All pools are served under ``server.auth_url``: a domain is a name that leads there, told as ``CloudFrontDomain``.
"""

from typing import Any
from urllib.parse import urlsplit

from auth.cognito.action import Action, Answer, Call
from auth.cognito.pool_shapes import ARN, DOMAIN, POOL_ID, one_of, struct
from auth.cognito.shapes import Structure, Text, Whole
from auth.cognito.unsupported import DOMAIN_SETTINGS, refuse_unsupported

_WRITTEN = struct(
    "Domain",
    "UserPoolId",
    Domain=DOMAIN,
    UserPoolId=POOL_ID,
    ManagedLoginVersion=Whole(),
    CustomDomainConfig=struct(
        "CertificateArn",
        CertificateArn=ARN,
        SecurityPolicy=one_of("TLS_V1", "TLS_V1_2_2021", "TLS_V1_3_2025"),
    ),
    Routing=struct(
        Failover=struct(
            "SecondaryRegion",
            "PrimaryRoute53HealthCheckId",
            SecondaryRegion=Text(min=5, max=32),
            PrimaryRoute53HealthCheckId=Text(max=64),
        )
    ),
)
_LOGIN_PAGES = 1  # the first kind: sessions, paths and parameters are those of the classic hosted UI


def create(call: Call) -> Answer:
    refuse_unsupported(call.input, DOMAIN_SETTINGS)
    call.identity.management.domains.create(call.text("UserPoolId"), call.text("Domain"), call.now)
    return _where(call)


def update(call: Call) -> Answer:
    """There is nothing that could be changed: what is asked for is what is there, or it is refused."""
    refuse_unsupported(call.input, DOMAIN_SETTINGS)
    call.identity.management.domains.require(call.text("UserPoolId"), call.text("Domain"), call.now)
    return _where(call)


def describe(call: Call) -> Answer:
    """Of a name that nobody has: nothing, as at Cognito."""
    domain, management = call.text("Domain"), call.identity.management
    pool = management.domains.find(domain, call.now)
    if pool is None:
        return {"DomainDescription": {}}
    described: dict[str, Any] = {
        "UserPoolId": pool.pool_id,
        "AWSAccountId": management.names.account,
        "Domain": domain,
        "CloudFrontDistribution": _host(call),
        "Status": "ACTIVE",
        "ManagedLoginVersion": _LOGIN_PAGES,
    }
    return {"DomainDescription": described}


def delete(call: Call) -> Answer:
    call.identity.management.domains.delete(call.text("UserPoolId"), call.text("Domain"), call.now)
    return {}


def _where(call: Call) -> Answer:
    return {"CloudFrontDomain": _host(call), "ManagedLoginVersion": _LOGIN_PAGES}


def _host(call: Call) -> str:
    return urlsplit(call.identity.auth_url).netloc


ACTIONS = (
    Action(name="CreateUserPoolDomain", audience="admin", input=_WRITTEN, run=create),
    Action(
        name="DescribeUserPoolDomain",
        audience="admin",
        input=struct("Domain", Domain=DOMAIN),
        run=describe,
    ),
    Action(name="UpdateUserPoolDomain", audience="admin", input=_WRITTEN, run=update),
    Action(
        name="DeleteUserPoolDomain",
        audience="admin",
        input=Structure(members={"Domain": DOMAIN, "UserPoolId": POOL_ID}, needs=("Domain", "UserPoolId")),
        run=delete,
    ),
)
