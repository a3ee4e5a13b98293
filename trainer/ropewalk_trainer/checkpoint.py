"""checkpoints/000042: all that training needs to go on as if it had never stopped, COMPLETE last.

model.safetensors (fp32, tied or untied as trained), optimizer.safetensors (moments by parameter name), state.json.
Safetensors rather than pickles: a checkpoint is data, loading it runs nothing.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch

from ropewalk_trainer import durable
from ropewalk_trainer.failure import InputError
from ropewalk_trainer.manifest import Identity
from ropewalk_trainer.model import Policy
from ropewalk_trainer.optim import Optimizer

COMPLETE = "COMPLETE"
MODEL, OPTIMIZER, STATE = "model.safetensors", "optimizer.safetensors", "state.json"


@dataclass(frozen=True, slots=True)
class State:
    """step: steps taken, which is the version of the weights. identity: the run, None before its first batch."""

    step: int
    skipped: int
    identity: Identity | None


def save(folder: Path, policy: Policy, optimizer: Optimizer, state: State) -> None:
    """Publishes a checkpoint in `folder`. One that is COMPLETE already is kept."""
    if (folder / COMPLETE).is_file():
        return
    identity = state.identity
    facts = {
        "step": state.step,
        "skipped": state.skipped,
        "run": identity.run if identity else None,
        "config_hash": identity.config_hash if identity else None,
    }
    model = {name: p.detach().contiguous() for name, p in policy.parameters().items()}

    def fill(temp: Path) -> dict[str, str]:
        safetensors.torch.save_file(model, temp / MODEL)
        safetensors.torch.save_file(optimizer.state(), temp / OPTIMIZER)
        (temp / STATE).write_text(json.dumps(facts) + "\n")
        for name in (MODEL, OPTIMIZER, STATE):
            durable.sync(temp / name)
        return {name: durable.sha256(temp / name) for name in (MODEL, OPTIMIZER, STATE)}

    durable.publish(folder, COMPLETE, {"step": state.step}, fill)


def newest(checkpoints: Path) -> int | None:
    """The step of the newest complete checkpoint."""
    steps = durable.numbered(checkpoints, COMPLETE)
    return steps[-1] if steps else None


def restore(folder: Path, policy: Policy, optimizer: Optimizer) -> State:
    """Loads a checkpoint, bit for bit. Raises InputError if a file is not the one that was saved."""
    for name, digest in durable.digests(folder / COMPLETE).items():
        if not (folder / name).is_file() or durable.sha256(folder / name) != digest:
            raise InputError(
                f"{folder / name}: not the file that was saved", f"remove {folder} to resume from an older one"
            )
    saved = safetensors.torch.load_file(folder / MODEL)
    parameters = policy.parameters()
    if {n: t.shape for n, t in saved.items()} != {n: p.shape for n, p in parameters.items()}:
        raise InputError(
            f"{folder / MODEL}: other parameters than the model's", "model.path must be that of the run's start"
        )
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(saved[name])
    optimizer.restore(safetensors.torch.load_file(folder / OPTIMIZER))
    facts = json.loads((folder / STATE).read_bytes())
    optimizer.skipped = facts["skipped"]
    identity = Identity(facts["run"], facts["config_hash"]) if facts["run"] is not None else None
    return State(facts["step"], facts["skipped"], identity)


def prune(checkpoints: Path, keep: int) -> None:
    """Deletes all but the newest `keep`."""
    for step in durable.numbered(checkpoints, COMPLETE)[: -max(1, keep)]:
        durable.remove(checkpoints / durable.number(step))
