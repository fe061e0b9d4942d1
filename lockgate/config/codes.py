# ruff: noqa: E501  # one row of the table a line
"""Every problem code that reading routes.yaml can give: what it means, an example, what to write instead.

The codes are stable: scripts and editors rely on them. docs/errors.md is the text of `reference`, written by
``python -c "from lockgate.config.codes import reference as r; print(r(), end='')"``; a test compares them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table.

    :param meaning: a sentence that holds without the value at hand: it is shown instead of details when
        the value is a secret.
    """

    meaning: str
    example: str
    instead: str
    severity: Severity = "error"


_YAML: Mapping[str, Code] = {
    "file-unreadable": Code("the file cannot be read", "a path that does not exist", "the path of a readable file"),
    "yaml-syntax": Code("the file is not YAML", "`a: [1, 2` and no `]`", "what the message names"),
    "yaml-encoding": Code("the file is not UTF-8", "a file saved as Latin-1", "the file saved as UTF-8"),
    "yaml-character": Code("a control character or foreign line break", "a NUL byte", "nothing, or an escape in double quotes"),
    "yaml-too-large": Code("the file is larger than 5 MiB or 200,000 values", "generated data", "several smaller APIs"),
    "yaml-too-deep": Code("nested deeper than 50 levels", "`[[[[…`", "fewer levels"),
    "yaml-several-documents": Code("more than one document in the file", "`---` in the middle", "one document"),
    "yaml-directive": Code("directives are not read", "`%YAML 1.1`", "nothing"),
    "yaml-anchor": Code("anchors, aliases and merge keys are off", "`base: &b …`, `*b`, `<<: *b`", "the values themselves, or `defaults:`"),
    "yaml-tag": Code("tags are off", "`!!str 5`", '`"5"`'),
    "yaml-complex-key": Code("a key is not plain text", "`{a: b}: c`", '`"{a: b}": c`'),
    "duplicate-key": Code("the same key twice in one mapping", "`memory: 256` and `memory: 512`", "one of them"),
    "empty-value": Code("a key without a value, or an empty file", "`environment:` alone", "a value, or no key"),
    "quote-it": Code("text that some readers take for a number, a date or a truth value", "`on`, `017`, `12:30:00`", '`"on"`, or `true`'),
}  # fmt: skip

_REFERENCES: Mapping[str, Code] = {
    "unquoted-reference": Code("a reference without quotes", "`KEY: ${env:KEY}`", '`KEY: "${env:KEY}"`'),
    "reference-in-key": Code("a reference in a key", '`"${env:NAME}": …`', "the key itself"),
    "reference-malformed": Code("text with `${` that is no reference", '`"${HOME}"`', '`"${env:HOME}"`, or `"$${HOME}"` for the text'),
    "reference-unknown": Code("a reference of an unknown kind", '`"${secret:KEY}"`', '`"${env:KEY}"` or `"${file:PATH}"`'),
    "reference-unset": Code("the variable is not set", '`"${env:KEY}"`', '`"${env:KEY:-default}"`, or set it'),
    "reference-unreadable": Code("the file of a reference cannot be read as text", '`"${file:missing}"`', "a readable UTF-8 file of at most 64 KiB"),
}  # fmt: skip

_GRAMMAR: Mapping[str, Code] = {
    "unknown-key": Code("the grammar has no such key here", "`memroy: 256`", "`memory: 256`"),
    "missing-key": Code("a required key is missing", "a file without `version`", "`version: 1`"),
    "wrong-type": Code("a value of another type is needed", '`memory: "256"`', "`memory: 256`"),
    "wrong-value": Code("the value is not one of those possible", "`cpu: fast`", "`cpu: shared`"),
    "wrong-name": Code("the name has characters or a length that are not possible", "`functions: {my.fn: …}`", "letters, digits, `-` and `_`"),
    "out-of-range": Code("the value is too small, too large or too long", "`memory: 64`", "128 to 10240"),
    "version-unsupported": Code("this version of the file format is unknown", "`version: 2`", "`version: 1`"),
    "not-in-this-version": Code("part of the grammar, but its behaviour comes with a later version", "`identity_providers: …` at a pool", "nothing, for now"),
    "not-yet": Code("reserved, so that a file never changes its meaning when it comes", '`function: "notes:live"`', "`function: notes`"),
    "several-files": Code("more than one configuration file was given", "`-c a.yaml -c b.yaml`", "one file"),
}  # fmt: skip

_SERVER: Mapping[str, Code] = {
    "bad-public-url": Code("a public address is not `https://HOST[:PORT]`", "`gateway_url: https://api.example.com/v1`", "`https://api.example.com`"),
    "url-outside-domains": Code("the host of `gateway_url` is not one of `domains`", "`domains: [a.example]`, `gateway_url: https://b.example`", "the host in both"),
    "bad-proxy": Code("no address and no network", "`trusted_proxies: [172.16.5.1/12]`", "`172.16.0.0/12`, or `172.16.5.1`"),
    "auth-url-not-https": Code("people would sign in over plain http beyond this machine", "`auth_url: http://login.example.com`", "`https://login.example.com`"),
    "bad-database": Code("no database that Lockgate uses", "`database: mysql://…`", '`sqlite` or `"postgresql://USER@HOST/DATABASE"`'),
    "bad-smtp": Code("mail cannot be handed over like this", "`smtp: {username: a}` without a password", "what the message names"),
    "mail-twice": Code("both a mail server and a function would deliver each mail", "`smtp: {…}` and `mail: {function: post}`", "one of them"),
    "plain-secret": Code("a secret stands in the file", "`secret: hunter2`", '`"${env:NAME}"`, `"${file:PATH}"`'),
    "trusts-everybody": Code("every client would be believed where it says it comes from", "`trusted_proxies: [0.0.0.0/0]`", "the addresses of your proxies"),
}  # fmt: skip

_FUNCTIONS: Mapping[str, Code] = {
    "function-needs-code": Code("a function has neither `code` nor `image`, or both", "`notes: {handler: app.handler}`", "`code: FOLDER`"),
    "code-missing": Code("the code is not there, or is neither a folder nor a .zip or .jar", "`code: exmaples/notes`", "the path, from the file's folder"),
    "needless-key": Code("a key of functions with `code` beside `image`, or the other way round", "`{image: r:4, handler: app.handler}`", "`{image: r:4, command: [app.handler]}`"),
    "bad-image": Code("no reference to a container image", "`image: Report:4`", "`image: registry.example.com/report:4`"),
    "bad-network": Code("a network or an address that a function can never reach", "`join: [host]`, `allow: [db:5432]`", "`join: [db-net]`, `allow: [10.0.0.5:5432]`"),
    "provisioned-over-reserved": Code("more environments would be kept ready than may be used", "`{reserved: 1, provisioned: 2}`", "`{reserved: 2, provisioned: 2}`"),
    "handler-missing": Code("a function names no handler", "`notes: {code: notes}`", "`handler: app.handler`"),
    "bad-handler": Code("the handler is not in the form of its language", "`handler: app`", "`handler: app.handler`"),
    "handler-module-missing": Code("the code has no such module", "`handler: ap.handler` and only `app.py`", "`handler: app.handler`"),
    "bootstrap-missing": Code("a `provided` function has no executable called `bootstrap`", "`runtime: provided`", "`bootstrap` at the top of the code"),
    "unknown-runtime": Code("no such runtime", "`runtime: python3.99`", "`runtime: python3.13`"),
    "environment-reserved": Code("the variable is set by the runtime itself", "`AWS_REGION: …`", "another name, or the key `region`"),
    "environment-too-large": Code("the variables of a function exceed 4 KB", "a certificate in a variable", "a file in the code or a volume"),
    "reserved-over-limit": Code("reserved concurrency adds up to more than `server.limits.environments`", "`reserved: 20` twice, limit 30", "less, or a higher limit"),
    "bad-volume": Code("the folder of a volume cannot be used", "`volumes: {D: /etc}`", "a folder below the file's own"),
    "unused-function": Code("nothing calls this function", "a function without a route", "a route, or nothing: it can still be invoked", "warning"),
}  # fmt: skip

_POOLS: Mapping[str, Code] = {
    "bad-id": Code("no id of a pool or client", "`id: main`", "`us-east-1_Main00001`, or no `id`"),
    "duplicate-id": Code("two pools, or two clients of any pools, have one id", "`id: web` twice", "an id of its own"),
    "bad-redirect-uri": Code("an address that a browser cannot safely be sent back to, or one that is there twice", "`https://app.example/*`", "each address written out: https, or http on localhost"),
    "flow-needs": Code("a flow lacks what it cannot do without", "`{flows: [code]}`", "`redirect_uris` for `code`; `secret` and `scopes` for `client_credentials`"),
    "mixed-flows": Code("one client for machines and people", "`flows: [code, client_credentials]`", "a client for each"),
    "unknown-scope": Code("a scope that tokens of this client cannot have, or that is there twice", "`scopes: [notes/raed]`", "`scopes: [notes/read]`"),
    "client-attribute": Code("an attribute that a client cannot read or write, that is there twice, or that it cannot do without", "`read_attributes: [tenant]`", "`read_attributes: [\"custom:tenant\"]`"),
    "short-secret": Code("the secret has fewer than 22 characters, so it can be guessed", "`secret: \"${env:S}\"` with a word in S", "`secret: generate`, or 128 random bits"),
    "bad-logo": Code("the logo is no image that pages can show", "`logo: brand.psd`", "an .svg, .png, .jpg or .webp below the file's folder, at most 256 KB"),
    "sign-up-without-mail": Code("anybody may sign up, and nobody could get the code that confirms it", "`{self_sign_up: true, sign_in_with: [phone]}`", "`email` beside `phone`"),
}  # fmt: skip

_AUTHORIZERS: Mapping[str, Code] = {
    "unknown-pool": Code("no user pool has this name", "`user_pool: mian`", "`user_pool: main`"),
    "unknown-client": Code("the pool has no client of this name", "`clients: [wbe]`", "`clients: [web]`"),
    "pool-or-issuer": Code("a key that belongs to the other kind of issuer", "`{user_pool: main, issuer: …}`", "one of them"),
    "jwt-needs-issuer": Code("a jwt authorizer does not say whose tokens it accepts", "`users: {type: jwt, audience: [web]}`", "`issuer: https://…`"),
    "bad-issuer": Code("the issuer is not an absolute https URL without query, fragment and user name", "`issuer: idp.example`", "`issuer: https://idp.example`, exactly as in `iss`"),
    "issuer-not-https": Code("a plain http issuer beyond this machine", "`issuer: http://idp.example`", "`https://…`, or `allow_http: true` where the network is trusted whole"),
    "issuer-slash": Code("this issuer is known to write itself with, or without, a slash at the end; `iss` is compared exactly", "`https://accounts.google.com/`", "`https://accounts.google.com`", "warning"),
    "jwt-needs-audience": Code("a jwt authorizer does not say for whom its tokens are made", "`{type: jwt, issuer: …}`", "`audience: [CLIENT_ID]`"),
    "mixed-algorithms": Code("signatures of more than one family", "`algorithms: [RS256, ES256]`", "those of the issuer's keys: RS*, PS* or ES*"),
    "bad-identity-source": Code("no place in a request", "`identity_source: Authorization`", "`$request.header.Authorization`"),
    "simple-responses-format": Code("simple responses with format 1.0, which knows policies only", '`payload: "1.0", simple_responses: true`', "`simple_responses: false`"),
    "ttl-needs-source": Code("answers would be kept, but nothing says whose", "`ttl: 5m` without `identity_source`", "`identity_source: [$request.header.NAME]`"),
    "slow-authorizer": Code("the function may run longer than an authorizer is waited for", "`timeout: 30s` at the function", "`timeout: 10s` or less", "warning"),
    "unused-authorizer": Code("no route names this authorizer", "an authorizer and no `auth`", "`auth: NAME` at a route", "warning"),
}  # fmt: skip

_CORS_AND_THROTTLES: Mapping[str, Code] = {
    "cors-needs-origins": Code("`cors` without an origin lets nobody in", "`cors: {allow_methods: [GET]}`", "`allow_origins: [https://HOST]`"),
    "bad-origin": Code("no browser has such an origin", "`allow_origins: [https://app.example.com/]`", "`https://app.example.com`"),
    "cors-token-header": Code("scripts may not send the header that an authorizer reads the token from", "`allow_headers: [content-type]`", "`allow_headers: [authorization, content-type]`", "warning"),
    "options-beside-cors": Code("preflights never reach this route", "`cors:` and `OPTIONS /notes`", "one of them", "warning"),
    "bad-throttle-key": Code("no way to tell callers apart", "`by: ip`", "`source_ip`, `header.NAME` or `claim.NAME`"),
    "claim-needs-jwt": Code("a throttle by a claim, where no token has been read", "`{public: true, throttle: {…, by: claim.sub}}`", "`by: source_ip`, or `auth:` a jwt authorizer"),
    "cors-wildcard-credentials": Code("any origin together with credentials", '`allow_origins: ["*"]`, `allow_credentials: true`', "the origins by name"),
}  # fmt: skip

_ROUTES: Mapping[str, Code] = {
    "bad-route-key": Code("the key is not `METHOD /path` or `$default`", "`GET notes`", "`GET /notes`"),
    "duplicate-route": Code("two routes match the same requests", "`GET /a/{x}` and `get /a/{y}`", "one of them"),
    "shadowed-route": Code("no request can reach this route", "`ANY /a` beside all seven methods", "no route"),
    "route-behind-stage": Code("the path begins with the name of a stage, and the stage takes it", "`stages: {$default: {}, beta: {}}` and `GET /beta/a`", "another name", "warning"),
    "unknown-function": Code("no function has this name", "`function: ntoes`", "`function: notes`"),
    "unknown-authorizer": Code("no authorizer has this name", "`auth: usres`", "`auth: users`"),
    "route-needs-auth": Code("the route does not say who may call it", "`GET /a: {function: f}`", "`public: true` or `auth: NAME`"),
    "way-around": Code("what a protected route leaves goes to a public one that calls the same function", "`GET /a: {auth: users, function: f}` and `$default: {public: true, function: f}`", "`auth:` at both, or another function", "warning"),
    "route-auth-and-public": Code("the route says `auth` and `public: true`", "`{auth: users, public: true}`", "one of them"),
    "scopes-need-jwt": Code("scopes, but no token could have them", "`{public: true, scopes: [a]}`", "`auth:` a jwt authorizer"),
    "bad-scope": Code("a scope that no token can have, or that is there twice", '`scopes: ["read write"]`', "`scopes: [read, write]`"),
    "route-needs-target": Code("the route does not say what answers", "`GET /a: {public: true}`", "`function`, `respond` or `http`"),
    "route-several-targets": Code("more than one thing would answer the route", "`{function: f, respond: …}`", "one of `function`, `respond`, `http`"),
    "needs-function": Code("the key has a meaning only beside `function`", '`{respond: …, payload: "1.0"}`', "the key removed"),
    "bad-header": Code("a header that cannot be sent", "`headers: {Connection: close}`", "another header"),
    "respond-body-and-file": Code("an answer has both `body` and `file`", "`{body: ok, file: a.html}`", "one of them"),
    "respond-file": Code("the file of an answer cannot be served", "`file: ../secret`", "a file below the file's own folder"),
    "foreign-package": Code("another package has the name of one of Lockgate's", "a folder `gateway` where Python starts", "start elsewhere, or rename it"),
}  # fmt: skip

_SECTIONS: Mapping[str, Mapping[str, Code]] = {
    "The file": _YAML,
    "References": _REFERENCES,
    "Keys and values": _GRAMMAR,
    "The server": _SERVER,
    "Functions": _FUNCTIONS,
    "User pools": _POOLS,
    "Authorizers": _AUTHORIZERS,
    "CORS and throttles": _CORS_AND_THROTTLES,
    "Routes": _ROUTES,
}

CODES: Mapping[str, Code] = {name: code for codes in _SECTIONS.values() for name, code in codes.items()}


def reference() -> str:
    """The text of docs/errors.md."""
    return "\n".join(_reference_lines()) + "\n"


def _reference_lines() -> Iterator[str]:
    yield "# Messages of `lockgate check`"
    yield ""
    yield "Each message shows file, line, column, the line itself, the reason and what to write instead. The codes never"
    yield "change their meaning. A warning does not keep the server from starting. Made from `lockgate/config/codes.py`."
    for title, codes in _SECTIONS.items():
        yield from (
            "",
            f"## {title}",
            "",
            "| code | meaning | example | write instead |",
            "|---|---|---|---|",
        )
        for name, code in codes.items():
            mark = " (warning)" if code.severity == "warning" else ""
            cells = (f"`{name}`{mark}", code.meaning, code.example, code.instead)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
