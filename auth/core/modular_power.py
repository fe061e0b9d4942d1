"""Modular powers of 3,072 bits, by GMP: 2 ms each, and other threads run meanwhile. The only importer of gmpy2."""

from typing import cast


def power(base: int, exponent: int, modulus: int) -> int:
    """``base ** exponent % modulus``, for an odd *modulus* and numbers that are secret.

    Without `allow_release_gil` (of this thread's context only) gmpy2 would stop the whole process as long. GMP's
    `mpz_powm_sec`, whose steps do not depend on the exponent, wants a positive one.
    """
    # On use: a server without SRP clients never loads it.
    import gmpy2  # type: ignore[import-untyped]  # it has no types

    gmpy2.get_context().allow_release_gil = True
    if exponent <= 0:
        return pow(base, exponent, modulus)
    return int(cast(int, gmpy2.powmod_sec(base, exponent, modulus)))
