"""A client's side of SRP, for load: one key pair for all sign-ins, so that the caller stays cheap."""

import base64
from typing import Final

from auth.core import srp
from auth.core.modular_power import power

_SECRET: Final = int.from_bytes(b"the secret exponent of a benchmark's callers, 64 bytes of it...")
_PUBLIC: Final = power(srp.G, _SECRET, srp.N)
SRP_A: Final = f"{_PUBLIC:x}"


def signature(pool_id: str, password: str, parameters: dict[str, str], timestamp: str) -> str:
    """:param parameters: of the PASSWORD_VERIFIER challenge. :returns: PASSWORD_CLAIM_SIGNATURE."""
    pool, user = pool_id.partition("_")[2], parameters["USER_ID_FOR_SRP"]
    theirs = int(parameters["SRP_B"], 16)
    u = srp.scrambler(_PUBLIC, theirs)
    x = srp.private_key(pool, user, password, int(parameters["SALT"], 16))
    base = (theirs - srp.K * power(srp.G, x, srp.N)) % srp.N
    key = srp.derived_key(u, power(base, _SECRET + u * x, srp.N))
    return srp.signature(key, pool, user, base64.b64decode(parameters["SECRET_BLOCK"]), timestamp)
