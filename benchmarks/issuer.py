"""An issuer on loopback, in a thread of the benchmark, and its tokens: of the size and shape of a user pool's.

The benchmark itself does nothing while wrk runs, so the thread answers at once. It counts who asks for keys.
"""

import json
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT = "1h57kf5cpq17m0eml12EXAMPLE"
SCOPE = "notes/read"
KID = "abcdefghijklmnopqrsexample=abcdefghijklmnopqrs="
LIFE_S = 4 * 3600


class LoopbackIssuer:
    """`with LoopbackIssuer() as issuer:`

    :ivar asked: monotonic seconds of each request for the keys.
    """

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/us-east-1_Example01"

    def documents(self) -> dict[str, bytes]:
        """Path → answer."""
        public: dict[str, Any] = RSAAlgorithm.to_jwk(self._private.public_key(), as_dict=True)
        key = {name: public[name] for name in ("kty", "n", "e")} | {"kid": KID, "use": "sig", "alg": "RS256"}
        found = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return {
            "/us-east-1_Example01/.well-known/openid-configuration": json.dumps(found).encode(),
            "/us-east-1_Example01/keys": json.dumps({"keys": [key]}).encode(),
        }

    def tokens(self, users: int) -> tuple[str, ...]:
        """Access tokens, one for each user."""
        return tuple(
            jwt.encode(_claims(self.url, user), self._private, "RS256", headers={"kid": KID})
            for user in range(users)
        )

    def tokens_of_unknown_keys(self, count: int) -> tuple[str, ...]:
        """As good as any, but for the kid: each names another one that this issuer does not have.

        Nobody can check the signature without the key, so all carry that of one good token.
        """
        header, payload, signature = self.tokens(1)[0].split(".")
        fields = json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        names = (f"{number:044d}" for number in range(count))
        return tuple(f"{_base64url(fields | {'kid': name})}.{payload}.{signature}" for name in names)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def bearer(tokens: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"Bearer {token}" for token in tokens)


def _claims(issuer: str, user: int) -> dict[str, object]:
    now_s = int(time.time())
    return {
        "sub": str(UUID(int=user)),
        "cognito:groups": ["editors", "readers"],
        "iss": issuer,
        "version": 2,
        "client_id": CLIENT,
        "origin_jti": str(UUID(int=2**64 + user)),
        "event_id": str(UUID(int=2**65 + user)),
        "token_use": "access",
        "scope": f"aws.cognito.signin.user.admin phone openid profile email {SCOPE} notes/write",
        "auth_time": now_s,
        "exp": now_s + LIFE_S,
        "iat": now_s,
        "jti": str(UUID(int=2**66 + user)),
        "username": f"user-{user}@example.com",
    }


def _base64url(fields: dict[str, object]) -> str:
    return urlsafe_b64encode(json.dumps(fields, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _handler(issuer: LoopbackIssuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = issuer.documents().get(self.path)
            if self.path.endswith("/keys"):
                issuer.asked.append(time.monotonic())
            self.send_response(404 if body is None else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: stdout is the report."""

    return Handler
