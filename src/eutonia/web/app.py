"""The server: one process, on this machine alone unless it is asked otherwise, with a token then."""

from __future__ import annotations

import secrets
import threading
import webbrowser
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

import eutonia
from eutonia.errors import EutoniaError
from eutonia.web import guard, limits, service, views
from eutonia.web.jobs import Jobs
from eutonia.web.store import Store

#: Shorter tokens could be guessed.
SHORTEST_TOKEN = 16
_FAULTS_TOLD = 20


def create_app(
    base: Path, *, hosts: Iterable[str] = guard.LOOPBACK, token: str | None = None, longest_s: float = limits.JOB_S
) -> FastAPI:
    """Return the server as an ASGI application.

    Parameters
    ----------
    base
        File of the store; made where there is none.
    hosts
        Names by which the server may be asked.
    token
        What a reader has to bring; none where the server listens on this machine alone.
    longest_s
        Seconds that one job may take.
    """
    jobs = Jobs(Store(base), longest_s)

    @asynccontextmanager
    async def lives(app: FastAPI) -> AsyncIterator[None]:
        jobs.start()
        jobs.store.ask("story", {}, eutonia.__version__)
        jobs.wake()
        yield
        jobs.stop()

    app = FastAPI(
        title="Eutonia",
        version=eutonia.__version__,
        description="Muscle tone after stroke and its treatment with baclofen. Research and teaching only.",
        openapi_url=f"{service.PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lives,
    )
    app.state.jobs = jobs
    app.include_router(views.router)
    app.include_router(service.router)
    app.add_exception_handler(EutoniaError, _mendable)
    app.add_exception_handler(RequestValidationError, _not_as_described)
    app.add_exception_handler(HTTPException, _elsewhere)
    app.add_exception_handler(Exception, _our_fault)
    app.add_middleware(guard.Guard, hosts=tuple(hosts), token=token)
    return app


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


async def _mendable(request: Request, error: Exception) -> Response:
    assert isinstance(error, EutoniaError)
    return service.refused(error) if _is_api(request) else views.told("It cannot be done", str(error), 422)


async def _not_as_described(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        {"key": ".".join(str(part) for part in one["loc"][1:]), "why": str(one["msg"])}
        for one in error.errors()[:_FAULTS_TOLD]
    ]
    return service.problem(422, "The request is not as the API describes it.", str(found[0]["why"]), faults=found)


async def _elsewhere(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = "There is nothing at this address." if error.status_code == 404 else str(error.detail)
    if _is_api(request):
        return service.problem(error.status_code, title)
    return views.told(title, "Begin at the first page.", error.status_code)


async def _our_fault(request: Request, error: Exception) -> Response:
    title = f"Eutonia itself failed: {type(error).__name__}. This is a fault of the program, not of what you gave."
    return service.problem(500, title) if _is_api(request) else views.told("A fault of ours", title, 500)


def checked_token(host: str, token: str | None, names: Iterable[str]) -> str | None:
    """Return the token of a server that listens at a host.

    Raises
    ------
    EutoniaError
        A server that is reached from elsewhere without a token, or one that could be guessed.
    """
    if token is None and host in guard.LOOPBACK and not list(names):
        return None
    near = f"--token {secrets.token_urlsafe(24)}"
    if token is None:
        raise EutoniaError(
            f'--host "{host}" can be reached from other machines. Allowed: that with a token only. Nearest: {near}. '
            "Give it, or leave --host out."
        )
    if len(token) < SHORTEST_TOKEN or not all(letter.isalnum() or letter in "-_" for letter in token):
        raise EutoniaError(
            f"--token has {len(token)} characters. Allowed: {SHORTEST_TOKEN} or more letters, digits, - and _. "
            f"Nearest: {near}. Give a longer one."
        )
    return token


def serve(host: str, port: int, base: Path, *, token: str | None, names: Iterable[str], opens: bool) -> None:
    """Serve until Ctrl-C; `names` are more names by which the server is known."""
    import uvicorn

    given = checked_token(host, token, names)
    hosts = tuple(dict.fromkeys((*guard.LOOPBACK, *([host] if host not in ("0.0.0.0", "::") else []), *names)))
    base.parent.mkdir(parents=True, exist_ok=True)
    app = create_app(base, hosts=hosts, token=given)
    if opens:
        address = f"http://{'localhost' if host in ('0.0.0.0', '::', *guard.LOOPBACK) else host}:{port}/"
        timer = threading.Timer(1.0, webbrowser.open, [f"{address}?token={given}" if given else address])
        timer.daemon = True
        timer.start()
    uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False, access_log=False)
