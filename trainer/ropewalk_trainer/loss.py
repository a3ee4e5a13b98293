"""Losses as pure functions of flat tensors [T], one entry per completion token.

A loss gives the unnormalised loss of each token; `total` weighs, sums and divides by a count of the whole batch, never
of a micro-batch, so that any split into micro-batches gives the same gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

# exp() of a log-ratio beyond this carries no information and would overflow.
LOG_RATIO_BOUND = 20.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """new_T: the trainer's log-probabilities, with gradient. sampler_T: those of the engine that sampled.
    reference_T: those of the reference model, None without a KL term."""

    new_T: torch.Tensor
    sampler_T: torch.Tensor
    advantage_T: torch.Tensor
    weight_T: torch.Tensor
    reference_T: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The constants of trainer.* that losses use."""

    ratio_cap: float = 2.0
    clip_low: float = 0.2
    clip_high: float = 0.2
    kl: float = 0.0


@dataclass(frozen=True, slots=True)
class PerToken:
    """loss_T with gradient; clipped_T: bool, where truncation or clipping changed the gradient."""

    loss_T: torch.Tensor
    clipped_T: torch.Tensor


def log_ratio(new_T: torch.Tensor, old_T: torch.Tensor) -> torch.Tensor:
    """Bounded new - old."""
    return (new_T - old_T).clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)


def policy_gradient(tokens: Tokens, settings: Settings) -> PerToken:
    """-sg(min(r, ratio_cap)) A log π, r = π/μ: REINFORCE with a truncated importance ratio (Espeholt et al. 2018)."""
    ratio_T = log_ratio(tokens.new_T.detach(), tokens.sampler_T).exp()
    loss_T = -ratio_T.clamp(max=settings.ratio_cap) * tokens.advantage_T * tokens.new_T
    return PerToken(loss_T, ratio_T > settings.ratio_cap)


def ppo(tokens: Tokens, settings: Settings) -> PerToken:
    """-min(r A, clip(r, 1 - clip_low, 1 + clip_high) A) (Schulman et al. 2017; unequal clips: DAPO, Yu et al. 2025).

    The old policy is the sampler: one ratio does both jobs, with no further importance weight.
    """
    ratio_T = log_ratio(tokens.new_T, tokens.sampler_T).exp()
    low, high = 1 - settings.clip_low, 1 + settings.clip_high
    plain_T = ratio_T * tokens.advantage_T
    loss_T = -torch.minimum(plain_T, ratio_T.clamp(low, high) * tokens.advantage_T)
    up_T = (tokens.advantage_T > 0) & (ratio_T > high)
    down_T = (tokens.advantage_T < 0) & (ratio_T < low)
    return PerToken(loss_T, up_T | down_T)


LOSSES: dict[str, Callable[[Tokens, Settings], PerToken]] = {"pg": policy_gradient, "ppo": ppo}


def k3(log_r_T: torch.Tensor) -> torch.Tensor:
    """r - 1 - log r ≥ 0: with x drawn from q and r = p/q, an unbiased estimate of KL(q‖p) (Schulman 2020)."""
    bounded_T = log_r_T.clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)
    return torch.expm1(bounded_T) - bounded_T


def total(name: str, tokens: Tokens, settings: Settings, denominator: float) -> tuple[torch.Tensor, PerToken]:
    """Σ weight × (loss + kl × k3) / denominator over the tokens given, and the parts. denominator counts the batch."""
    parts = LOSSES[name](tokens, settings)
    loss_T = parts.loss_T
    if tokens.reference_T is not None:
        loss_T = loss_T + settings.kl * k3(tokens.reference_T - tokens.new_T)
    return (loss_T * tokens.weight_T).sum() / denominator, parts


def denominator(normalise: str, tokens: int, sequences: int, max_tokens: int) -> float:
    """What the summed loss is divided by. Counts are of the whole batch; an empty one divides by 1.

    tokens: trained completion tokens. constant: sequences × max_tokens (Dr. GRPO, Liu et al. 2025).
    """
    counts = {"tokens": tokens, "constant": sequences * max_tokens}
    return float(max(1, counts[normalise]))
