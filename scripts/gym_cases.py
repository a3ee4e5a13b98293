"""Makes cases for scripts/compare-gym: entries of Reasoning Gym, answers to them, and the package's scores.

One file TASK.jsonl for each task; a line is {"task", "entry", "answers": [{"answer", "score", "strict"}]}: score by
the data set that made the entry, strict by one of the default configuration (the same if absent). A score is a number, null if the package was not done in time, or the name of what it raised. The last line is
{"task", "seconds", "count"}: the processor time that scoring took. Where the entry stores no answer, the right ones
come from gym_alternatives.py.
"""

import argparse
import json
import logging
import os
import random
import re
import signal
import sys
import time
from pathlib import Path

import reasoning_gym
from gym_alternatives import example, special
from reasoning_gym.factory import CURRICULA, DATASETS

LIMIT = 5  # seconds for one score
BRIEF = 200e-6  # seconds: what takes less is timed again, without the cost of timing
MALFORMED = ["", " ", "None", "nan", "inf", "-inf", "[]", "{}", "()", "[1, 2", "[[1]]", '{"a": 1}', "1/0", "0x1F", "1_000", "１２", "½", "true",
             "True", "yes", "A", "é", "((((", "1e5", "-0", "0", "1", "-1", "7.", ".5", "1,2,3", "['a', 'b']", "x", "\n", "a\nb", "Shape: 1x1", "R U R' U'", "1e400", "I do not know.",
             '"', "'", "\\frac{1}{2}", "1 2 3\n4 5 6", "[NaN]", '{"1": 1', "9" * 30, "::", "0:0", "1 days, 10:00", "a=1,b=2", "2 × 3", "Monday"]


class TooLong(BaseException):
    pass


def ring(*_):
    raise TooLong


def plain(obj):
    """What becomes of an entry's values in JSON."""
    if isinstance(obj, dict):
        return {str(k): plain(v) for k, v in obj.items()}
    if isinstance(obj, (list, tuple, set, frozenset)):
        return [plain(v) for v in obj]
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if hasattr(obj, "item"):
        return obj.item()
    if hasattr(obj, "tolist"):
        return obj.tolist()
    return str(obj)


def limited(seconds, call):
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def score(dataset, answer, entry):
    """The package's opinion; the entry is a fresh copy, since some scorers change it."""
    try:
        return float(limited(LIMIT, lambda: dataset.score_answer(answer, entry)))
    except TooLong:
        return None
    except RecursionError:
        return "RecursionError"
    except Exception as e:  # whatever the package raises is a fact to record
        return type(e).__name__


def bare_time(dataset, answers, text):
    """Seconds to score the answers without a clock and a timer about each, which would cost more than the brief ones.

    They are scored over and over until the clock has something to measure. A scorer that changes its entry changes it
    for the next answer here: that does not matter to the time.
    """
    call, entry = dataset.score_answer, json.loads(text)
    began, rounds = time.process_time(), 0
    while answers and (rounds < 3 or time.process_time() - began < 0.002):
        for answer in answers:
            try:
                call(answer, entry)
            except Exception:
                pass
        rounds += 1
    return (time.process_time() - began) / max(rounds, 1)


def datasets(name, entries):
    """The default configuration under several seeds, then harder levels of the curriculum."""
    if name == "composite":
        from reasoning_gym.composite import DatasetSpec
        specs = [DatasetSpec(name=n, weight=1, config={}) for n in ("gcd", "chain_sum", "word_sorting", "mini_sudoku", "coin_flip")]
        return [reasoning_gym.create_dataset(name, seed=s, size=entries, datasets=specs) for s in (1, 2)]
    made = []
    for seed in (11, 4242):
        made.append(lambda seed=seed: reasoning_gym.create_dataset(name, seed=seed, size=entries))
    for level in (1, 2, 3):
        def hard(level=level):
            curriculum = CURRICULA[name]()
            for attribute in curriculum.attributes:
                for _ in range(level):
                    curriculum.increment_attr_level(attribute)
            config = curriculum.generate_configuration({"seed": 99 + level, "size": entries})
            return DATASETS[name][0](config)
        if name in CURRICULA:
            made.append(hard)
    out = []
    for make in made:
        try:
            out.append(limited(15, make))
        except (TooLong, Exception) as e:
            print(f"{name}: a configuration is left out: {type(e).__name__} {e}", file=sys.stderr)
    return out


def perturbed(text, rng):
    """Wrong, partial and differently written forms of an answer."""
    out = [text, " " + text, text + " ", text + "\n", text.strip(), text.upper(), text.lower(), text + ".", "The answer is " + text, f"${text}$", f"**{text}**",
           text + text, text + " " + text, text[: len(text) // 2], text[1:], text[:-1], text[::-1], text.replace(" ", ""), text.replace("\n", " "), text.replace(",", ", "),
           text.replace(",", ";"), text.replace("'", '"'), text.replace('"', "'"), "=" + text, "+" + text, "-" + text, text + "0", "0" + text, text + "x", text + ", 1", repr(text), text.title(),
           text.replace("1", "2"), text.replace("a", "b"), text.replace("*", " * "), "(" + text + ")", "\n".join(line + " " for line in text.split("\n")), text + "\n\nextra"]
    numbers = list(re.finditer(r"\d+(\.\d+)?", text))
    for m in rng.sample(numbers, min(4, len(numbers))):
        n = m.group()
        value = float(n) if "." in n else int(n)
        out += [text[: m.start()] + str(v) + text[m.end():] for v in (value + 1, value * 2, -value, value + rng.randint(2, 50))]
        if "." in n:
            out += [text[: m.start()] + n + "0" + text[m.end():], text[: m.start()] + n[:-1] + text[m.end():]]
    for sep in (" ", ", ", "\n", ",", "×"):
        parts = text.split(sep)
        if len(parts) > 1:
            shuffled = parts[:]
            rng.shuffle(shuffled)
            swapped = parts[:]
            i = rng.randrange(len(parts) - 1)
            swapped[i], swapped[i + 1] = swapped[i + 1], swapped[i]
            out += [sep.join(p) for p in (shuffled, swapped, parts[:-1], parts[1:], parts[::-1], parts + parts[-1:], parts[:i] + parts[i + 1:])]
            out += [str(parts), json.dumps(parts), sep.join(parts[: len(parts) // 2])]
    if text:
        i = rng.randrange(len(text))
        out += [text[:i] + text[i + 1:], text[:i] + rng.choice("abcXYZ019 ,#") + text[i + 1:]]
    try:
        rows = [[int(c) for c in line.split()] for line in text.split("\n")]
        out += [str(rows), str(rows[0]), json.dumps(rows)]
    except ValueError:
        pass
    try:
        value = json.loads(text)
        out += [json.dumps(value, indent=1), json.dumps(value, separators=(",", ":")), str(value)] + altered(value, rng)
    except ValueError:
        pass
    return out


def altered(value, rng):
    out = []
    if isinstance(value, list) and value:
        shuffled = value[:]
        rng.shuffle(shuffled)
        out = [value[::-1], shuffled, value[:-1], value + value[-1:], [value], value[1:] + [None], value + ["x"], [str(v) for v in value], [[v] for v in value]]
        if isinstance(value[0], list):
            out += [[row[::-1] for row in value], [row[:-1] for row in value], [shuffled[0]] + value[1:]]
    if isinstance(value, dict) and value:
        keys = list(value)
        colours = {}
        for k in keys:
            colours.setdefault(json.dumps(value[k]), value[keys[-1]])
        out = [dict(reversed(value.items())), {k: value[k] for k in keys[1:]}, {**value, "extra": 1}, {**value, keys[0]: value[keys[-1]]}, {**value, keys[0]: None},
               {**value, keys[0]: str(value[keys[0]])}, {**value, keys[0]: [1]}, {**value, keys[0]: 12345}, {**value, keys[0]: 1.5}, list(value.values()), {str(k) + "s": v for k, v in value.items()}]
        flipped = {k: (v % 3 + 1 if isinstance(v, int) and not isinstance(v, bool) else v) for k, v in value.items()}
        out += [flipped, {k: (float(v) if isinstance(v, int) and abs(v) < 1e300 else v) for k, v in value.items()}]
    return [json.dumps(v) for v in out]


def answers(name, entry, others, rng):
    gold = example(name, entry)
    found = perturbed(gold, rng) + others
    try:
        found += special(name, entry, rng)
    except Exception as e:
        print(f"{name}: no alternatives: {type(e).__name__} {e}", file=sys.stderr)
    seen = dict.fromkeys(found + rng.sample(MALFORMED, 16))
    return [a for a in seen if isinstance(a, str) and a.isprintable() or isinstance(a, str) and len(a) < 20000]


def dangerous(name, answer):
    """Text that the package would run as code with a lasting effect or that would hold the machine."""
    return bool(re.search(r"\*\*\s*\(?\d{4,}|\d{7,}\*\*|__|open|exec|import|\*\*\d+\*\*\d", answer)) and name in (
        "countdown", "puzzle24", "simple_integration", "intermediate_integration", "polynomial_multiplication") or name == "rubiks_cube" and re.search(r"\d{5}", answer) is not None


def run(name, out, count):
    rng = random.Random(name)
    reference = None
    total, scored = 0.0, 0
    made = datasets(name, count)
    with open(out / f"{name}.jsonl", "w") as f:
        for dataset in made:
            try:
                entries = limited(15, lambda: [dataset[i] for i in range(count)])
            except (TooLong, Exception) as e:
                print(f"{name}: entries are left out: {type(e).__name__} {e}", file=sys.stderr)
                continue
            if reference is None:
                reference = dataset
            golds = [e["answer"] for e in entries if isinstance(e["answer"], str)]
            for entry in entries:
                try:
                    text = json.dumps(plain(entry), allow_nan=False)
                except ValueError:
                    continue
                cases, brief = [], []
                for answer in answers(name, json.loads(text), golds, rng):
                    try:
                        answer.encode()
                    except UnicodeEncodeError:
                        continue
                    if dangerous(name, answer):
                        continue
                    fresh = json.loads(text)
                    began = time.process_time()
                    got = score(dataset, answer, fresh)
                    took = time.process_time() - began
                    if took < BRIEF:
                        brief.append(answer)
                    else:
                        total += took
                    scored += 1
                    case = {"answer": answer, "score": got}
                    if reference is not dataset:
                        strict = score(reference, answer, json.loads(text))
                        if strict != got:
                            case["strict"] = strict
                    cases.append(case)
                total += bare_time(dataset, brief, text)
                f.write(json.dumps({"task": name, "entry": json.loads(text), "answers": cases}, ensure_ascii=False) + "\n")
        f.write(json.dumps({"task": name, "seconds": total, "count": scored}) + "\n")
    return scored


def choose(cases, folder, budget=11_000):
    """A small choice of the cases of each task: golden vectors."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(cases.glob("*.jsonl")):
        rng = random.Random(file.name)
        kept, size = [], 0
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        for line in sorted((x for x in lines if "entry" in x), key=lambda x: len(json.dumps(x["entry"]))):
            by_score = {}
            for a in line["answers"]:
                by_score.setdefault((str(a["score"]), str(a.get("strict", ""))), []).append(a)
            some = [a for group in by_score.values() for a in rng.sample(group, min(3, len(group)))]
            some = [a for a in some if len(a["answer"]) < 1500][:14]
            text = json.dumps({**line, "answers": some}, ensure_ascii=False)
            if kept and size + len(text) > budget:
                break
            kept.append(text)
            size += len(text)
        (folder / file.name).write_text("\n".join(kept) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", default="")
    parser.add_argument("--entries", type=int, default=3)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--vectors", type=Path)
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, ring)
    args.keep.mkdir(parents=True, exist_ok=True)
    names = args.tasks.split(",") if args.tasks else sorted(DATASETS)
    total = 0
    for name in names:
        began = time.time()
        n = run(name, args.keep, args.entries)
        total += n
        print(f"{name}: {n} answers, {time.time() - began:.1f} s", file=sys.stderr)
    print(f"{total} answers", file=sys.stderr)
    if args.vectors:
        choose(args.keep, args.vectors)


main()
