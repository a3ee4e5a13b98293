"""A differentiable forward pass for training tiny dense models on a CPU, over a transformers module's own parameters.

At a width of 96 transformers spends most of a step outside the matrix products, in element-wise
passes over activations. Here norms' scales are multiplied into the matrices that follow (which are small), rotation is
one complex product, and the last layer computes only the positions whose output is asked for. Tests hold results and
gradients to transformers'.

Shapes: B rows of T tokens, S asked positions, H width, N heads, K key heads, D head size.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention, silu

FAMILIES = ("qwen3", "qwen2", "llama")


class _Normed(torch.autograd.Function):
    """x / root mean square of x over the last dimension: two passes forward and three backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, epsilon: float) -> Tensor:
        width = x.shape[-1]
        floor = x.new_tensor(math.sqrt(width * epsilon))
        inverse = math.sqrt(width) / torch.hypot(torch.linalg.vector_norm(x, dim=-1, keepdim=True), floor)
        y = x * inverse
        ctx.save_for_backward(y, inverse)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        y, inverse = ctx.saved_tensors
        along = torch.linalg.vecdot(grad, y).unsqueeze(-1) / y.shape[-1]
        return torch.addcmul(grad, y, along, value=-1).mul_(inverse), None


def rotation(module: Any, length: int) -> Tensor:
    """exp(i position theta^(-2j/D)) as complex64 [T, 1, D/2], for half-split heads."""
    inverse_C = module.model.rotary_emb.inv_freq.float()
    angle_TC = torch.arange(length, dtype=torch.float32)[:, None] * inverse_C
    return torch.polar(torch.ones_like(angle_TC), angle_TC)[:, None]


def hidden(module: Any, ids_BT: Tensor, first: int) -> Tensor:
    """Final hidden states [B, S, H] of positions first.. of rows without left padding, ready for the output head.

    module is a transformers causal model of FAMILIES. Right padding is harmless: attention is causal.
    """
    config = module.config
    layers = module.model.layers
    x_BTH = module.model.embed_tokens(ids_BT)
    turn_T1C = rotation(module, ids_BT.shape[1])
    for i, layer in enumerate(layers):
        x_BTH = _block(layer, config, x_BTH, turn_T1C, first if i == len(layers) - 1 else 0)
    return _Normed.apply(x_BTH, config.rms_norm_eps) * module.model.norm.weight


def _block(layer: Any, config: Any, x_BTH: Tensor, turn_T1C: Tensor, first: int) -> Tensor:
    """One transformer block; its output starts at position first."""
    attention, epsilon = layer.self_attn, config.rms_norm_eps
    n, k, d = config.num_attention_heads, config.num_key_value_heads, attention.head_dim
    b, t, _ = x_BTH.shape
    y_BTH = _Normed.apply(x_BTH, epsilon)
    scale_H = layer.input_layernorm.weight
    kv_BTJD = _project(y_BTH, scale_H, attention.k_proj, attention.v_proj).view(b, t, 2 * k, d)
    key_BTKD = _turn(_head_norm(kv_BTJD[:, :, :k], getattr(attention, "k_norm", None), epsilon), turn_T1C)
    query_BSND = _project(y_BTH[:, first:], scale_H, attention.q_proj).view(b, t - first, n, d)
    query_BSND = _turn(_head_norm(query_BSND, getattr(attention, "q_norm", None), epsilon), turn_T1C[first:])
    mask_ST = torch.ones(t - first, t, dtype=torch.bool).tril_(first) if first else None
    mixed_BNSD = scaled_dot_product_attention(
        query_BSND.transpose(1, 2),
        _spread(key_BTKD, n // k),
        _spread(kv_BTJD[:, :, k:], n // k),
        attn_mask=mask_ST,
        is_causal=mask_ST is None,
    )
    x_BSH = x_BTH[:, first:] + attention.o_proj(mixed_BNSD.transpose(1, 2).reshape(b, t - first, n * d))
    y_BSH = _Normed.apply(x_BSH, epsilon)
    gate, up = _project(y_BSH, layer.post_attention_layernorm.weight, layer.mlp.gate_proj, layer.mlp.up_proj).chunk(
        2, -1
    )
    return x_BSH + layer.mlp.down_proj(silu(gate) * up)


def _project(y: Tensor, scale_H: Tensor, *maps: Any) -> Tensor:
    """Several linear maps of a normed input as one product."""
    weight = torch.cat([m.weight for m in maps]) * scale_H
    bias = torch.cat([m.bias for m in maps]) if maps[0].bias is not None else None
    return linear(y, weight, bias)


def _head_norm(x: Tensor, norm: Any, epsilon: float) -> Tensor:
    return x if norm is None else _Normed.apply(x, epsilon) * norm.weight


def _turn(x_BTND: Tensor, turn_T1C: Tensor) -> Tensor:
    """Rotary embedding of half-split heads, as pairs of real and imaginary parts. Scores do not mind the order."""
    pairs = x_BTND.unflatten(-1, (2, -1)).transpose(-1, -2).contiguous()
    return torch.view_as_real(torch.view_as_complex(pairs) * turn_T1C).flatten(-2)


def _spread(x_BTKD: Tensor, group: int) -> Tensor:
    """Key heads repeated for their queries, [B, N, T, D]."""
    return x_BTKD.transpose(1, 2).repeat_interleave(group, 1)
