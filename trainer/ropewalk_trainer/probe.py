"""The probe beside each export: a few id sequences with their log-probabilities, by which an engine proves its load."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer

from ropewalk_trainer.batch import Batch
from ropewalk_trainer.model import Policy
from ropewalk_trainer.pack import MicroBatch

SEQUENCES = 4
LENGTH = 24


def sequences(vocabulary: int, context: int, seed: int, version: int, batch: Batch | None) -> list[list[int]]:
    """Four sequences of up to 24 ids, a pure function of the arguments: random ids, and pieces of what was trained."""
    draw = np.random.default_rng([seed & (2**63 - 1), version])
    length = max(2, min(LENGTH, context))
    real = [] if batch is None or not batch.rollout_ids else _pieces(batch, length, draw)
    random = [draw.integers(0, vocabulary, length).tolist() for _ in range(SEQUENCES - len(real))]
    return random + real


def _pieces(batch: Batch, length: int, draw: np.random.Generator) -> list[list[int]]:
    """The ends of two rollouts, prompt included."""
    rows = draw.integers(0, len(batch.rollout_ids), SEQUENCES // 2)
    pieces = []
    for row in rows.tolist():
        completion = batch.completion[batch.start[row] : batch.start[row + 1]]
        pieces.append(np.concatenate([batch.prompts[batch.group[row]], completion])[-length:].tolist())
    return pieces


# Texts on which tokenizers that differ at all tend to differ: spaces, digits, case, accents, other scripts, code.
TEXTS = (
    "12+34= 046",
    "  Two  spaces,\n\na line\tand a tab. ",
    "Ünïcode 漢字 ½ √2 🙂",
    "def f(x):\n    return x**2  # ok",
)


def prompts(source: Path) -> list[dict[str, Any]]:
    """Texts with their ids by the tokenizer in `source`, by which an engine proves its own; [] if there is none."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
    except (OSError, ValueError):
        return []
    return [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False)} for text in TEXTS]


@contextmanager
def rounded(policy: Policy, dtype: torch.dtype) -> Iterator[None]:
    """Within it the policy's parameters are those that an export in `dtype` holds; after it, the exact ones again."""
    if dtype == torch.float32:
        yield
        return
    masters = [(p, p.detach().clone()) for p in policy.parameters().values()]
    try:
        for p, _ in masters:
            p.data.copy_(p.data.to(dtype))
        yield
    finally:
        for p, master in masters:
            p.data.copy_(master)


@torch.no_grad()
def score(policy: Policy, ids: list[list[int]]) -> list[list[float]]:
    """Log-probabilities of ids[1:] of each sequence at temperature 1, fp32 whatever the policy computes in."""
    exact = Policy(policy.module)
    longest = max(map(len, ids))
    padded = torch.tensor([s + [0] * (longest - len(s)) for s in ids])
    source = torch.cat([b * longest + torch.arange(len(s) - 1) for b, s in enumerate(ids)])
    target = torch.cat([torch.tensor(s[1:]) for s in ids])
    zeros = torch.zeros(len(target))
    micro = MicroBatch(
        ids_BL=padded,
        positions_BL=torch.arange(longest).expand(len(ids), -1).contiguous(),
        mask_B1LL=None,  # causal; padding is at the end, where nothing sees it
        source_T=source,
        target_T=target,
        token_T=source,
        sampler_T=zeros,
        advantage_T=zeros,
        weight_T=zeros,
        temperature_T=zeros + 1,
        tokens_real=sum(map(len, ids)),
    )
    logprobs, _ = exact.logprobs(micro.to(policy.device))
    return [part.tolist() for part in logprobs.cpu().split([len(s) - 1 for s in ids])]


def make(policy: Policy, dtype: torch.dtype, version: int, ids: list[list[int]]) -> dict[str, Any]:
    """probe.json's object, for the weights as exported in `dtype`."""
    with rounded(policy, dtype):
        logprobs = score(policy, ids)
    pairs = [{"ids": i, "logprobs": lp} for i, lp in zip(ids, logprobs, strict=True)]
    return {"version": version, "temperature": 1.0, "sequences": pairs}
