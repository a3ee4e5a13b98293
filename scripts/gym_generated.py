"""Scores what `ropewalk data generate gym/TASK` makes with the package: every entry must be accepted and its own answer score 1.

Called by scripts/compare-gym --generated with files of problems, one JSON object a line.
"""

import json
import sys

import reasoning_gym

bad = 0
for file in sys.argv[1:]:
    count, scorer = 0, None
    with open(file) as f:
        for line in f:
            meta = json.loads(line)["meta"]
            if isinstance(meta, str):
                meta = json.loads(meta)
            name, entry = meta["dataset_name"], meta["entry"]
            scorer = scorer or reasoning_gym.get_score_answer_fn(name)
            count += 1
            score = scorer(entry["answer"], entry)
            if score != 1.0:
                bad += 1
                print(f"{name}: {entry['answer']!r} scores {score} by the package: {entry['metadata']}", file=sys.stderr)
    print(f"{file}: {count} entries")
sys.exit(1 if bad else 0)
