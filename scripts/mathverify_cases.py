"""Grades pairs with Math-Verify, as verl calls it, and writes them with its verdicts and its times.

Reads JSON lines {"gold", "answer" or "response", "equal"}; an answer is put in a box. Writes
{"gold", "response", "equal", "peer", "seconds", "place"}.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from math_verify.errors import TimeoutException
from math_verify.metric import math_metric
from math_verify.parser import ExprExtractionConfig, LatexExtractionConfig


def pairs(files):
    for file in files:
        for number, line in enumerate(Path(file).read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                row = json.loads(line)
                response = row["response"] if "response" in row else "\\boxed{" + row["answer"] + "}"
                yield {"gold": row["gold"], "response": response, "equal": bool(row["equal"]), "place": f"{Path(file).name}:{number}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    grade = math_metric(
        gold_extraction_target=(LatexExtractionConfig(),),
        pred_extraction_target=(ExprExtractionConfig(), LatexExtractionConfig()),
    )
    with Path(args.out).open("w", encoding="utf-8") as out:
        for count, pair in enumerate(pairs(args.files), 1):
            start = time.perf_counter()
            try:
                score, _ = grade(["\\boxed{" + pair["gold"] + "}"], [pair["response"]])
            except (Exception, TimeoutException):  # verl scores its failures as 0
                score = 0
            pair["seconds"] = time.perf_counter() - start
            pair["peer"] = score == 1
            out.write(json.dumps(pair, ensure_ascii=False) + "\n")
            if count % 500 == 0:
                print(f"{count} pairs", file=sys.stderr)


if __name__ == "__main__":
    main()
