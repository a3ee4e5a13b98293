"""Packs a batch into micro-batches: a prompt once, followed by several completions of its group.

A row is `prompt, completion 1, completion 2, …`. The positions of each completion continue after the prompt; a
completion sees the prompt and itself, never its siblings. Rows of near equal length are stacked into [B, L].

Notes on what was measured (0.3 M parameters, two threads; scripts/bench-trainer prints the table anew):
  - Many groups in one long row with a block-diagonal mask pay attention over the whole row, L² instead of ΣL²;
    stacked rows with masks of their own do not, so there is no such packing here.
  - Sharing pays where the prompt is long beside the completions. Where completions are long, a row of all G of them
    pays for G² blocks of attention of which G are used; so the number of completions per row is chosen by cost.
  - A forward and backward pass costs about as much as FIXED tokens before its first token, whence the buckets.

Shape suffixes: B rows, L positions, T completion tokens of the micro-batch.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ropewalk_trainer.batch import Batch

FIXED = 160  # overhead of one micro-batch, in tokens
PADDING = -1  # segment of padding; 0 is the prompt, 1.. the completions of the row


@dataclass(frozen=True, slots=True)
class Limits:
    """micro_tokens: positions of one micro-batch, padding included; one longer sequence still goes alone.
    share_prefix: False gives every completion a row with its own copy of the prompt.
    attention_scale: row length at which full attention costs as much as everything else (about 6 × width)."""

    micro_tokens: int
    share_prefix: bool = True
    attention_scale: float = 6 * 1024


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Tensors of one forward pass. Position source_T predicts token target_T."""

    ids_BL: torch.Tensor  # int64
    positions_BL: torch.Tensor  # int64
    mask_B1LL: torch.Tensor | None  # bool, True where a query may look; None: plain causal
    source_T: torch.Tensor  # int64 into the flattened [B * L] hidden states
    target_T: torch.Tensor  # int64 ids
    token_T: torch.Tensor  # int64: place of the token in Batch.completion
    sampler_T: torch.Tensor  # float32 log-probabilities of the sampler
    advantage_T: torch.Tensor  # float32
    weight_T: torch.Tensor  # float32
    temperature_T: torch.Tensor  # float32
    tokens_real: int  # positions that are not padding

    @property
    def tokens_capacity(self) -> int:
        return self.ids_BL.numel()

    def to(self, device: torch.device) -> "MicroBatch":
        """The same on another device."""
        if device.type == "cpu":
            return self
        values = {name: getattr(self, name) for name in self.__slots__}
        return MicroBatch(**{k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in values.items()})


@dataclass(frozen=True, slots=True)
class Row:
    """One row to be: a group's prompt and some of its completions."""

    group: int  # index into Batch.prompts
    rollouts: tuple[int, ...]  # indices of batch rows
    length: int


def pack(batch: Batch, limits: Limits) -> list[MicroBatch]:
    """The batch in micro-batches, longest rows first. Rollouts of weight 0 train nothing and are left out."""
    rows = plan_rows(batch, limits)
    rows.sort(key=lambda row: (-row.length, row.rollouts))
    masked = max((len(row.rollouts) for row in rows), default=1) > 1
    scale = limits.attention_scale if masked else 2 * limits.attention_scale
    cuts = bucket(np.array([row.length for row in rows]), limits.micro_tokens, scale)
    return [stack(batch, rows[a:b], rows[a].length) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]


def plan_rows(batch: Batch, limits: Limits) -> list[Row]:
    """Decides which completions share a row."""
    lengths = np.diff(batch.start)
    members: list[list[int]] = [[] for _ in batch.prompts]
    for rollout in np.flatnonzero(batch.weight).tolist():
        members[int(batch.group[rollout])].append(rollout)
    rows = []
    for group, rollouts in enumerate(members):
        if not rollouts:
            continue
        prompt = len(batch.prompts[group])
        completions = lengths[rollouts].tolist()
        per_row = _completions_per_row(prompt, completions, limits) if limits.share_prefix else 1
        # Similar lengths together, so that rows come out alike.
        order = sorted(range(len(rollouts)), key=lambda i: (-completions[i], i))
        for at in range(0, len(order), per_row):
            part = sorted(order[at : at + per_row])
            length = prompt + sum(completions[i] for i in part)
            rows.append(Row(group, tuple(rollouts[i] for i in part), length))
    return rows


def _completions_per_row(prompt: int, completions: list[int], limits: Limits) -> int:
    """The number of completions per row with the least cost, of those whose rows fit micro_tokens."""
    total, count = sum(completions), len(completions)
    best, best_cost = 1, float("inf")
    for per_row in range(1, count + 1):
        rows = -(-count // per_row)
        length = prompt + total / rows
        if per_row > 1 and prompt + sum(sorted(completions)[-per_row:]) > limits.micro_tokens:
            break
        # A row of one completion is plain causal: half of its attention is skipped.
        scale = limits.attention_scale * (2 if per_row == 1 else 1)
        cost = rows * length * (1 + length / scale)
        if cost < best_cost:
            best, best_cost = per_row, cost
    return best


def bucket(lengths: np.ndarray, micro_tokens: int, scale: float) -> list[int]:
    """Cuts rows, sorted by falling length, into micro-batches of least cost: 0 = cuts[0] < … < cuts[-1] = len.

    Exact dynamic programme over Σ (FIXED + rows × longest × (1 + longest / scale)), each micro-batch within
    micro_tokens unless it is a single row.
    """
    n = len(lengths)
    cost = np.zeros(n + 1)  # of the rows from i on
    end = np.zeros(n + 1, np.int64)
    for i in range(n - 1, -1, -1):
        longest = int(lengths[i])
        most = min(n, i + max(1, micro_tokens // longest))
        sizes = np.arange(1, most - i + 1)
        options = FIXED + sizes * (longest * (1 + longest / scale)) + cost[i + 1 : most + 1]
        pick = int(np.argmin(options))
        cost[i], end[i] = options[pick], i + 1 + pick
    cuts = [0]
    while cuts[-1] < n:
        cuts.append(int(end[cuts[-1]]))
    return cuts


def stack(batch: Batch, rows: list[Row], width: int) -> MicroBatch:
    """The rows as one micro-batch, each padded at its end to `width`."""
    shape = len(rows), width
    ids, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    segment = np.full(shape, PADDING, np.int64)
    source, token = [], []
    for b, row in enumerate(rows):
        prompt = batch.prompts[row.group]
        at = len(prompt)
        ids[b, :at], positions[b, :at], segment[b, :at] = prompt, np.arange(at), 0
        for i, rollout in enumerate(row.rollouts):
            first, last = int(batch.start[rollout]), int(batch.start[rollout + 1])
            end = at + last - first
            ids[b, at:end] = batch.completion[first:last]
            positions[b, at:end] = np.arange(len(prompt), len(prompt) + last - first)
            segment[b, at:end] = i + 1
            # The prompt's last position predicts the first token of every completion.
            here = np.arange(at - 1, end - 1)
            here[0] = len(prompt) - 1
            source.append(b * shape[1] + here)
            token.append(np.arange(first, last))
            at = end
        positions[b, at:] = np.arange(at, shape[1])
    tokens = np.concatenate(token)
    owner = np.searchsorted(batch.start, tokens, side="right") - 1
    single = all(len(row.rollouts) == 1 for row in rows)
    return MicroBatch(
        ids_BL=torch.from_numpy(ids),
        positions_BL=torch.from_numpy(positions),
        mask_B1LL=None if single else sibling_mask(torch.from_numpy(segment)),
        source_T=torch.from_numpy(np.concatenate(source)),
        target_T=torch.from_numpy(batch.completion[tokens]),
        token_T=torch.from_numpy(tokens),
        sampler_T=torch.from_numpy(batch.logprobs[tokens]),
        advantage_T=torch.from_numpy(batch.advantage[owner].astype(np.float32)),
        weight_T=torch.from_numpy(batch.weight[owner].astype(np.float32)),
        temperature_T=torch.from_numpy(batch.temperature[owner].astype(np.float32)),
        tokens_real=int((segment != PADDING).sum()),
    )


def sibling_mask(segment_BL: torch.Tensor) -> torch.Tensor:
    """[B, 1, L, L]: a position sees earlier ones of the prompt (segment 0) and of its own segment, itself included.

    Padding sees the prompt and itself, so that no row of the softmax is empty; nothing looks at padding.
    """
    length = segment_BL.shape[1]
    causal_LL = torch.ones(length, length, dtype=torch.bool).tril()
    own_BLL = segment_BL[:, :, None] == segment_BL[:, None, :]
    prompt_B1L = (segment_BL == 0)[:, None, :]
    return ((own_BLL | prompt_B1L) & causal_LL)[:, None]
