"""What the tests train: tiny Qwen3 models made from a config, and batches written as docs/formats.md says."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import yaml
from transformers import Qwen3Config, Qwen3ForCausalLM

from ropewalk_trainer import durable, model
from ropewalk_trainer.batch import Batch
from ropewalk_trainer.manifest import Identity
from ropewalk_trainer.tiny import write_tokenizer

VOCABULARY = 37
IDENTITY = Identity("test-run", "abc123")
CPU = torch.device("cpu")


def model_folder(folder: Path, *, tied: bool, seed: int = 0, width: int = 32, layers: int = 2) -> Path:
    """A Hugging Face folder with a tokenizer file, a generation config that bends sampling, and random weights."""
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=width // 4,
        max_position_embeddings=128,
        tie_word_embeddings=tied,
        initializer_range=0.2,
        eos_token_id=1,
    )
    module = Qwen3ForCausalLM(config)
    module.save_pretrained(folder)
    write_tokenizer(folder)
    generation = {"eos_token_id": 1, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "do_sample": True}
    (folder / "generation_config.json").write_text(json.dumps(generation))
    return folder


def policy(folder: Path, *, tied: bool = True, seed: int = 0) -> model.Policy:
    return model.load(model_folder(folder, tied=tied, seed=seed), CPU)


@dataclass
class Rows:
    """A batch under construction: one dict of column values per row."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def groups(self) -> list[int]:
        return list(dict.fromkeys(row["group_id"] for row in self.rows))


SCHEMA = pa.schema(
    [
        (name, kind)
        for name, kind in {
            "rollout_id": pa.string(),
            "group_id": pa.int64(),
            "problem_id": pa.string(),
            "dataset": pa.string(),
            "kind": pa.string(),
            "round": pa.int32(),
            "slot": pa.int32(),
            "prompt_ids": pa.list_(pa.int32()),
            "completion_ids": pa.list_(pa.int32()),
            "logprobs": pa.list_(pa.float32()),
            "advantage": pa.float64(),
            "weight": pa.float64(),
            "reward": pa.float64(),
            "reward_parts": pa.string(),
            "status": pa.string(),
            "finish_reason": pa.string(),
            "version_oldest": pa.int32(),
            "version_newest": pa.int32(),
            "temperature": pa.float64(),
            "parent_ids": pa.list_(pa.string()),
        }.items()
    ]
)


def rows(
    seed: int = 0,
    groups: int = 5,
    size: int = 4,
    prompt: tuple[int, int] = (2, 12),
    completion: tuple[int, int] = (1, 9),
    number: int = 0,
) -> Rows:
    """Random rollouts; lengths are drawn from the half-open ranges given. One row in seven has weight 0."""
    draw = np.random.default_rng(seed)
    made = []
    for g in range(groups):
        prompt_ids = draw.integers(0, VOCABULARY, draw.integers(*prompt)).tolist()
        for slot in range(size):
            length = int(draw.integers(*completion))
            reward = float(draw.integers(0, 2))
            made.append(
                {
                    "rollout_id": f"g{g:06d}/{slot}",
                    "group_id": g,
                    "problem_id": f"p{g}",
                    "dataset": "test",
                    "kind": "direct",
                    "round": 0,
                    "slot": slot,
                    "prompt_ids": prompt_ids,
                    "completion_ids": draw.integers(0, VOCABULARY, length).tolist(),
                    "logprobs": (-3 - draw.random(length)).astype(np.float32).tolist(),
                    "advantage": float(draw.normal()),
                    "weight": 0.0 if (g * size + slot) % 7 == 6 else 1.0 + slot % 2,
                    "reward": reward,
                    "reward_parts": "{}",
                    "status": "scored",
                    "finish_reason": "stop",
                    "version_oldest": number,
                    "version_newest": number,
                    "temperature": 1.0 + 0.25 * (g % 3),
                    "parent_ids": [],
                }
            )
    return Rows(made)


def write(
    folder: Path,
    r: Rows,
    *,
    identity: Identity = IDENTITY,
    table: Callable[[pa.Table], pa.Table] = lambda t: t,
    manifest: dict[str, Any] | None = None,
    file: Callable[[bytes], bytes] = lambda b: b,
) -> Path:
    """Writes a batch. table, manifest and file damage it: the table before it is written, keys of the manifest, and
    the file's bytes after its checksum has been taken."""
    number = int(folder.name)
    trained = [row for row in r.rows if row["weight"] != 0]
    counts = {"tokens": sum(len(row["completion_ids"]) for row in trained), "sequences": len(trained)}
    meta = {
        "ropewalk.schema": "1",
        "ropewalk.run": identity.run,
        "ropewalk.batch": str(number),
        "ropewalk.config_hash": identity.config_hash,
        "ropewalk.estimator": "rloo",
        "ropewalk.estimator_constants": "{}",
        "ropewalk.denominators": json.dumps(counts),
        "ropewalk.simulated": "false",
    }
    made = table(pa.Table.from_pylist(r.rows, schema=SCHEMA).replace_schema_metadata(meta))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, made.schema) as writer:
        writer.write_table(made)
    content = sink.getvalue().to_pybytes()
    entry = {
        "schema": 1,
        "run": identity.run,
        "batch": number,
        "config_hash": identity.config_hash,
        "file": "batch.arrow",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "rows": made.num_rows,
        "groups": r.groups,
        "dropped": [],
        "next_group": 1000,
        "planner": {},
        "version_oldest": number,
        "version_newest": number,
        "prompt_tokens": 1,
        "completion_tokens": counts["tokens"],
        "total_completion_tokens": counts["tokens"],
        "estimator": {"name": "rloo", "constants": {}},
        "denominators": counts,
        "simulated": False,
    }
    entry.update(manifest or {})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "batch.arrow").write_bytes(file(content))
    durable.replace(folder / "manifest.json", json.dumps(entry).encode())
    return folder


def batch(folder: Path, r: Rows | None = None, **kwargs: Any) -> Batch:
    """Random rows (or those given) as the trainer reads them."""
    from ropewalk_trainer import batch as batches

    return batches.read(write(folder / "000000", r or rows(**kwargs)), VOCABULARY)


def run_folder(folder: Path, source: Path, *, steps: int = 4, **trainer: Any) -> Path:
    """A run folder with its config.yaml; trainer.* keys by keyword."""
    settings = {"device": "cpu", "threads": 1, "lr": 1e-3, "checkpoint_every": 2, "warmup": 1, **trainer}
    dtype = settings.pop("dtype", "float32")
    config = {
        "run": {"dir": str(folder), "seed": 7, "steps": steps, "stall": "1m0s", "give_up": "20s", "tokens": 0},
        "model": {"path": str(source), "dtype": dtype},
        "sampling": {"temperature": 1, "max_tokens": 8, "top_p": 1, "top_k": 0},
        "engine": {"kind": "small", "context": 128},
        "trainer": settings,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def write_batches(folder: Path, count: int, first: int = 0) -> None:
    for number in range(first, count):
        write(folder / "batches" / f"{number:06d}", rows(seed=number, number=number))
