"""Log-probabilities of given tokens from hidden states, without ever holding logits of the whole batch.

Forward and backward go over the tokens in chunks; the backward pass computes each chunk's logits again. With logits z,
p = softmax(z / t): d log p_y / d z_j = (1[j = y] - p_j) / t.

Shape suffixes: T tokens, C tokens of one chunk, H width, V vocabulary.
"""

from typing import Any

import torch

LOGITS_PER_CHUNK = 1 << 25  # 128 MB of fp32


def token_logprobs(
    hidden_TH: torch.Tensor,
    head_VH: torch.Tensor,
    bias_V: torch.Tensor | None,
    target_T: torch.Tensor,
    temperature_T: torch.Tensor,
    chunk: int = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Natural log-probability of each target at its temperature, and the entropy there (without gradient), fp32 [T].

    chunk: tokens at a time; 0 chooses by vocabulary. The matrix products run in hidden's dtype, the rest in fp32.
    """
    chunk = chunk or max(1, LOGITS_PER_CHUNK // head_VH.shape[0])
    return _TokenLogprobs.apply(hidden_TH, head_VH, bias_V, target_T, temperature_T, chunk)


def _logits(hidden_CH: torch.Tensor, head_VH: torch.Tensor, bias_V: Any, temperature_C: torch.Tensor) -> torch.Tensor:
    logits_CV = (hidden_CH @ head_VH.T).float()
    if bias_V is not None:
        logits_CV = logits_CV + bias_V.float()
    return logits_CV.div_(temperature_C[:, None])


class _TokenLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_TH: torch.Tensor,
        head_VH: torch.Tensor,
        bias_V: torch.Tensor | None,
        target_T: torch.Tensor,
        temperature_T: torch.Tensor,
        chunk: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        ctx.save_for_backward(hidden_TH, head_VH, bias_V, target_T, temperature_T)
        ctx.chunk = chunk
        head = head_VH.to(hidden_TH.dtype)
        logprob_T = torch.empty(len(target_T), dtype=torch.float32, device=hidden_TH.device)
        entropy_T = torch.empty_like(logprob_T)
        for at in range(0, len(target_T), chunk):
            part = slice(at, at + chunk)
            logits_CV = _logits(hidden_TH[part], head, bias_V, temperature_T[part])
            total_C = torch.logsumexp(logits_CV, dim=-1)
            logprob_T[part] = logits_CV.gather(1, target_T[part, None])[:, 0] - total_C
            p_CV = torch.exp(logits_CV - total_C[:, None])
            entropy_T[part] = total_C - p_CV.mul_(logits_CV).sum(-1)
        ctx.mark_non_differentiable(entropy_T)
        return logprob_T, entropy_T

    @staticmethod
    def backward(ctx: Any, grad_T: torch.Tensor, _entropy: Any) -> tuple[Any, ...]:
        hidden_TH, head_VH, bias_V, target_T, temperature_T = ctx.saved_tensors
        head = head_VH.to(hidden_TH.dtype)
        grad_hidden = torch.empty_like(hidden_TH)
        grad_head = torch.zeros_like(head_VH, dtype=torch.float32)
        grad_bias = None if bias_V is None else torch.zeros_like(bias_V, dtype=torch.float32)
        for at in range(0, len(target_T), ctx.chunk):
            part = slice(at, at + ctx.chunk)
            scale_C = grad_T[part] / temperature_T[part]
            slope_CV = torch.softmax(_logits(hidden_TH[part], head, bias_V, temperature_T[part]), dim=-1).neg_()
            slope_CV.scatter_add_(1, target_T[part, None], torch.ones_like(scale_C)[:, None])
            slope_CV.mul_(scale_C[:, None])
            if grad_bias is not None:
                grad_bias += slope_CV.sum(0)
            slope_CV = slope_CV.to(hidden_TH.dtype)
            grad_hidden[part] = slope_CV @ head
            grad_head += (slope_CV.T @ hidden_TH[part]).float()
        grad_head = grad_head.to(head_VH.dtype)
        return grad_hidden, grad_head, grad_bias, None, None, None
