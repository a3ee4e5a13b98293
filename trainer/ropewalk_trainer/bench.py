"""Trainer speed: shared prefixes, plain rows and padding, on the same batch, model and update, in the same run.

    shared   the trainer's default: a group's prompt once, its completions after it, rows bucketed by length
    plain    share_prefix: false: a row for every rollout, bucketed by length
    padded   what trainers without packing do: a row for every rollout, padded to the longest of the batch

Tokens are counted alike for all three, as prompt plus completion of every rollout; `positions` is what was computed.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from ropewalk_trainer import pack, step
from ropewalk_trainer.batch import Batch
from ropewalk_trainer.config import Config, Run, Sampling, Trainer
from ropewalk_trainer.manifest import Identity
from ropewalk_trainer.model import Policy
from ropewalk_trainer.optim import Optimizer

VOCABULARY = 128


@dataclass(frozen=True, slots=True)
class Load:
    """A batch and the model it trains. Lengths are drawn from a fixed seed."""

    about: str
    layers: int
    width: int
    groups: int
    size: int
    prompts: Callable[[np.random.Generator, int], np.ndarray]
    completions: Callable[[np.random.Generator, int], np.ndarray]


def _tail(median: float, sigma: float, most: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Log-normal lengths, at least 4 and at most `most`."""
    return lambda draw, n: np.clip(median * np.exp(sigma * draw.standard_normal(n)), 4, most).astype(int)


LOADS = {
    "demo": Load(
        about="64 groups × 8 completions of 5 tokens, prompts of 10 and 40",
        layers=3,
        width=96,
        groups=64,
        size=8,
        prompts=lambda draw, n: np.where(np.arange(n) % 2, 40, 10),
        completions=lambda draw, n: np.full(n, 5),
    ),
    "long-tailed": Load(
        about="16 groups × 4 completions, log-normal, median 150, up to 1024; prompts median 60",
        layers=4,
        width=128,
        groups=16,
        size=4,
        prompts=_tail(60, 0.4, 256),
        completions=_tail(150, 0.8, 1024),
    ),
    "aggregation": Load(
        about="8 groups × 4 completions, log-normal, median 100; prompts of 4 candidates, median 500",
        layers=4,
        width=128,
        groups=8,
        size=4,
        prompts=_tail(500, 0.3, 1024),
        completions=_tail(100, 0.6, 512),
    ),
}


def batch_of(load: Load) -> Batch:
    """The load's batch, random ids."""
    draw = np.random.default_rng(1)
    rows = load.groups * load.size
    prompts = [draw.integers(0, VOCABULARY, n) for n in load.prompts(draw, load.groups)]
    start = np.concatenate([[0], np.cumsum(load.completions(draw, rows))])
    tokens = int(start[-1])
    return Batch(
        number=0,
        identity=Identity("bench", ""),
        simulated=False,
        denominator_tokens=tokens,
        denominator_sequences=rows,
        rollout_ids=[str(r) for r in range(rows)],
        prompts=prompts,
        group=np.repeat(np.arange(load.groups), load.size),
        start=start,
        completion=draw.integers(0, VOCABULARY, tokens),
        logprobs=np.full(tokens, -np.log(VOCABULARY), np.float32),
        advantage=draw.standard_normal(rows),
        weight=np.ones(rows),
        reward=np.zeros(rows),
        temperature=np.ones(rows),
    )


def learner_of(load: Load) -> step.Learner:
    """A random Qwen3 of the load's shape, with its optimiser."""
    torch.manual_seed(0)
    shape = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=load.width,
        intermediate_size=3 * load.width,
        num_hidden_layers=load.layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=load.width // 4,
        max_position_embeddings=4096,
        attn_implementation="sdpa",
    )
    policy = Policy(Qwen3ForCausalLM(shape).eval())
    c = Config(run=Run(steps=1), sampling=Sampling(max_tokens=1024), trainer=Trainer(lr=1e-5))
    return step.Learner(policy, None, Optimizer(policy.parameters(), c.trainer, 1), c)


def shared(batch: Batch, limits: pack.Limits) -> list[pack.MicroBatch]:
    return pack.pack(batch, limits)


def plain(batch: Batch, limits: pack.Limits) -> list[pack.MicroBatch]:
    return pack.pack(batch, pack.Limits(limits.micro_tokens, False, limits.attention_scale))


def padded(batch: Batch, limits: pack.Limits) -> list[pack.MicroBatch]:
    rows = pack.plan_rows(batch, pack.Limits(limits.micro_tokens, False))
    longest = max(row.length for row in rows)
    size = max(1, limits.micro_tokens // longest)
    return [pack.stack(batch, rows[at : at + size], longest) for at in range(0, len(rows), size)]


METHODS = {"shared": shared, "plain": plain, "padded": padded}


def measure(load: Load, repeats: int) -> dict[str, dict[str, float]]:
    """Median seconds of a whole step by method, packing and update included; methods take turns."""
    batch, learner = batch_of(load), learner_of(load)
    seconds: dict[str, list[float]] = {name: [] for name in METHODS}
    positions, losses = {}, {}
    for turn in range(repeats + 1):  # the first warms up
        for name, method in METHODS.items():
            begin = time.perf_counter()
            learner.optimizer.clear()
            metrics = step.accumulate(learner, batch, method(batch, learner.limits))
            if turn == 0:
                losses[name], positions[name] = metrics["loss"], metrics["tokens_capacity"]
                continue  # without an update, so that all three start from the same weights
            learner.optimizer.apply(0)
            seconds[name].append(time.perf_counter() - begin)
    if max(losses.values()) - min(losses.values()) > 1e-4 * max(1, abs(losses["shared"])):
        raise AssertionError(f"the methods do not compute the same loss: {losses}")
    lengths = np.diff(batch.start)
    tokens = int(lengths.sum() + sum(len(batch.prompts[g]) for g in batch.group))
    found = {}
    for name in METHODS:
        median = statistics.median(seconds[name])
        found[name] = {
            "seconds_step": median,
            "steps_per_second": 1 / median,
            "tokens_per_second": tokens / median,
            "trained_per_second": int(lengths.sum()) / median,
            "positions_per_second": positions[name] / median,
            "positions": positions[name],
        }
    for name in METHODS:
        found[name]["ratio"] = found["padded"]["seconds_step"] / found[name]["seconds_step"]
    return found


def main(argv: list[str]) -> int:
    """Prints a table, or with --json one JSON object."""
    parser = argparse.ArgumentParser(
        prog="bench-trainer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  scripts/bench-trainer --threads 2\n  scripts/bench-trainer --load demo --json",
    )
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default %(default)s)")
    parser.add_argument("--load", choices=LOADS, action="append", help="only this load; may be repeated")
    parser.add_argument("--repeats", type=int, default=5, help="measured steps per method (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    report = {}
    for name in args.load or LOADS:
        report[name] = measure(LOADS[name], args.repeats)
        if not args.json:
            print_table(name, LOADS[name], report[name], args.threads)
    if args.json:
        print(json.dumps({"threads": args.threads, "loads": report}))
    return 0


def print_table(name: str, load: Load, found: dict[str, dict[str, float]], threads: int) -> None:
    parameters = sum(p.numel() for p in learner_of(load).policy.parameters().values())
    print(f"{name}: {load.about}; {parameters / 1e6:.2f} M parameters, threads: {threads}")
    print(f"  {'':8}{'steps/s':>9}{'tokens/s':>11}{'trained/s':>11}{'positions/s':>13}{'positions':>11}{'ratio':>8}")
    for method, f in found.items():
        print(
            f"  {method:8}{f['steps_per_second']:9.2f}{f['tokens_per_second']:11,.0f}{f['trained_per_second']:11,.0f}"
            f"{f['positions_per_second']:13,.0f}{f['positions']:11,}{f['ratio']:7.2f}×"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
