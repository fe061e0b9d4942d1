"""A client's half of an SRP sign-in, with a fixed exponent: what an app computes from what it was given."""

import base64
from collections.abc import Mapping
from datetime import datetime

from auth.core import srp

SECRET = int.from_bytes(bytes(range(1, 129)), "big")
PUBLIC = pow(srp.G, SECRET, srp.N)
SRP_A = f"{PUBLIC:x}"


def answers(
    parameters: Mapping[str, str], pool_id: str, password: str, now: datetime, **changes: str
) -> dict[str, str]:
    """ChallengeResponses. :param parameters: of the challenge. :param changes: what is sent instead."""
    pool_name, user_id = pool_id.partition("_")[2], parameters["USER_ID_FOR_SRP"]
    answered, timestamp = int(parameters["SRP_B"], 16), srp.write_timestamp(now)
    x = srp.private_key(pool_name, user_id, password, int(parameters["SALT"], 16))
    u = srp.scrambler(PUBLIC, answered)
    shared = pow(answered - srp.K * pow(srp.G, x, srp.N), SECRET + u * x, srp.N)
    block = parameters["SECRET_BLOCK"]
    signed = srp.signature(srp.derived_key(u, shared), pool_name, user_id, base64.b64decode(block), timestamp)
    return {
        "USERNAME": user_id,
        "PASSWORD_CLAIM_SIGNATURE": signed,
        "PASSWORD_CLAIM_SECRET_BLOCK": block,
        "TIMESTAMP": timestamp,
    } | changes
