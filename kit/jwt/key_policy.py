"""Which public keys are good enough to verify with. Pure; gives reasons for people, None for a good key."""

# RSA: 2048 by RFC 7518 section 3.3. Verifying takes time with the square of the size: 8192 bits cost 0.3 ms.
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
# 2**64: OpenSSL refuses larger public exponents on large keys; real ones are 3 or 65537.
MAX_RSA_EXPONENT_BITS = 64

# Curve → bytes of one coordinate, and the one algorithm that goes with it (RFC 7518 sections 3.4 and 6.2.1).
CURVE_BYTES = {"P-256": 32, "P-384": 48, "P-521": 66}
CURVE_ALGORITHM = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}

_GENERATOR = 65537
_PRIMES = tuple(p for p in range(3, 168) if all(p % q for q in range(2, p)))
_SUBGROUPS = tuple((p, frozenset(pow(_GENERATOR, k, p) for k in range(p))) for p in _PRIMES)


def rsa_fault(modulus: int, exponent: int) -> str | None:
    """Why not to verify with this RSA key."""
    bits = modulus.bit_length()
    if bits < MIN_RSA_BITS:
        return f"the RSA key has {bits} bits, {MIN_RSA_BITS} are the least"
    if bits > MAX_RSA_BITS:
        return f"the RSA key has {bits} bits, {MAX_RSA_BITS} are the most"
    if not modulus % 2:
        return "the RSA modulus is even"
    if exponent < 3 or not exponent % 2 or exponent.bit_length() > MAX_RSA_EXPONENT_BITS:
        return "the RSA exponent must be an odd number from 3 to 2**64"
    if has_roca_fingerprint(modulus):
        return "the RSA key was made by a generator whose keys can be factored (ROCA, CVE-2017-15361)"
    return None


def has_roca_fingerprint(modulus: int) -> bool:
    """Whether the modulus is a power of 65537 modulo every small prime, as only the faulty generator's are.

    By chance that happens to one key in about 2**154. Source: Nemec et al., "The Return of Coppersmith's
    Attack", CCS 2017.
    """
    return all(modulus % prime in subgroup for prime, subgroup in _SUBGROUPS)
