"""Who may ask, from where, and how much at once: before any page or answer is made.

A browser on the same machine can be sent here by any page of the world. So the host that is asked for must be one that
this server is known by (else a foreign name could be made to point here), and whatever changes something must come from
a page of ours.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from eutonia.web import limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Names by which this machine knows itself.
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_COOKIE = "eutonia_token"
_SAFE = ("GET", "HEAD", "OPTIONS")
# Where files may come: more of them than of text.
_UPLOADS = ("/clinic", "/clinic/faults", "/fit", "/api/v1/files", "/api/v1/fit-stretch")
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:; script-src 'self'; form-action 'self'; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """Lets through what may be asked, and puts the headers of safety on every answer."""

    def __init__(self, app: App, hosts: Iterable[str] = LOOPBACK, token: str | None = None) -> None:
        self._app, self._hosts, self._token = app, frozenset(one.casefold() for one in hosts), token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        refusal = self._refused(scope, headers)
        if refusal is not None:
            await _answer(send, scope, headers, *refusal)
            return
        if (given := self._brought(scope)) is not None:
            await _keep(send, scope, given)
            return
        heard = await _heard(receive, _most(scope)) if scope["method"] not in _SAFE else b""
        if heard is None:
            await _answer(send, scope, headers, 413, _too_much(scope))
            return
        await self._app(scope, _again(heard, receive), _headed(send))

    def _refused(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Return status and reason where a request may not be answered."""
        if _host_of(headers.get("host", "")) not in self._hosts:
            known = ", ".join(sorted(self._hosts))
            return 421, f"This server is not known by that name. Allowed: {known}. Use one of them in the address."
        if scope["method"] not in _SAFE and not _is_ours(headers):
            return (
                403,
                "What changes something must come from a page of this server. Open the page here, and try again.",
            )
        size = headers.get("content-length", "0")
        if not (size.isascii() and size.isdigit()) or int(size) > _most(scope):
            return 413, _too_much(scope)
        if self._token is not None and self._brought(scope) is None and not self._is_known(headers):
            return 401, "This server asks for its token. Open the address that it printed when it began."
        return None

    def _brought(self, scope: Scope) -> str | None:
        """Return the token that the address of a page brings, if it is the right one."""
        if self._token is None or scope["method"] != "GET":
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        return given if _same(given, self._token) else None

    def _is_known(self, headers: dict[str, str]) -> bool:
        """Tell whether a request brings the token, as a cookie or as a bearer."""
        assert self._token is not None
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.casefold() == "bearer" and _same(given.strip(), self._token):
            return True
        # By hand: SimpleCookie stops at the first cookie that it cannot read, and others set those for this host.
        cookies = (one.strip().partition("=") for one in headers.get("cookie", "").split(";"))
        return any(name == _COOKIE and _same(value, self._token) for name, _, value in cookies)


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _host_of(header: str) -> str:
    """Return the name in a Host header, without its port."""
    try:
        return (urlsplit(f"//{header}").hostname or "").casefold()
    except ValueError:
        return ""


def _is_ours(headers: dict[str, str]) -> bool:
    """Tell whether what would change something comes from a page of ours, or from a program that is no browser."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.casefold() == headers.get("host", "").casefold()
    except ValueError:
        return False


def _most(scope: Scope) -> int:
    return limits.UPLOAD if scope["path"] in _UPLOADS else limits.BODY


def _too_much(scope: Scope) -> str:
    return f"Too much at once. Allowed: {_most(scope):,} bytes. Send less."


async def _heard(receive: Receive, most: int) -> bytes | None:
    """Return the body of a request, or None where it is longer than allowed, whatever its header said."""
    parts: list[bytes] = []
    size, has_more = 0, True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        size, has_more = size + len(parts[-1]), message.get("more_body", False)
        if size > most:
            return None
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what hears a body that was heard already, and then whatever comes after it."""
    left = [body]

    async def hearing() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return hearing


def _headed(send: Send) -> Send:
    """Return what answers, with the headers of safety; an answer that brings one of its own keeps that instead."""

    async def heading(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {key.lower() for key, _ in message["headers"]}
            ours = (*_HEADERS, (b"content-security-policy", _POLICY.encode()))
            message["headers"] = [*message["headers"], *((key, value) for key, value in ours if key not in own)]
        await send(message)

    return heading


async def _answer(send: Send, scope: Scope, headers: Mapping[str, str], status: int, reason: str) -> None:
    """Refuse: to a person in a browser as a page, to a program as problem details; title first, then what to do."""
    title, _, detail = reason.partition(". ")
    if "text/html" in headers.get("accept", "") and not scope["path"].startswith("/api/"):
        from eutonia.web import views

        body, kind = bytes(views.told(title, detail, status).body), b"text/html; charset=utf-8"
    else:
        told = {"type": "about:blank", "title": f"{title}.", "status": status, "detail": detail}
        body, kind = json.dumps(told).encode(), b"application/problem+json"
    sent = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *_HEADERS]
    sent.append((b"content-security-policy", _POLICY.encode()))
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})


async def _keep(send: Send, scope: Scope, token: str) -> None:
    """Keep the token in a cookie, and send the reader on to the same page without it in the address."""
    path = "/" + scope["path"].lstrip("/")
    kept = [one for one in scope["query_string"].decode("latin-1").split("&") if one and not one.startswith("token=")]
    headers = [
        (b"location", "?".join([quote(path), *(["&".join(kept)] if kept else [])]).encode("latin-1", "replace")),
        (b"set-cookie", f"{_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict".encode("latin-1", "replace")),
        *_HEADERS,
    ]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
