"""A small npm registry on loopback, made of texts; nothing is fetched from elsewhere."""

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class NpmRegistry:
    """`with NpmRegistry({"left": {"1.0.0": {"index.js": "…"}}}) as registry:`; `asked` are the paths, in order.

    :param packages: name → version → file → text; ``package.json`` is made where it is not given.
    """

    def __init__(self, packages: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
        self.asked: list[str] = []
        self.tarballs = {
            (name, version): _tarball(name, version, files)
            for name, versions in packages.items()
            for version, files in versions.items()
        }
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the base class's name
                registry.asked.append(self.path)
                body = registry.answer(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"{}")))
                self.end_headers()
                self.wfile.write(body or b"{}")

            def log_message(self, *_: Any) -> None:
                """The test's output stays clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def answer(self, path: str) -> bytes | None:
        name, _, rest = path.strip("/").partition("/-/")
        if rest:
            version = rest.removeprefix(f"{name}-").removesuffix(".tgz")
            return self.tarballs.get((name, version))
        versions = {version: self._manifest(name, version) for each, version in self.tarballs if each == name}
        if not versions:
            return None
        document = {"name": name, "dist-tags": {"latest": max(versions)}, "versions": versions}
        return json.dumps(document).encode()

    def integrity(self, name: str, version: str) -> str:
        digest = hashlib.sha512(self.tarballs[name, version]).digest()
        return f"sha512-{base64.b64encode(digest).decode()}"

    def environment(self) -> dict[str, str]:
        """What makes npm ask here, and nobody twice."""
        return {"npm_config_registry": self.url, "npm_config_fetch_retries": "0"}

    def _manifest(self, name: str, version: str) -> dict[str, Any]:
        with tarfile.open(fileobj=io.BytesIO(self.tarballs[name, version])) as archive:
            member = archive.extractfile("package/package.json")
            assert member is not None
            manifest: dict[str, Any] = json.load(member)
        scripts = manifest.get("scripts", {})
        return manifest | {
            "hasInstallScript": "postinstall" in scripts,
            "dist": {
                "tarball": f"{self.url}{name}/-/{name}-{version}.tgz",
                "integrity": self.integrity(name, version),
            },
        }

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def lock(registry: NpmRegistry, **dependencies: str) -> str:
    """A package-lock.json for packages without dependencies of their own."""
    packages: dict[str, Any] = {"": {"dependencies": dependencies}}
    for name, version in dependencies.items():
        packages[f"node_modules/{name}"] = {
            "version": version,
            "integrity": registry.integrity(name, version),
        }
    return json.dumps({"lockfileVersion": 3, "requires": True, "packages": packages})


def _tarball(name: str, version: str, files: Mapping[str, str]) -> bytes:
    texts = {"package.json": json.dumps({"name": name, "version": version})} | dict(files)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for file, text in texts.items():
            entry = tarfile.TarInfo(f"package/{file}")
            entry.size = len(text.encode())
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
