"""Real front proxies on loopback ports, with their configuration in a folder of the test: Caddy and nginx."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.support.plain_http import Address
from tests.support.tls_pair import TlsPair

START_S = 20.0
_LOOK_EVERY_S = 0.02  # it lives in another process and tells nobody when it listens

NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_max_body_size 20m;
  upstream lockgate {{ server {upstream}; keepalive 16; keepalive_timeout {keepalive_ms}ms; }}
  server {{
    listen 127.0.0.1:{http};
    listen 127.0.0.1:{https} ssl;
    ssl_certificate {cert};
    ssl_certificate_key {key};
    location / {{
      proxy_pass http://lockgate;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Port $server_port;
    }}
  }}
}}
"""

CADDY = """
{{
  admin off
  auto_https off
  grace_period 1s
  storage file_system {folder}/storage
}}
(lockgate) {{
  bind 127.0.0.1
  reverse_proxy {upstream} {{
    transport http {{
      keepalive {keepalive_ms}ms
    }}
  }}
}}
http://:{http} {{
  import lockgate
}}
https://:{https} {{
  tls {cert} {key}
  import lockgate
}}
"""


class FrontProxy:
    """`with FrontProxy("nginx", folder, upstream, pair) as proxy:`; it trusts nobody before it.

    :param keepalive_ms: how long it keeps a connection to us that rests.
    """

    def __init__(
        self, name: str, folder: Path, upstream: Address, pair: TlsPair, *, keepalive_ms: int = 60_000
    ) -> None:
        self.http: Address = ("127.0.0.1", _free_port())
        self.https: Address = ("127.0.0.1", _free_port())
        self.pair = pair
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "config"
        template = {"nginx": NGINX, "caddy": CADDY}[name]
        config.write_text(
            template.format(
                folder=folder, upstream="{}:{}".format(*upstream), keepalive_ms=keepalive_ms, cert=pair.cert,
                key=pair.key, http=self.http[1], https=self.https[1],
                user="user root;" if os.geteuid() == 0 else "",
            )
        )  # fmt: skip
        commands = {
            "nginx": ["nginx", "-p", str(folder), "-c", str(config), "-e", "stderr"],
            "caddy": ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)],
        }
        self._command = commands[name]
        self._log = folder / "log"
        self._env = os.environ | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env
            )
        deadline = time.monotonic() + START_S
        while not (_listens(self.http) and _listens(self.https)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise AssertionError(f"{self._command[0]} did not start\n{self.log()}")
            time.sleep(_LOOK_EVERY_S)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)

    def log(self) -> str:
        return self._log.read_text(errors="replace")


def is_installed(name: str) -> bool:
    return shutil.which(name) is not None


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _listens(address: Address) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True
