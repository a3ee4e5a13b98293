"""The forward pass: prompts in chunks, then one token for every live sequence at once.

Shapes: R rows decoding, P prompts of T tokens, H width, N heads, K key heads, G = N / K, D head size, L cached length.

Lengths are padded to multiples of ALIGN, so that a softmax over L cached positions adds the same numbers in the same
lanes whatever L is (the padding contributes exact zeros); and no product has fewer than ROWS rows, for which linear
algebra libraries take other paths than for more (one row everywhere, up to three on some processors). See the package's
promise of independence.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad, silu

from .weights import ALIGN, Layer, Shape, Weights, align

SCORE_BYTES = 64 << 20  # attention scores of one prompt's chunk
ROWS = 8  # of a matrix product, at least


def product(x_MA: Tensor, weight_AB: Tensor, onto_MB: Tensor | None = None) -> Tensor:
    """x weight, or onto + x weight, [M, B]: each row the same to the bit whatever M is."""
    m = len(x_MA)
    if m < ROWS:
        x_MA = pad(x_MA, (0, 0, 0, ROWS - m))
        onto_MB = None if onto_MB is None else pad(onto_MB, (0, 0, 0, ROWS - m))
    y_MB = torch.mm(x_MA, weight_AB) if onto_MB is None else torch.addmm(onto_MB, x_MA, weight_AB)
    return y_MB[:m]


def chunk_size(shape: Shape, start: int) -> int:
    """Tokens of the prompt chunk that begins at start: a function of the position only."""
    size = 512
    while size > ALIGN and shape.heads * size * (start + size) * 4 > SCORE_BYTES:
        size //= 2
    return size


class Cache:
    """Keys and values of every slot, zeroed, touched (and so backed by memory) only where used.

    One slot more than asked: the scratch row that keeps single sequences company.
    """

    def __init__(self, shape: Shape, slots: int) -> None:
        self.slots = slots
        self.length = align(shape.positions)
        heads, dim = shape.kv_heads, shape.head_dim
        # numpy asks the system for zeroed pages; torch.zeros would write, and so occupy, all of them.
        store = np.zeros((shape.layers, 2, slots + 1, heads, self.length, dim), np.float32)
        self.store = torch.from_numpy(store)
        self.keys = [layer[0].view(-1, self.length, dim) for layer in self.store]  # [slots K, L, D]
        self.values = [layer[1].view(-1, self.length, dim) for layer in self.store]
        self.flat = [layer.view(-1, dim) for layer in self.store]
        # Row in flat of position 0, for each slot and each of its key heads then value heads.
        key_SK = torch.arange((slots + 1) * heads).view(slots + 1, heads) * self.length
        self.first_SJ = torch.cat([key_SK, key_SK + (slots + 1) * heads * self.length], 1)

    def copy(self, source: int, first: int, end: int, length: int) -> None:
        """Copies the first length positions of slot source to slots first..end-1."""
        self.store[:, :, first:end, :, :length] = self.store[:, :, source : source + 1, :, :length]


def normed(x: Tensor, floor: Tensor) -> Tensor:
    """x / root of (sum of squares + floor squared) over the last dimension: an RMS norm less its scale.

    floor squared is width times epsilon; the weights hold the root of the width (see weights).
    """
    return x / torch.hypot(torch.linalg.vector_norm(x, dim=-1, keepdim=True), floor)


def block(weights: Weights, layer: Layer, x_MH: Tensor, rotation_M1C: Tensor, attend: Callable) -> Tensor:
    """One transformer block over M tokens. attend([M, N, D] queries, [M, 2K, D] keys and values) -> [M, N D]."""
    shape = weights.shape
    m, n, k, d = len(x_MH), shape.heads, shape.kv_heads, shape.head_dim
    qkv = product(normed(x_MH, weights.floor_width), layer.qkv_HN)
    if layer.qkv_bias_N is not None:
        qkv += layer.qkv_bias_N
    qkv_MJD = qkv.view(m, n + 2 * k, d)
    qk_MJD = qkv_MJD[:, : n + k]
    if layer.qk_norm_KD is not None:
        qk_MJD = normed(qk_MJD, weights.floor_head) * layer.qk_norm_KD
    turned = torch.view_as_complex(qk_MJD.unflatten(-1, (d // 2, 2))) * rotation_M1C
    qk_MJD = torch.view_as_real(turned).flatten(-2)
    kv_MJD = torch.cat([qk_MJD[:, n:], qkv_MJD[:, n + k :]], 1)
    x_MH = product(attend(qk_MJD[:, :n], kv_MJD), layer.out_NH, x_MH)
    gate_MI, up_MI = product(normed(x_MH, weights.floor_width), layer.gate_up_HI).chunk(2, 1)
    return product(silu(gate_MI).mul_(up_MI), layer.down_IH, x_MH)


def logits(weights: Weights, x_MH: Tensor) -> Tensor:
    """Logits [M, V] of final hidden states."""
    return product(normed(x_MH, weights.floor_width), weights.head_HV)


def decode(weights: Weights, cache: Cache, ids_R: Tensor, position_R: Tensor, length: int) -> Tensor:
    """Logits [R, V] after one more token in slots 0..R-1, R >= 2, each at its own position, all below length."""
    shape = weights.shape
    rows, k, d = len(ids_R), shape.kv_heads, shape.head_dim
    g = shape.heads // k
    length = align(length)
    flat_RJ = (cache.first_SJ[:rows] + position_R[:, None]).view(-1)
    seen_RL = torch.arange(length) <= position_R[:, None]
    mask_R11L = torch.zeros(rows, length).masked_fill_(~seen_RL, -torch.inf)[:, None, None]
    rotation_R1C = weights.rotation_LC[position_R][:, None]
    x_RH = weights.embedding_VH[ids_R]
    for i, layer in enumerate(weights.layers):

        def attend(q_RND: Tensor, kv_RJD: Tensor, i: int = i) -> Tensor:
            cache.flat[i].index_copy_(0, flat_RJ, kv_RJD.view(-1, d))
            keys, values = cache.keys[i][: rows * k, :length], cache.values[i][: rows * k, :length]
            scores = torch.bmm(q_RND.reshape(rows * k, g, d), keys.transpose(1, 2))
            scores.view(rows, k, g, length).add_(mask_R11L)
            return torch.bmm(scores.softmax(-1), values).view(rows, k * g * d)

        x_RH = block(weights, layer, x_RH, rotation_R1C, attend)
    return logits(weights, x_RH)


def prefill(weights: Weights, cache: Cache, ids_PT: Tensor, slot: int, start: int) -> Tensor:
    """Final hidden states [P, T, H] of T tokens from position start on, in slots slot..slot+P-1.

    What padding at the end of a row leaves in the cache is overwritten before anything attends to it.
    """
    shape = weights.shape
    (p, t), k, d = ids_PT.shape, shape.kv_heads, shape.head_dim
    g, end = shape.heads // k, start + t
    mask_TL = torch.full((t, end), -torch.inf).triu_(start + 1)
    rotation_M1C = weights.rotation_LC[start:end].repeat(p, 1)[:, None]
    x_MH = weights.embedding_VH[ids_PT.flatten()]
    for i, layer in enumerate(weights.layers):

        def attend(q_MND: Tensor, kv_MJD: Tensor, i: int = i) -> Tensor:
            fresh = kv_MJD.view(p, t, 2, k, d).permute(2, 0, 3, 1, 4)
            cache.store[i, :, slot : slot + p, :, start:end] = fresh
            keys = cache.keys[i][slot * k : (slot + p) * k, :end]
            values = cache.values[i][slot * k : (slot + p) * k, :end]
            q = q_MND.view(p, t, k, g, d).permute(0, 2, 3, 1, 4).reshape(p * k, g * t, d)
            scores = torch.bmm(q, keys.transpose(1, 2))
            scores.view(p * k, g, t, end).add_(mask_TL)
            mixed = torch.bmm(scores.softmax(-1), values)
            return mixed.view(p, k, g, t, d).permute(0, 3, 1, 2, 4).reshape(p * t, k * g * d)

        x_MH = block(weights, layer, x_MH, rotation_M1C, attend)
    return x_MH.view(p, t, -1)
