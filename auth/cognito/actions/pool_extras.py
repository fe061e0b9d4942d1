"""GetCSVHeader: the columns of a file of people. ListIdentityProviders: of which there are none in this version."""

from auth.cognito.action import Action, Answer, Call
from auth.cognito.pool_shapes import NEXT, POOL_ID, struct
from auth.cognito.shapes import Whole

# In Cognito's order; `lockgate user import` reads such files.
_COLUMNS = (
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
)
_LAST = ("cognito:mfa_enabled", "cognito:username")


def csv_header(call: Call) -> Answer:
    pool = call.identity.management.pools.get(call.text("UserPoolId"), call.now)
    own = (f"custom:{rule.name}" for rule in pool.attributes)
    return {"UserPoolId": pool.pool_id, "CSVHeader": [*_COLUMNS, *own, *_LAST]}


def identity_providers(call: Call) -> Answer:
    call.identity.management.pools.get(call.text("UserPoolId"), call.now)
    return {"Providers": []}


ACTIONS = (
    Action(
        name="GetCSVHeader", audience="admin", input=struct("UserPoolId", UserPoolId=POOL_ID), run=csv_header
    ),
    Action(
        name="ListIdentityProviders",
        audience="admin",
        input=struct("UserPoolId", UserPoolId=POOL_ID, MaxResults=Whole(min=0, max=60), NextToken=NEXT),
        run=identity_providers,
    ),
)
