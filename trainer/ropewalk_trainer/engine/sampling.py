"""Drawing tokens: one uniform number per (seed, token index), inverted through the distribution.

Counting instead of carrying generator state makes a sample a function of its seed alone: it may be restarted, moved
to another row or drawn beside any others. One number decides one token by inverting the cumulative distribution, in
float64; a difference of 1e-7 in the probabilities then changes a token once in some millions.
"""

import numpy as np
import torch
from torch import Tensor

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_A, _B, _C, _MANTISSA = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def _mix(z: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014), on uint64."""
    z = (z ^ (z >> _A)) * _FIRST
    z = (z ^ (z >> _B)) * _SECOND
    return z ^ (z >> _C)


def uniform(seeds: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) for uint64 seeds and token indexes (int64, from 0), float64, elementwise."""
    stream = _mix(seeds + _GAMMA)
    return (_mix(stream + (index.astype(np.uint64) + np.uint64(1)) * _GAMMA) >> _MANTISSA) * 2.0**-53


def draw(
    logits_RV: Tensor, inverse_R1: Tensor, uniform_R: np.ndarray, greedy_R: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Tokens (int64 [R]) and their log-probabilities (float32 [R]) at temperature 1 / inverse.

    greedy_R marks rows that take the likeliest token instead; None when there are none.
    """
    logprob_RV = (logits_RV * inverse_R1).log_softmax(-1)
    mass_RV = logprob_RV.exp().cumsum(-1, dtype=torch.float64)
    aim_R1 = torch.from_numpy(uniform_R)[:, None] * mass_RV[:, -1:]
    # The first token whose cumulative mass exceeds the aim; one without mass is never that.
    ids_R1 = torch.searchsorted(mass_RV, aim_R1, right=True).clamp_(max=logits_RV.shape[1] - 1)
    if greedy_R is not None:
        ids_R1 = torch.where(greedy_R[:, None], logits_RV.argmax(-1, keepdim=True), ids_R1)
    return ids_R1[:, 0], logprob_RV.gather(1, ids_R1)[:, 0]
