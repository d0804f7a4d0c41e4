"""Ask a server of `eutonia serve` to run a study, and print what it found: ask_server.py STUDY.toml [ADDRESS]."""

import json
import sys
import time
import urllib.request


def ask(address, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
text, server = open(sys.argv[1], encoding="utf-8").read(), (sys.argv[2:] or ["http://localhost:8350"])[0]
job = ask(f"{server}/api/v1/run", {"study": text})
while job["state"] in ("queued", "running"):
    time.sleep(0.5)
    job = ask(server + job["self"])
print(job["state"], job["told"])
found = ask(server + job["files"]["summary.json"])
print(found["headline"], *found["in_short"], sep="\n")
