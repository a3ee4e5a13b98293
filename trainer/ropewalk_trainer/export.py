"""weights/000042: a Hugging Face folder that vLLM and transformers load, STABLE last.

Always untied: engines that reload tied weights mix old and new ones, so the head is written out as a tensor of its own
and the config says so, whatever form the model is trained in.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from transformers.core_model_loading import revert_weight_conversion

from ropewalk_trainer import durable, probe
from ropewalk_trainer.batch import Batch
from ropewalk_trainer.failure import InputError
from ropewalk_trainer.model import Policy

STABLE = "STABLE"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
SHARD_BYTES = 4 << 30

# Copied from the model's folder as they are.
_TOKENIZER_FILES = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
    "*.tiktoken",
    "chat_template*",
)

# Sampling defaults that engines would silently apply to requests, bending what is sampled away from the policy.
_SAMPLING_KEYS = frozenset(
    "do_sample temperature top_k top_p min_p typical_p repetition_penalty length_penalty no_repeat_ngram_size".split()
)


def static_files(source: Path, dtype: str, architecture: str) -> dict[str, bytes]:
    """What every export of a run shares: config, generation config, tokenizer. Raises InputError."""
    config = _json(source / "config.json")
    config.pop("torch_dtype", None)
    config |= {"tie_word_embeddings": False, "dtype": dtype}
    config.setdefault("architectures", [architecture])
    generation_path = source / "generation_config.json"
    generation = _json(generation_path) if generation_path.is_file() else _token_ids(config)
    generation = {k: v for k, v in generation.items() if k not in _SAMPLING_KEYS}
    files = {"config.json": _encode(config), "generation_config.json": _encode(generation)}
    for pattern in _TOKENIZER_FILES:
        for path in sorted(source.glob(pattern)):
            if path.is_file():
                files[path.name] = path.read_bytes()
    return files


def _token_ids(config: dict[str, Any]) -> dict[str, Any]:
    return {k: config[k] for k in ("bos_token_id", "eos_token_id", "pad_token_id") if config.get(k) is not None}


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as err:
        raise InputError(f"{path}: {err}") from err
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object")
    return value


def _encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def tensors(policy: Policy, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The state dict in the export's dtype under Hugging Face's names, head written out even if tied."""
    state = {name: value.detach() for name, value in policy.module.state_dict().items()}
    state = revert_weight_conversion(policy.module, state)
    rounded = {name: value.to("cpu", dtype).contiguous() for name, value in state.items()}
    if policy.tied:
        embedding = policy.module.get_input_embeddings().weight.detach()
        rounded["lm_head.weight"] = embedding.to("cpu", dtype, copy=True).contiguous()
    return rounded


def shards(named: dict[str, torch.Tensor], limit: int = SHARD_BYTES) -> dict[str, dict[str, torch.Tensor]]:
    """Tensors by file name, each file at most `limit` bytes unless one tensor is larger."""
    parts: list[dict[str, torch.Tensor]] = [{}]
    size = 0
    for name in sorted(named):
        if parts[-1] and size + named[name].nbytes > limit:
            parts.append({})
            size = 0
        parts[-1][name] = named[name]
        size += named[name].nbytes
    if len(parts) == 1:
        return {"model.safetensors": parts[0]}
    return {f"model-{i + 1:05d}-of-{len(parts):05d}.safetensors": part for i, part in enumerate(parts)}


def _index(files: dict[str, dict[str, torch.Tensor]]) -> bytes:
    where = {name: file for file, part in files.items() for name in part}
    size = sum(t.nbytes for part in files.values() for t in part.values())
    return _encode({"metadata": {"total_size": size}, "weight_map": where})


@dataclass(slots=True)
class Exporter:
    """Exports versions of one policy into RUN/weights.

    source: model.path, for config and tokenizer. dtype: model.dtype. seed, context: for the probe.
    """

    weights: Path
    source: Path
    policy: Policy
    dtype: str
    seed: int
    context: int
    static: dict[str, bytes] = field(init=False)
    prompts: list[dict[str, Any]] = field(init=False)
    digests: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.static = static_files(self.source, self.dtype, type(self.policy.module).__name__)
        self.prompts = probe.prompts(self.source)
        self.digests = {name: hashlib.sha256(content).hexdigest() for name, content in self.static.items()}

    def path(self, version: int) -> Path:
        return self.weights / durable.number(version)

    def export(self, version: int, batch: Batch | None = None) -> list[str]:
        """Publishes the policy as `version`; batch is the one that made it, for the probe.

        An export that is already STABLE is kept, for engines may serve it: then the result names the weight files
        in which it differs from the policy (none, if the replay was exact).
        """
        dtype = DTYPES[self.dtype]
        parts = shards(tensors(self.policy, dtype))
        if (self.path(version) / STABLE).is_file():
            return self._differing(version, parts)
        ids = probe.sequences(self.policy.vocabulary, self.context, self.seed, version, batch)
        proof = probe.make(self.policy, dtype, version, ids) | {"prompts": self.prompts}

        def fill(folder: Path) -> dict[str, str]:
            return self._fill(folder, parts, _encode(proof))

        durable.publish(self.path(version), STABLE, {"version": version}, fill)
        return []

    def _fill(self, folder: Path, parts: dict[str, dict[str, torch.Tensor]], proof: bytes) -> dict[str, str]:
        digests = {}
        files = {"probe.json": proof}
        if len(parts) > 1:
            files["model.safetensors.index.json"] = _index(parts)
        for name, content in files.items():
            durable.write(folder / name, content)
            digests[name] = hashlib.sha256(content).hexdigest()
        for name, content in self.static.items():
            self._share(folder / name, content)
            digests[name] = self.digests[name]
        for name, part in parts.items():
            safetensors.torch.save_file(part, folder / name, {"format": "pt"})
            durable.sync(folder / name)
            digests[name] = durable.sha256(folder / name)
        return digests

    def _share(self, path: Path, content: bytes) -> None:
        """A link to version 0's copy where that is known to be the same: no bytes to write, none to fsync."""
        if self._first().get(path.name) == self.digests[path.name]:
            try:
                os.link(self.path(0) / path.name, path)
                return
            except OSError:  # a file system without links
                pass
        durable.write(path, content)

    def _first(self) -> dict[str, str]:
        """sha256 by name of version 0's files; empty while there is no version 0."""
        return stable_digests(self.path(0))

    def _differing(self, version: int, parts: dict[str, dict[str, torch.Tensor]]) -> list[str]:
        known = stable_digests(self.path(version))
        found = {
            n: hashlib.sha256(safetensors.torch.save(part, {"format": "pt"})).hexdigest() for n, part in parts.items()
        }
        return [name for name, digest in found.items() if known.get(name) != digest]

    def prune(self, keep: int, checkpoint: int) -> None:
        """Deletes exports beyond the newest `keep`, never version 0 and never one a resume from `checkpoint` needs."""
        versions = [v for v in durable.numbered(self.weights, STABLE) if v != 0]
        for version in versions[: -max(1, keep)]:
            if version < checkpoint:
                durable.remove(self.path(version))


def stable_digests(folder: Path) -> dict[str, str]:
    """sha256 by file name from a folder's STABLE; empty if it has none."""
    path = folder / STABLE
    return durable.digests(path) if path.is_file() else {}
