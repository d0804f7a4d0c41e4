"""Send spoiled files and forms to the pages for as long as you like, and see that nothing breaks.

    python tests/fuzz_uploads.py [--many 10000] [--seed 1]

Each is a mask, a recording or the fields of a form with bytes cut, doubled, turned or put in. The answer must be a page
or a refusal: no status of 500 or more, no traceback, no script that runs, no file beside those of the server, and no
more memory at the end than some hundred megabytes. Anything else stops the run and prints what was sent.
"""

from __future__ import annotations

import argparse
import gzip
import random
import resource
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from mask_examples import ball, nifti

from eutonia.web import app, clinic, trial_form
from eutonia.web.jobs import Jobs

EXAMPLES = Path(__file__).parents[1] / "examples"
MASK = nifti(ball((-30, 0, 15), 12.0).astype(np.uint8))
TRACES = [one.read_bytes() for one in sorted(EXAMPLES.glob("*_simulated.csv"))]
HOSTILE = (
    "<script>alert(1)</script>", "'\"><svg onload=alert(1)>", "{{7*7}}", "../../etc/passwd", "\x00", "\ud800", "\u202e",
    "1e400", "nan", "-1", "9" * 300, "=cmd|' /C calc'!A0", "own_" + "0" * 20 + ".nii.gz", "%s%n", "\r\nset-cookie: a=b",
)  # fmt: skip
_GROWN_MB = 600


class NoJobs(Jobs):
    def start(self) -> None:
        """Begin nothing: what is computed is not what is tried here."""

    def stop(self) -> None:
        """End nothing."""


def spoiled(content: bytes, luck: random.Random) -> bytes:
    """Return bytes of which some are gone, doubled, turned or new."""
    found = bytearray(content)
    for _ in range(luck.randint(0, 4)):
        at, many = luck.randrange(len(found) + 1), luck.choice((1, 1, 4, 60, 5000))
        match luck.randrange(5):
            case 0:
                del found[at : at + many]
            case 1:
                found[at:at] = found[at : at + many]
            case 2:
                found[at:at] = luck.randbytes(many)
            case 3:
                found[at : at + many] = bytes(many)
            case _:
                found[at:at] = luck.choice(HOSTILE).encode("utf-8", "surrogatepass")
    return bytes(found)


def ask(client: TestClient, luck: random.Random) -> tuple[str, object, Any]:
    """Send one thing, and return where, what, and the answer."""
    path = luck.choice(("/clinic", "/clinic/faults", "/trial", "/fit", "/study", "/segment", "/api/v1/files"))
    start = {"/clinic": clinic.START, "/clinic/faults": clinic.START, "/trial": trial_form.START}.get(path, {})
    fields = dict(start) or {"bias": "1", "csf": "0", "protocol": "h-reflex", "test": "pendulum", "joint": "knee"}
    for name in luck.sample(sorted(fields), luck.randint(0, min(3, len(fields)))):
        fields[name] = luck.choice(HOSTILE).encode("utf-8", "replace").decode()
    if path == "/study":
        fields = {"study": spoiled(b'[study]\nname = "x"\nkind = "case"\n', luck).decode("latin-1"), "do": "check"}
    if path == "/api/v1/files":
        content = spoiled(MASK, luck)
        answer = client.post(path, content=content)
        return path, content, answer
    files = None
    if path.startswith("/clinic"):
        inner = spoiled(gzip.decompress(MASK)[: luck.choice((400, 900_000))], luck)
        content = luck.choice((spoiled(MASK, luck), gzip.compress(inner, 1), inner, b""))
        files = {"mask_file": (luck.choice(HOSTILE[:9]).replace("\ud800", "x"), content)}
    elif path == "/fit":
        files = [("traces", ("x.csv", spoiled(luck.choice(TRACES), luck))) for _ in range(luck.randint(0, 3))]
    answer = client.post(path, data=fields, files=files)
    return path, (fields, files), answer


def main(many: int, seed: int) -> None:
    luck, found = random.Random(seed), Counter[tuple[str, int]]()
    with tempfile.TemporaryDirectory() as folder:
        app.Jobs = NoJobs  # type: ignore[misc]
        base = Path(folder) / "web.sqlite"
        server = app.create_app(base)
        with TestClient(server, base_url="http://localhost", follow_redirects=False) as client:
            before, temporary = _memory(), set(Path(tempfile.gettempdir()).glob("eutonia-web-*"))
            for _ in range(many):
                path, sent, answer = ask(client, luck)
                status, text = answer.status_code, answer.text
                found[path, status] += 1
                bad = (status >= 500 and "jobs wait already" not in text) or "Traceback" in text
                if answer.headers.get("content-type", "").startswith("text/html"):
                    bad = bad or "<script>alert" in text or "onload=alert(1)>" in text
                if bad:
                    raise SystemExit(f"{path} answered {status} to {sent!r}\n{text[-2000:]}")
        left = {one.name.split("-")[0] for one in Path(folder).iterdir()} - {"web.sqlite"}
        more = set(Path(tempfile.gettempdir()).glob("eutonia-web-*")) - temporary
        if left or more or _memory() - before > _GROWN_MB:
            raise SystemExit(f"left behind: {left | more}; memory grew by {_memory() - before:.0f} MB")
        told = ", ".join(f"{path} {status}: {count}" for (path, status), count in sorted(found.items()))
        sys.stdout.write(f"{many} sent; {told}; memory grew by {_memory() - before:.0f} MB\n")


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    main(given.many, given.seed)
