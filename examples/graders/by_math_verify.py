"""Grades with Math-Verify (pip install math-verify), by one process after another.

Math-Verify's own time-outs use a signal; ropewalk's deadline is enough, so they are
switched off. Its failures are errors here, not scores of 0.
"""

import json
import sys

from math_verify import parse, verify


def grade(ask):
    gold = parse(f"${ask['gold']}$", parsing_timeout=None)
    if not gold:
        return {"status": "ungradable", "reason": "Math-Verify reads nothing in the gold"}
    answer = parse(ask["response"], parsing_timeout=None)
    if not answer:
        return {"status": "no_answer", "reason": "Math-Verify reads nothing in the response"}
    right = verify(gold, answer, timeout_seconds=None)
    return {"score": float(right), "answer": str(answer[-1]), "reason": f"Math-Verify says {right}"}


for line in sys.stdin:
    ask = json.loads(line)
    try:
        reply = grade(ask)
    except Exception as e:
        reply = {"status": "error", "reason": repr(e)}
    print(json.dumps(reply | {"id": ask["id"]}), flush=True)
