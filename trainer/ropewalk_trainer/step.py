"""One optimiser step over a batch: micro-batches forward and backward, then a single update, with its metrics."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ropewalk_trainer import loss as losses
from ropewalk_trainer import pack
from ropewalk_trainer.batch import Batch
from ropewalk_trainer.config import Config
from ropewalk_trainer.loss import Tokens
from ropewalk_trainer.model import Policy
from ropewalk_trainer.optim import Optimizer

Metrics = dict[str, float | int]

# Sums over trained tokens of one micro-batch, in the order of _sums.
_SUMS = ("tokens", "kl_sampler_trainer", "entropy", "ratio_mean", "clip_fraction", "kl_reference")


@dataclass(frozen=True, slots=True)
class Learner:
    """All that a step needs beside the batch. reference: the frozen initial weights, None without a KL term."""

    policy: Policy
    reference: Policy | None
    optimizer: Optimizer
    config: Config

    @property
    def limits(self) -> pack.Limits:
        t = self.config.trainer
        return pack.Limits(t.micro_tokens, t.share_prefix, self.policy.attention_scale)

    @property
    def settings(self) -> losses.Settings:
        t = self.config.trainer
        return losses.Settings(t.ratio_cap, t.clip_low, t.clip_high, t.kl)


def train(learner: Learner, batch: Batch, step: int, between: Callable[[], None] = lambda: None) -> Metrics:
    """Takes step number `step` (from 0). `between` is called before each micro-batch and may raise to abandon the step.

    Nothing has moved when it raises.
    """
    learner.optimizer.clear()
    metrics = accumulate(learner, batch, pack.pack(batch, learner.limits), between)
    skipped = learner.optimizer.skipped
    metrics["grad_norm"], metrics["lr"] = learner.optimizer.apply(step)
    metrics["steps_skipped"] = learner.optimizer.skipped
    metrics["skipped"] = int(learner.optimizer.skipped > skipped)
    return metrics


def accumulate(
    learner: Learner, batch: Batch, micros: list[pack.MicroBatch], between: Callable[[], None] = lambda: None
) -> Metrics:
    """Adds the gradient of the whole batch, given packed, to the parameters; the metrics known before the update."""
    c = learner.config
    divisor = losses.denominator(
        c.trainer.normalise, batch.denominator_tokens, batch.denominator_sequences, c.sampling.max_tokens
    )
    sums = torch.zeros(len(_SUMS) + 1, dtype=torch.float64)
    peaks = torch.zeros(2, dtype=torch.float64)
    for micro in micros:
        between()
        loss, part, peak = _micro(learner, micro.to(learner.policy.device), divisor)
        loss.backward()
        sums += torch.cat([loss.detach().reshape(1).double(), part]).cpu()
        peaks = torch.maximum(peaks, peak.cpu())
    return {
        "loss": float(sums[0]),
        **_reward_metrics(batch),
        **_token_metrics(sums[1:], peaks, learner.reference is not None),
        "tokens_real": sum(m.tokens_real for m in micros),
        "tokens_capacity": sum(m.tokens_capacity for m in micros),
        "micro_batches": len(micros),
    }


def _micro(learner: Learner, micro: pack.MicroBatch, divisor: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(loss with gradient, sums over tokens, maxima over tokens) of one micro-batch."""
    reference_T = None
    if learner.reference is not None:
        with torch.no_grad():
            reference_T, _ = learner.reference.logprobs(micro)
    new_T, entropy_T = learner.policy.logprobs(micro)
    tokens = Tokens(new_T, micro.sampler_T, micro.advantage_T, micro.weight_T, reference_T)
    loss, parts = losses.total(learner.config.trainer.loss, tokens, learner.settings, divisor)
    with torch.no_grad():
        log_r_T = losses.log_ratio(new_T, micro.sampler_T)
        ratio_T, kl_T = log_r_T.exp(), losses.k3(log_r_T)
        kl_reference_T = torch.zeros_like(new_T) if reference_T is None else losses.k3(reference_T - new_T)
        columns = [torch.ones_like(new_T), kl_T, entropy_T, ratio_T, parts.clipped_T.float(), kl_reference_T]
        sums = torch.stack([column.sum(dtype=torch.float64) for column in columns])
        peaks = torch.stack([kl_T.max(), ratio_T.max()]).double()
    return loss, sums, peaks


def _token_metrics(sums: torch.Tensor, peaks: torch.Tensor, with_reference: bool) -> Metrics:
    """Means over all trained tokens of the batch, from sums over micro-batches: never a mean of means."""
    count = max(1.0, float(sums[0]))
    means = {name: float(value) / count for name, value in zip(_SUMS[1:], sums[1:], strict=True)}
    if not with_reference:
        del means["kl_reference"]
    return {
        **means,
        "kl_sampler_trainer_max": float(peaks[0]),
        "ratio_max": float(peaks[1]),
        "tokens_trained": int(sums[0]),
    }


def _reward_metrics(batch: Batch) -> Metrics:
    """Over all rows of the batch; the deviation is the population's."""
    if len(batch.rollout_ids) == 0:
        return {"reward": 0.0, "reward_std": 0.0, "advantage_min": 0.0, "advantage_max": 0.0, "sequences": 0}
    return {
        "reward": float(batch.reward.mean()),
        "reward_std": float(batch.reward.std()),
        "advantage_min": float(batch.advantage.min()),
        "advantage_max": float(batch.advantage.max()),
        "sequences": len(batch.rollout_ids),
    }
