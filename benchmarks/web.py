"""How long the pages take when many ask at once, and what a crash costs: `python benchmarks/web.py`.

A server of its own, with a store of its own, is started and asked over HTTP by PEOPLE people, each of whom asks for one
page after the other; then the first comparison, and some of other people. The 95 % quantile of each is printed, beside
what is wanted of it, with the processor time of the server and its worker for one answer and how many programs wanted a
processor meanwhile (load). `--crash` kills the server while jobs run, starts it again, and counts what is lost.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

PEOPLE, PAGES_EACH = 50, 6
PATHS = ("/", "/story", "/clinic", "/trial", "/study", "/segment")
WANTED_PAGE_S, WANTED_COMPARISON_S, LONGEST_S = 0.3, 2.0, 600.0


class Server:
    """A server in a process of its own."""

    def __init__(self, base: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        code = "from eutonia.cli.app import main; raise SystemExit(main())"
        words = ["serve", "--no-open", "--port", str(self.port), "--base", str(base)]
        self.process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL)
        self.at = f"http://127.0.0.1:{self.port}"
        for _ in range(600):
            try:
                self.get("/")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the server does not answer")

    def get(self, path: str, data: bytes | None = None, kind: str = "application/json") -> bytes:
        request = urllib.request.Request(self.at + path, data, {"content-type": kind} if data else {})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read()

    def asked(self, path: str, body: object | None = None) -> dict[str, object]:
        return json.loads(self.get(path, None if body is None else json.dumps(body).encode()))

    def cpu_s(self) -> float:
        """Return the processor time of the server and of the process that computes, s."""
        mine = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        others = [child for one in mine.parent.parent.glob("*/children") for child in one.read_text().split()]
        return sum(_cpu_s(one) for one in (str(self.process.pid), *others))

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)


def _cpu_s(process: str) -> float:
    parts = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def many(ask: Callable[[int], None], people: int = PEOPLE) -> list[float]:
    """Return how long each question took when so many ask at once, s."""
    took: list[float] = []
    begins = threading.Barrier(people)

    def one(who: int) -> None:
        begins.wait()
        for page in range(PAGES_EACH):
            began = time.perf_counter()
            ask(who + page)
            took.append(time.perf_counter() - began)
            time.sleep(0.5)

    threads = [threading.Thread(target=one, args=(who,)) for who in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def tell(what: str, took: list[float], wanted: float, cpu_s: float) -> None:
    high = statistics.quantiles(took, n=20)[-1] if len(took) > 1 else took[0]
    verdict = "as wanted" if high <= wanted else f"wanted: {wanted:g} s"
    each = f"{1000 * cpu_s / len(took):5.0f} ms of processor each, load {os.getloadavg()[0]:.1f}"
    print(f"{what:52} {len(took):4} answers  95 % within {1000 * high:6.0f} ms  ({verdict})  {each}", flush=True)


def waited(server: Server, job: dict[str, object]) -> dict[str, object]:
    while job["state"] in ("queued", "running"):
        time.sleep(0.1)
        job = server.asked(str(job["self"]))
    return job


def told(server: Server) -> None:
    """Wait until the story is there."""
    while b"Five things to take home" not in server.get("/story"):
        time.sleep(0.2)


def load(folder: Path) -> None:
    """Print how long pages and comparisons take."""
    from eutonia.web import clinic

    server = Server(folder / "load.sqlite")
    try:
        told(server)
        form = urllib.parse.urlencode(clinic.START).encode()
        for path in PATHS:
            before, took = server.cpu_s(), many(lambda _, p=path: server.get(p) and None)
            tell(f"{PEOPLE} at once: {path}", took, WANTED_PAGE_S, server.cpu_s() - before)
        known = "application/x-www-form-urlencoded"
        before, took = server.cpu_s(), many(lambda _: server.get("/clinic/faults", form, known) and None)
        tell(f"{PEOPLE} at once: the form of the clinic is judged", took, WANTED_PAGE_S, server.cpu_s() - before)
        for n in range(4):
            fields = clinic.START | {"weight": str(70 + n), "follow": "11"}
            before, began = server.cpu_s(), time.perf_counter()
            job = server.asked("/api/v1/compare", {"cases": clinic.read(fields).texts})
            state = waited(server, job)["state"]
            name = "a comparison, the first" if n == 0 else "a comparison of another person, warm"
            tell(f"{name} ({state})", [time.perf_counter() - began], WANTED_COMPARISON_S, server.cpu_s() - before)
    finally:
        server.stop()


def crash(folder: Path, jobs: int = 20) -> None:
    """Kill the server while jobs run, and count what is lost."""
    from eutonia.study.design import shipped

    text = shipped()["case_own_signal"].read_text(encoding="utf-8").replace('"30 month"', '"15 month"')
    text = text[: text.index("# --- Month 18")]
    base = folder / "crash.sqlite"
    server = Server(base)
    told(server)  # the story is a job, too
    asked = [
        server.asked("/api/v1/run", {"study": text.replace('"82 kg"', f'"{60 + n} kg"'), "replicates": 1})
        for n in range(jobs)
    ]
    began, done = time.monotonic(), []
    while len(done) < jobs // 4:
        time.sleep(0.1)
        done = [job for job in map(server.asked, (str(job["self"]) for job in asked)) if job["state"] == "done"]
        print(f"\r{len(done)} of {jobs} done after {time.monotonic() - began:.0f} s", end="", flush=True)
        if time.monotonic() - began > LONGEST_S:
            raise SystemExit(f"too slow: {[(job['state'], job['told']) for job in asked]}")
    before = contents(server, done)
    server.kill()
    server = Server(base)
    try:
        kept = contents(server, done)
        ended = [waited(server, server.asked(str(job["self"]))) for job in asked]
        states = {state: sum(one["state"] == state for one in ended) for state in {one["state"] for one in ended}}
        same = sum(kept[name] == content for name, content in before.items())
        print(f"\nkilled after {len(done)} of {jobs} jobs: {same} of {len(before)} files kept, in the end {states}")
    finally:
        server.stop()


def contents(server: Server, jobs: list[dict[str, object]]) -> dict[str, bytes]:
    """Return every file of some jobs by its address."""
    return {where: server.get(where) for job in jobs for where in dict(job["files"]).values()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crash", action="store_true")
    with tempfile.TemporaryDirectory() as temporary:
        (crash if parser.parse_args().crash else load)(Path(temporary))
