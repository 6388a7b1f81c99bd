"""A program that speaks as a peer's process does: it answers with what it was asked, or does what the question says."""

from __future__ import annotations

import json
import sys
import time

print(json.dumps({"versions": {"peer": "1.0"}}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    answer = {"id": request["id"], "context": line, "seconds": 0.5, "peak_bytes": 7}
    if request["question"] == "die":
        print("first line", file=sys.stderr)
        print("out of luck", file=sys.stderr)
        sys.exit(3)
    if request["question"] == "sleep":
        time.sleep(60)
    if request["question"] == "babble":
        print("Loading model ...", flush=True)
    if request["question"] == "lag":
        answer["id"] -= 1
    if request["question"] == "half":
        del answer["context"]
    if request["question"] == "fail":
        answer = {"id": request["id"], "error": "ValueError: too long"}
    print(json.dumps(answer), flush=True)
