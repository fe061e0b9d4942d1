"""What outlives a deployment: issuers' keys, authorizers with their caches, throttles with their buckets.

Each is kept by its configuration: a deployment that asks for an equal one gets the same object, so a reload
loses nothing of what did not change. What no deployment asks for any more is forgotten by `sweep`.
"""

from collections.abc import Callable, Container, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.authorizers.function.authorizer import FunctionAuthorizer
from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.authorizers.jwt.spec import IssuerSpec, JwtSpec
from gateway.issuers.issuer import Issuers, OpenKeys
from gateway.throttling.spec import ThrottleSpec
from gateway.throttling.throttle import Throttle

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Mark:
    """What the deployment that is served asked for, and which authorizers there were. See `Services.abandon`."""

    keys: set[IssuerSpec]
    jwt: set[JwtSpec]
    functions: set[FunctionAuthorizerSpec]
    throttles: set[tuple[str, ThrottleSpec]]
    authorizers: dict[FunctionAuthorizerSpec, FunctionAuthorizer]


class Services:
    """:param issuers: makes and owns what fetches keys. One build at a time may ask; requests never do."""

    def __init__(self, issuers: Issuers) -> None:
        self._issuers = issuers
        self._keys: Kept[IssuerSpec, OpenKeys] = Kept(issuers.open)
        self._jwt: Kept[JwtSpec, JwtAuthorizer] = Kept(
            lambda spec: JwtAuthorizer(spec, self._keys.get(spec.issuer))
        )
        self._functions: Kept[FunctionAuthorizerSpec, FunctionAuthorizer] = Kept(FunctionAuthorizer)
        self._throttles: Kept[tuple[str, ThrottleSpec], Throttle] = Kept(lambda key: Throttle(key[1]))

    def jwt(self, spec: JwtSpec) -> JwtAuthorizer:
        self._keys.get(spec.issuer)  # also when the authorizer is there: its issuer is in use
        return self._jwt.get(spec)

    def function(self, spec: FunctionAuthorizerSpec) -> FunctionAuthorizer:
        return self._functions.get(spec)

    def throttle(self, place: str, spec: ThrottleSpec) -> Throttle:
        """:param place: the route key or stage whose requests share the buckets."""
        return self._throttles.get((place, spec))

    def begin(self) -> None:
        """A build begins: from here on `sweep` counts what is asked for."""
        for kept in (self._keys, self._jwt, self._functions, self._throttles):
            kept.begin()

    def mark(self) -> Mark:
        """Taken before a build begins, for `abandon`."""
        return Mark(
            self._keys.mark(),
            self._jwt.mark(),
            self._functions.mark(),
            self._throttles.mark(),
            self._functions.there(),
        )

    def abandon(self, mark: Mark) -> None:
        """A build is not served: what was asked for when *mark* was made is what `sweep` counts again."""
        self._keys.abandon(mark.keys)
        self._jwt.abandon(mark.jwt)
        self._functions.abandon(mark.functions)
        self._throttles.abandon(mark.throttles)
        self._functions.bring_back(mark.authorizers)

    def renew(self, functions: Container[str]) -> None:
        """The code of *functions* has changed: authorizers begin anew, because what they kept is its old answers."""
        self._functions.forget(lambda spec: spec.function in functions)

    def sweep(self) -> None:
        """The build is served now: forget what it did not ask for. Nothing is forgotten after a failed build."""
        for spec in self._keys.sweep():
            self._issuers.close(spec)
        for kept in (self._jwt, self._functions, self._throttles):
            kept.sweep()


class Kept(Generic[K, V]):
    """Objects by configuration, made on demand. :param make: called once for each key."""

    def __init__(self, make: Callable[[K], V]) -> None:
        self._make = make
        self._there: dict[K, V] = {}
        self._asked: set[K] = set()

    def get(self, key: K) -> V:
        self._asked.add(key)
        found = self._there.get(key)
        if found is None:
            found = self._there[key] = self._make(key)
        return found

    def begin(self) -> None:
        self._asked = set()

    def mark(self) -> set[K]:
        return self._asked

    def abandon(self, mark: set[K]) -> None:
        self._asked = mark

    def there(self) -> dict[K, V]:
        return dict(self._there)

    def bring_back(self, there: dict[K, V]) -> None:
        self._there |= there

    def forget(self, is_outdated: Callable[[K], bool]) -> None:
        for key in [key for key in self._there if is_outdated(key)]:
            del self._there[key]

    def sweep(self) -> list[K]:
        """:returns: the keys that were forgotten."""
        forgotten = [key for key in self._there if key not in self._asked]
        for key in forgotten:
            del self._there[key]
        return forgotten
