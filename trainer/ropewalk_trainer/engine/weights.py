"""A Hugging Face folder as the matrices the forward pass wants.

Three things are done to the weights once, so that they need not be done for every token:

- each RMS norm's scale (and the square root of its width) is multiplied into the matrix that follows it;
- query, key and value projections become one matrix, and so do gate and up;
- within each head of queries and keys the dimensions are reordered so that the two halves of a rotation lie side
  by side: rotary embedding is then one complex product. Scores do not change, both sides being permuted alike.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

FAMILIES = ("qwen3", "qwen2", "llama")
ALIGN = 16  # fp32 lanes of the widest vector unit in use; see model
HINT = "the small engine serves dense Qwen3, Qwen2 and Llama models; use vLLM for others"


def align(n: int) -> int:
    """n rounded up to a multiple of ALIGN."""
    return -(-n // ALIGN) * ALIGN


class ModelError(ValueError):
    """A folder that cannot be served: names the folder and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What must not change from one load to the next."""

    family: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    positions: int
    theta: float
    epsilon: float

    @property
    def kv_bytes(self) -> int:
        """Bytes of cache per token, fp32."""
        return self.layers * 2 * self.kv_heads * self.head_dim * 4


@dataclass(frozen=True, slots=True)
class Layer:
    """One block. Matrices are stored [in, out], fp32, contiguous."""

    qkv_HN: torch.Tensor  # N = (heads + 2 kv_heads) * head_dim
    qkv_bias_N: torch.Tensor | None
    qk_norm_KD: torch.Tensor | None  # scale per query and key head, K = heads + kv_heads; None without q/k norm
    out_NH: torch.Tensor
    gate_up_HI: torch.Tensor  # gate beside up
    down_IH: torch.Tensor


@dataclass(frozen=True, slots=True)
class Weights:
    """A model ready to run."""

    shape: Shape
    embedding_VH: torch.Tensor
    layers: tuple[Layer, ...]
    head_HV: torch.Tensor
    rotation_LC: torch.Tensor  # complex64 [aligned positions, head_dim / 2]
    floor_width: torch.Tensor  # root of width epsilon, see model.normed
    floor_head: torch.Tensor  # root of head_dim epsilon

    @property
    def parameters(self) -> int:
        per_layer = sum(m.numel() for m in (self.layers[0].qkv_HN, self.layers[0].out_NH, self.layers[0].gate_up_HI))
        return self.embedding_VH.numel() + len(self.layers) * (per_layer + self.layers[0].down_IH.numel())


def read_shape(folder: Path, positions: int = 0) -> Shape:
    """Shape of the model in folder, its context cut to positions if those are not 0. Raises ModelError."""
    try:
        config = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError) as err:
        raise ModelError(f"{folder}/config.json: {err}") from err
    family = config.get("model_type")
    if family not in FAMILIES:
        raise ModelError(f"{folder}/config.json: model_type {family!r}; {HINT}")
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    _refuse(folder, config, rope)
    try:
        heads = config["num_attention_heads"]
        longest = config["max_position_embeddings"]
        shape = Shape(
            family=family,
            layers=config["num_hidden_layers"],
            width=config["hidden_size"],
            heads=heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            head_dim=config.get("head_dim") or config["hidden_size"] // heads,
            intermediate=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            positions=positions or longest,
            theta=float(rope.get("rope_theta") or config.get("rope_theta") or 10000.0),
            epsilon=float(config.get("rms_norm_eps", 1e-6)),
        )
    except KeyError as err:
        raise ModelError(f"{folder}/config.json: key {err} is missing") from err
    if shape.positions > longest:
        raise ModelError(f"{folder}: --max-model-len {positions}, but the model was made for {longest} positions")
    return shape


def _refuse(folder: Path, config: dict, rope: dict) -> None:
    """Architectures that look alike but compute something else."""
    odd = []
    if rope.get("rope_type", rope.get("type", "default")) != "default":
        odd.append(f"rotary embedding of type {rope.get('rope_type', rope.get('type'))!r}")
    if config.get("hidden_act", "silu") != "silu":
        odd.append(f"hidden_act {config['hidden_act']!r}")
    if config.get("use_sliding_window") or set(config.get("layer_types") or ["full_attention"]) != {"full_attention"}:
        odd.append("sliding-window layers")
    if config.get("partial_rotary_factor", 1) != 1 or rope.get("partial_rotary_factor", 1) != 1:
        odd.append("partial rotary embedding")
    if odd:
        raise ModelError(f"{folder}/config.json: {', '.join(odd)}; {HINT}")


class _Source:
    """The tensors of a folder by name, each taken once and checked."""

    def __init__(self, folder: Path, rounded: torch.dtype) -> None:
        self.folder = folder
        self.rounded = rounded
        self.files: dict[str, Path] = {}
        names = sorted(folder.glob("*.safetensors"))
        if not names:
            raise ModelError(f"{folder}: no *.safetensors file there")
        for path in names:
            try:
                with safe_open(path, "pt") as file:
                    self.files.update(dict.fromkeys(file.keys(), path))
            except (SafetensorError, OSError) as err:
                raise ModelError(f"{path}: {err}") from err
        self.taken: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def take(self, name: str, *size: int) -> torch.Tensor:
        """A copy of a tensor, fp32 after rounding to the asked dtype. Raises ModelError."""
        if name not in self.files:
            raise ModelError(f"{self.folder}: tensor {name} is missing")
        try:
            with safe_open(self.files[name], "pt") as file:
                found = file.get_tensor(name)
        except (SafetensorError, OSError) as err:
            raise ModelError(f"{self.files[name]}: {name}: {err}") from err
        if found.shape != size:
            raise ModelError(f"{self.files[name]}: {name} is {list(found.shape)}, expected {list(size)}")
        copy = found.to(self.rounded).to(torch.float32, copy=True)
        if not torch.isfinite(copy).all():
            raise ModelError(f"{self.files[name]}: {name} holds numbers that are not finite")
        self.taken.add(name)
        return copy

    def take_if_there(self, name: str, *size: int) -> torch.Tensor | None:
        return self.take(name, *size) if name in self.files else None

    def finish(self) -> None:
        """Tensors nobody asked for mean another architecture."""
        left = [n for n in self.files if n not in self.taken and not n.endswith("rotary_emb.inv_freq")]
        if left:
            raise ModelError(f"{self.folder}: unknown tensors {sorted(left)[:4]}; {HINT}")


def load(folder: Path, positions: int = 0, rounded: torch.dtype = torch.float32) -> Weights:
    """Reads the model in folder whole, or raises ModelError. The files may be deleted afterwards.

    positions: context length to serve, 0 for the model's own. rounded: weights pass through this dtype; the
    arithmetic is always fp32.
    """
    shape = read_shape(folder, positions)
    source = _Source(folder, rounded)
    embedding_VH = source.take("model.embed_tokens.weight", shape.vocabulary, shape.width)
    layers = tuple(_layer(shape, source, f"model.layers.{i}.") for i in range(shape.layers))
    scale_H = source.take("model.norm.weight", shape.width) * math.sqrt(shape.width)
    head_VH = embedding_VH
    if json.loads((folder / "config.json").read_text()).get("tie_word_embeddings", False):
        source.taken.add("lm_head.weight")
    else:
        head_VH = source.take("lm_head.weight", shape.vocabulary, shape.width)
    source.finish()
    return Weights(
        shape,
        embedding_VH,
        layers,
        _fold(head_VH, scale_H),
        _rotation(shape),
        torch.tensor(math.sqrt(shape.width * shape.epsilon)),
        torch.tensor(math.sqrt(shape.head_dim * shape.epsilon)),
    )


def _layer(shape: Shape, source: _Source, at: str) -> Layer:
    width, dim = shape.width, shape.head_dim
    first_H = source.take(at + "input_layernorm.weight", width) * math.sqrt(width)
    second_H = source.take(at + "post_attention_layernorm.weight", width) * math.sqrt(width)
    normed = at + "self_attn.q_norm.weight" in source
    parts, biases, norms = [], [], []
    for name, heads in (("q", shape.heads), ("k", shape.kv_heads), ("v", shape.kv_heads)):
        interleave: Callable = _interleave if name != "v" else lambda t, _: t
        # Scores are divided by the root of the head size: queries carry that factor.
        scale = dim**-0.5 if name == "q" else 1.0
        plain = scale if not normed else 1.0
        weight = source.take(f"{at}self_attn.{name}_proj.weight", heads * dim, width)
        parts.append(interleave(weight, dim) * plain)
        bias = source.take_if_there(f"{at}self_attn.{name}_proj.bias", heads * dim)
        biases.append(interleave(bias, dim) * plain if bias is not None else torch.zeros(heads * dim))
        if normed and name != "v":
            norm_D = source.take(f"{at}self_attn.{name}_norm.weight", dim) * (scale * math.sqrt(dim))
            norms.append(interleave(norm_D, dim).expand(heads, dim))
    bias_N = torch.cat(biases)
    return Layer(
        qkv_HN=_fold(torch.cat(parts), first_H),
        qkv_bias_N=bias_N if bias_N.any() else None,
        qk_norm_KD=torch.cat(norms).contiguous() if norms else None,
        out_NH=_fold(source.take(at + "self_attn.o_proj.weight", width, shape.heads * dim)),
        gate_up_HI=_fold(
            torch.cat([source.take(f"{at}mlp.{n}_proj.weight", shape.intermediate, width) for n in ("gate", "up")]),
            second_H,
        ),
        down_IH=_fold(source.take(at + "mlp.down_proj.weight", width, shape.intermediate)),
    )


def _fold(weight_NH: torch.Tensor, scale_H: torch.Tensor | None = None) -> torch.Tensor:
    """[out, in] as contiguous [in, out], the norm's scale multiplied in."""
    return (weight_NH if scale_H is None else weight_NH * scale_H).t().contiguous()


def _interleave(rows: torch.Tensor, dim: int) -> torch.Tensor:
    """Reorders rows within heads of size dim: 0, dim/2, 1, dim/2 + 1, …"""
    return rows.reshape(-1, 2, dim // 2, *rows.shape[1:]).transpose(1, 2).reshape(rows.shape)


def _rotation(shape: Shape) -> torch.Tensor:
    """exp(i position theta^(-2j/D)), computed as transformers does, in fp32 angles."""
    exponent_C = torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim
    angle_LC = torch.arange(align(shape.positions), dtype=torch.float32)[:, None] * (1.0 / shape.theta**exponent_C)
    return torch.polar(torch.ones_like(angle_LC), angle_LC)


def same_model(old: Weights, new: Weights) -> str:
    """Why new cannot take old's place while sequences live in the cache, "" if it can."""
    if old.shape == new.shape:
        return ""
    names = [n for n in Shape.__slots__ if getattr(old.shape, n) != getattr(new.shape, n)]
    return ", ".join(f"{n} {getattr(new.shape, n)} instead of {getattr(old.shape, n)}" for n in names)
