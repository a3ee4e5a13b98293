"""Scores 1 for a response of at most meta.limit words, and less for longer ones."""
import json
import sys

for line in sys.stdin:
    ask = json.loads(line)
    words, limit = len(ask["response"].split()), ask["meta"]["limit"]
    score = min(1.0, limit / max(words, 1))
    reply = {"id": ask["id"], "score": score, "reason": f"{words} words, {limit} wanted"}
    print(json.dumps(reply), flush=True)
