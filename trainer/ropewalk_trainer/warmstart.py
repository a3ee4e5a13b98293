"""Supervised warm start: teaches a tiny model prompt -> completion pairs until rewards can take over.

    python -m ropewalk_trainer.warmstart --model runs/tiny --out runs/warm --examples train.jsonl --steps 2000
    python -m ropewalk_trainer.warmstart --model runs/tiny --out runs/warm --examples train.jsonl --steps 4000 \\
        --eval direct.jsonl aggregate.jsonl --stop-accuracy 0.45

Examples are JSON lines {"prompt": text, "completion": text}; further keys are ignored. The loss is that of the
completion and the end token. With --eval, completions are sampled at temperature 1 as the small engine would, and
training stops once the share of exact ones on the first file reaches --stop-accuracy. The same seed, examples and
number of threads give the same weights. The last line, on standard output, is a JSON summary.
"""

# ruff: noqa: E402
import argparse
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before PyTorch loads its OpenMP: threads that wait soon sleep. Spinning costs more than it saves on shared cores.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import torch
import transformers
from torch.nn.functional import cross_entropy

from ropewalk_trainer import lean
from ropewalk_trainer.engine.scheduler import Request, Sampling, Scheduler
from ropewalk_trainer.engine.tokens import Tokens
from ropewalk_trainer.engine.weights import ModelError, load
from ropewalk_trainer.failure import ConfigError, InputError, TrainerError


@dataclass(frozen=True, slots=True)
class Example:
    """ids: prompt, completion and end token; start: where the completion begins, at least 1."""

    ids: list[int]
    start: int


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train."""

    steps: int
    batch: int
    lr: float
    warmup: int
    schedule: str  # constant | cosine
    seed: int
    eval_every: int
    eval_samples: int
    stop_accuracy: float


def read_examples(path: Path, tokens: Tokens, context: int) -> list[Example]:
    """Reads one JSON-lines file. Raises InputError naming file and line."""
    prompts, completions = [], []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                prompt, completion = _texts(line, f"{path}:{number}")
                prompts.append(prompt)
                completions.append(completion)
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"{path}: {err}") from err
    if not prompts:
        raise InputError(f"{path}: no examples", 'each line is {"prompt": "…", "completion": "…"}')
    before = tokens.tokenizer(prompts, add_special_tokens=True)["input_ids"]
    after = tokens.tokenizer(completions, add_special_tokens=False)["input_ids"]
    examples = []
    for number, (head, tail) in enumerate(zip(before, after, strict=True), 1):
        if not head or len(head) + len(tail) + 1 > context:
            raise InputError(f"{path}:{number}: {len(head)} + {len(tail)} tokens; expected 1 to {context - 1} in all")
        examples.append(Example([*head, *tail, tokens.ends[0]], len(head)))
    return examples


def _texts(line: str, place: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
    except ValueError as err:
        raise InputError(f"{place}: not JSON: {err}") from err
    if not isinstance(row, dict):
        raise InputError(f"{place}: expected an object with prompt and completion, found {type(row).__name__}")
    for key in ("prompt", "completion"):
        if not isinstance(row.get(key), str):
            raise InputError(f"{place}: key {key}: expected a text, found {row.get(key)!r}")
    return row["prompt"], row["completion"]


def batches(examples: list[Example], size: int, seed: int) -> Iterator[list[Example]]:
    """Endless batches; each pass over the examples in an order of its own."""
    generator = torch.Generator().manual_seed(seed)
    order: list[int] = []
    while True:
        while len(order) < size:
            order += torch.randperm(len(examples), generator=generator).tolist()
        yield [examples[i] for i in order[:size]]
        del order[:size]


def groups(batch: list[Example]) -> list[list[Example]]:
    """Examples of about one length together, so that little is padded."""
    ordered = sorted(batch, key=lambda e: (len(e.ids), e.start))
    parts = [[ordered[0]]]
    for example in ordered[1:]:
        if len(example.ids) > 1.25 * len(parts[-1][0].ids) + 2:
            parts.append([])
        parts[-1].append(example)
    return parts


def loss_sum(module: Any, group: list[Example]) -> torch.Tensor:
    """Summed negative log-likelihood of the completions of a group."""
    length = max(len(e.ids) for e in group)
    first = min(e.start for e in group) - 1
    ids_BT = torch.zeros(len(group), length, dtype=torch.int64)
    wanted_BT = torch.zeros(len(group), length, dtype=torch.bool)
    for row, example in enumerate(group):
        ids_BT[row, : len(example.ids)] = torch.tensor(example.ids)
        wanted_BT[row, example.start : len(example.ids)] = True
    wanted_BS = wanted_BT[:, first + 1 :]
    hidden_BSH = lean.hidden(module, ids_BT, first)[:, :-1]
    logits_NV = module.lm_head(hidden_BSH[wanted_BS])
    return cross_entropy(logits_NV, ids_BT[:, first + 1 :][wanted_BS], reduction="sum")


def train_step(module: Any, optimizer: torch.optim.Optimizer, batch: list[Example]) -> float:
    """One update from a batch; gives its mean loss per token."""
    tokens = sum(len(e.ids) - e.start for e in batch)
    total = 0.0
    optimizer.zero_grad(set_to_none=True)
    for group in groups(batch):
        loss = loss_sum(module, group) / tokens
        loss.backward()
        total += loss.item()
    torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimizer.step()
    if not math.isfinite(total):
        raise TrainerError(f"the loss is {total}", "lower --lr")
    return total


def rate(settings: Settings, step: int) -> float:
    """Learning rate of a step counted from 0: linear warm-up, then constant or cosine to a tenth."""
    if step < settings.warmup:
        return settings.lr * (step + 1) / settings.warmup
    if settings.schedule == "constant":
        return settings.lr
    done = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.lr * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))


def accuracy(folder: Path, examples: list[Example], seed: int) -> float:
    """Share of completions sampled once at temperature 1, by the small engine's decoder, that are exact."""
    weights = load(folder, max(len(e.ids) for e in examples))
    scheduler = Scheduler(weights, min(256, len(examples)))
    requests = []
    for i, example in enumerate(examples):
        limit, end = len(example.ids) - example.start, example.ids[-1]
        requests.append(Request([tuple(example.ids[: example.start])], 1, seed + i, Sampling(limit, 1.0, (end,))))
        scheduler.add(requests[-1])
    while scheduler.busy:
        scheduler.step()
    exact = (r.done[0].ids == e.ids[e.start :] for r, e in zip(requests, examples, strict=True))
    return sum(exact) / len(examples)


def write(module: Any, source: Path, out: Path) -> None:
    """Writes a Hugging Face folder with source's tokenizer, whole or not at all."""
    staged = out.with_name(f".tmp-{out.name}-{os.getpid()}")
    staged.mkdir(parents=True)
    try:
        for file in sorted(source.iterdir()):
            if file.is_file() and not file.name.startswith(("model", "pytorch_model", "probe", "STABLE")):
                shutil.copy(file, staged / file.name)
        module.save_pretrained(staged)
        staged.rename(out)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def measure(module: Any, evaluations: list[list[Example]], settings: Settings) -> list[float]:
    """Accuracy on the first examples of each evaluation file."""
    with tempfile.TemporaryDirectory() as folder:
        module.save_pretrained(folder)
        return [accuracy(Path(folder), e[: settings.eval_samples], settings.seed) for e in evaluations]


def train(module: Any, examples: list[Example], evaluations: list[list[Example]], settings: Settings) -> dict[str, Any]:
    """Trains module in place; gives the summary. Stops early once the first evaluation reaches the goal."""
    torch.manual_seed(settings.seed)
    optimizer = torch.optim.AdamW(module.parameters(), settings.lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    began, loss, scores, reached = time.monotonic(), math.nan, [], False
    step = 0
    for step, batch in enumerate(batches(examples, settings.batch, settings.seed), 1):
        optimizer.param_groups[0]["lr"] = rate(settings, step - 1)
        loss = train_step(module, optimizer, batch)
        if evaluations and (step % settings.eval_every == 0 or step == settings.steps):
            scores = measure(module, evaluations, settings)
            reached = scores[0] >= settings.stop_accuracy
            progress(step, settings.steps, loss, scores, began)
        elif not evaluations and step % settings.eval_every == 0:
            progress(step, settings.steps, loss, scores, began)
        if reached or step == settings.steps:
            break
    seconds = round(time.monotonic() - began, 1)
    return {"steps": step, "seconds": seconds, "loss": round(loss, 4), "accuracy": scores, "reached": reached}


def progress(step: int, steps: int, loss: float, scores: list[float], began: float) -> None:
    """One line on stderr."""
    spent = time.monotonic() - began
    left = spent / step * (steps - step)
    right = "".join(f"  {100 * s:.1f} % right" for s in scores)
    print(
        f"warm start {step}/{steps}: loss {loss:.3f}{right}  {spent:.0f} s, at most {left:.0f} s left", file=sys.stderr
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Reads, trains, writes."""
    if args.out.exists():
        raise ConfigError(f"{args.out} exists already", "remove it or choose another --out")
    if args.threads:
        torch.set_num_threads(args.threads)
    transformers.utils.logging.disable_progress_bar()
    try:
        weights = load(args.model)  # names what is wrong with a folder better than transformers does
        tokens = Tokens(args.model, weights.shape.vocabulary)
    except ModelError as err:
        raise InputError(str(err)) from err
    if not tokens.ends:
        raise InputError(f"{args.model}: the model has no end token", "set eos_token_id in its config.json")
    module = transformers.AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32, local_files_only=True)
    context = weights.shape.positions
    examples = [e for path in args.examples for e in read_examples(path, tokens, context)]
    evaluations = [read_examples(path, tokens, context) for path in args.eval or []]
    settings = Settings(
        steps=args.steps, batch=args.batch, lr=args.lr, warmup=args.warmup, schedule=args.schedule, seed=args.seed,
        eval_every=args.eval_every, eval_samples=args.eval_samples, stop_accuracy=args.stop_accuracy,
    )  # fmt: skip
    summary = train(module, examples, evaluations, settings)
    write(module, args.model, args.out)
    return summary


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ropewalk_trainer.warmstart",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face folder to start from")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--examples", type=Path, nargs="+", required=True, help="JSON-lines files to learn")
    parser.add_argument("--steps", type=int, required=True, help="most updates")
    parser.add_argument("--batch", type=int, default=256, help="examples per update (default %(default)s)")
    parser.add_argument("--lr", type=float, default=1e-3, help="(default %(default)s)")
    parser.add_argument("--warmup", type=int, default=50, help="updates of rising rate (default %(default)s)")
    parser.add_argument("--schedule", choices=("constant", "cosine"), default="constant")
    parser.add_argument("--eval", type=Path, nargs="+", help="JSON-lines files to test on; the first decides")
    parser.add_argument("--stop-accuracy", type=float, default=1.0, help="stop at this share of exact answers")
    parser.add_argument("--eval-every", type=int, default=50, help="updates (default %(default)s)")
    parser.add_argument("--eval-samples", type=int, default=500, help="examples of each file (default %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all cores")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    if min(args.steps, args.batch, args.eval_every, args.eval_samples) < 1 or args.lr <= 0 or args.threads < 0:
        parser.error("--steps, --batch, --eval-every, --eval-samples and --lr must be positive, --threads not negative")
    return args


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    try:
        summary = run(args)
    except TrainerError as err:
        print(f"warmstart: error: {err}" + (f"\n  hint: {err.hint}" if err.hint else ""), file=sys.stderr)
        return err.exit_code
    if args.eval and not summary["reached"]:
        print(f"warmstart: warning: {args.steps} steps did not reach {args.stop_accuracy:.0%}", file=sys.stderr)
    print(json.dumps(summary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
