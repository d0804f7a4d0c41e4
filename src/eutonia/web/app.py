"""The server: one process, on this machine alone unless it is asked otherwise, with a token then."""

from __future__ import annotations

import errno
import secrets
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

import eutonia
from eutonia import _writing
from eutonia.errors import EutoniaError
from eutonia.web import (
    clinic_page,
    described,
    guard,
    laboratory,
    laboratory_pages,
    service,
    study_page,
    trial_page,
    views,
)
from eutonia.web.jobs import Jobs
from eutonia.web.store import Store

#: Shorter tokens could be guessed.
SHORTEST_TOKEN = 16


def create_app(
    base: Path,
    *,
    hosts: Iterable[str] = guard.LOOPBACK,
    token: str | None = None,
    warms: bool = False,
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
    warms
        Whether the worker compiles what the first comparison needs as soon as it has nothing to do.
    """
    jobs = Jobs(Store(base), warms=warms)

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
    for part in (views, clinic_page, study_page, trial_page, laboratory_pages, service, laboratory):
        app.include_router(part.router)
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
    return service.refused(request, error) if _is_api(request) else views.told("It cannot be done", str(error), 422)


async def _not_as_described(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = described.faults_of(request, error)
    return service.problem(422, "The request is not as the API describes it.", described.told(found), faults=found)


async def _elsewhere(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if _is_api(request):
        answer: Response = service.problem(error.status_code, *described.elsewhere(request, error))
    else:
        title = "There is nothing at this address." if error.status_code == 404 else str(error.detail)
        answer = views.told(title, "Begin at the first page.", error.status_code)
    answer.headers.update(error.headers or {})
    return answer


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


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens at a host and a port.

    Raises
    ------
    EutoniaError
        The host is none of this machine, or the port is taken or not for this user.
    """
    try:
        found = {one[0] for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        family = socket.AF_INET if socket.AF_INET in found else socket.AF_INET6
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        is_port = isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES)
    if not is_port:
        raise EutoniaError(
            f'--host "{host}" is no address of this machine: {reason}. Allowed: a name or an address that it has. '
            "Nearest: 127.0.0.1. Write one of them, or leave --host out."
        )
    raise EutoniaError(
        f"--port {port} cannot be listened on: {reason}. Allowed: a free port of 1024 to 65535. "
        f"Nearest: {_free(host, port)}. Give it with --port, or end what listens there."
    )


def _free(host: str, port: int) -> int:
    """Return the next port that is free, or one that the system gives."""
    for near in (*range(max(port + 1, 1024), min(port + 50, 65536)), 0):
        try:
            with socket.create_server((host, near)) as free:
                return int(free.getsockname()[1])
        except OSError:
            continue
    return 8350


@contextmanager
def alone(base: Path) -> Iterator[None]:
    """Hold a store for one server: a second would run again what the first one runs.

    Raises
    ------
    EutoniaError
        Another server has it.
    """
    mark = base.with_name(f"{base.name}.lock")  # SQLite has locks of its own on the store
    mark.touch()
    with _writing.lock(mark) as is_held:
        if not is_held and _writing.CAN_LOCK:
            raise EutoniaError(
                f'--base "{base}" is the store of a server that runs. Allowed: one server a store. Nearest: --base '
                f"{base.with_name(f'{base.stem}-2{base.suffix}')}. Ask the server that runs, or give another file."
            )
        yield


def serve(
    host: str, port: int, base: Path, *, token: str | None, names: Iterable[str], opens: bool,
    begins: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Serve until Ctrl-C; `names` are more names by which the server is known, `begins` is called once it can.

    Raises
    ------
    EutoniaError
        A token is missing or too short; the host, the port or the store cannot be had.
    """
    import uvicorn

    given = checked_token(host, token, names)
    hosts = tuple(dict.fromkeys((*guard.LOOPBACK, *([host] if host not in ("0.0.0.0", "::") else []), *names)))
    with listening(host, port) as heard, ExitStack() as kept:
        app = create_app(base, hosts=hosts, token=given, warms=True)
        kept.enter_context(alone(base))
        begins()
        if opens:
            address = f"http://{'localhost' if host in ('0.0.0.0', '::', *guard.LOOPBACK) else host}:{port}/"
            timer = threading.Timer(1.0, webbrowser.open, [f"{address}?token={given}" if given else address])
            timer.daemon = True
            timer.start()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False, access_log=False))
        with suppress(KeyboardInterrupt):
            server.run(sockets=[heard])
        if not server.started:
            raise SystemExit(3)
