"""The part of RUN/config.yaml that the trainer needs, read strictly.

The coordinator writes the resolved configuration; names, meanings and defaults are those of its sections run, model,
sampling, engine and trainer (rollout/config). Sections and keys of no interest here are left to the coordinator's own
check, except in `model` and `trainer`, where an unknown key is an error.
"""

import dataclasses
import difflib
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ropewalk_trainer.failure import ConfigError


@dataclass(frozen=True, slots=True)
class Duration:
    """A time span, written as Go writes it (`1m30s`) or as whole nanoseconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    seed: int = 1  # root of everything random
    steps: int = 0  # trainer steps of the run, at least 1
    stall: Duration = Duration(60.0)  # after so long without news, say who is waited for
    give_up: Duration = Duration(1800.0)  # after so long without news, fail


@dataclass(frozen=True, slots=True)
class Model:
    path: str = ""  # Hugging Face folder of the initial weights
    dtype: str = "bfloat16"  # of exports: float32 | bfloat16


@dataclass(frozen=True, slots=True)
class Sampling:
    temperature: float = 1.0
    max_tokens: int = 2048  # per completion; the constant of normalise: constant


@dataclass(frozen=True, slots=True)
class Engine:
    context: int = 32768  # tokens, prompt and completion together


@dataclass(frozen=True, slots=True)
class Trainer:
    start: bool = True  # for the coordinator: whether it starts the trainer
    python: str = ""  # for the coordinator: with which interpreter
    device: str = "auto"  # auto | cpu | cuda
    threads: int = 0  # CPU threads; 0 leaves it to PyTorch

    loss: str = "pg"  # pg | ppo, see loss.py
    ratio_cap: float = 2.0  # pg: importance ratio truncated above this
    clip_low: float = 0.2  # ppo: lower clip 1 - clip_low
    clip_high: float = 0.2  # ppo: upper clip 1 + clip_high
    kl: float = 0.0  # coefficient of the KL to the reference (version 0)
    normalise: str = "tokens"  # tokens | constant

    lr: float = 1e-6
    schedule: str = "constant"  # constant | cosine
    warmup: int = 0  # steps
    min_lr: float = 0.1  # cosine's end, as a share of lr
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.01
    grad_clip: float = 1.0  # global norm; 0 for none
    micro_tokens: int = 16384  # tokens of one forward pass
    share_prefix: bool = True  # compute a group's prompt once for all its completions
    checkpoint_every: int = 10  # steps
    keep_checkpoints: int = 2
    keep_weights: int = 3  # newest exports kept beside version 0
    mismatch_warn: float = 0.01  # nats per token


@dataclass(frozen=True, slots=True)
class Config:
    run: Run = field(default_factory=Run)
    model: Model = field(default_factory=Model)
    sampling: Sampling = field(default_factory=Sampling)
    engine: Engine = field(default_factory=Engine)
    trainer: Trainer = field(default_factory=Trainer)


STRICT_SECTIONS = frozenset({"model", "trainer"})

CHOICES = {
    "model.dtype": ("float32", "bfloat16"),
    "trainer.device": ("auto", "cpu", "cuda"),
    "trainer.loss": ("pg", "ppo"),
    "trainer.normalise": ("tokens", "constant"),
    "trainer.schedule": ("constant", "cosine"),
}

# key -> (lowest, highest) accepted, both included.
RANGES = {
    "run.steps": (1, math.inf),
    "sampling.temperature": (1e-3, 100.0),
    "sampling.max_tokens": (1, math.inf),
    "engine.context": (2, math.inf),
    "trainer.threads": (0, 4096),
    "trainer.ratio_cap": (1.0, math.inf),
    "trainer.clip_low": (0.0, 1.0),
    "trainer.clip_high": (0.0, math.inf),
    "trainer.kl": (0.0, math.inf),
    "trainer.lr": (0.0, 10.0),
    "trainer.warmup": (0, math.inf),
    "trainer.min_lr": (0.0, 1.0),
    "trainer.beta1": (0.0, 0.999999),
    "trainer.beta2": (0.0, 0.999999),
    "trainer.weight_decay": (0.0, 10.0),
    "trainer.grad_clip": (0.0, math.inf),
    "trainer.micro_tokens": (1, math.inf),
    "trainer.checkpoint_every": (1, math.inf),
    "trainer.keep_checkpoints": (1, math.inf),
    "trainer.keep_weights": (1, math.inf),
    "trainer.mismatch_warn": (0.0, math.inf),
}

MAX_CONFIG_BYTES = 1 << 20


def read(path: Path) -> Config:
    """Reads RUN/config.yaml. Raises ConfigError naming file and key."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as err:
        raise ConfigError(f"{path}: {err.strerror}", "--run names the run folder that `ropewalk train` made") from err
    if len(text) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_CONFIG_BYTES} bytes, not a configuration")
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise ConfigError(f"{path}: not YAML: {err}") from err
    return parse(raw, str(path))


def parse(raw: Any, source: str) -> Config:
    """Builds a Config from the decoded YAML; `source` names the file in errors."""
    if not isinstance(raw, dict):
        raise ConfigError(f"{source}: expected sections (run, model, trainer, …), found {type(raw).__name__}")
    sections = {f.name: _section(f.type, f.name, raw.get(f.name), source) for f in dataclasses.fields(Config)}
    return Config(**sections)


def _section(cls: Any, name: str, raw: Any, source: str) -> Any:
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise ConfigError(f"{source}: {name}: expected a section, found {type(raw).__name__}")
    fields = {f.name: f for f in dataclasses.fields(cls)}
    if name in STRICT_SECTIONS:
        for key in raw:
            if key not in fields:
                near = difflib.get_close_matches(str(key), fields, n=1)
                hint = f"did you mean {name}.{near[0]}?" if near else f"known keys: {', '.join(fields)}"
                raise ConfigError(f"{source}: unknown key {name}.{key}", hint)
    values = {}
    for key, spec in fields.items():
        if key in raw:
            values[key] = _value(spec.type, raw[key], f"{source}: {name}.{key}")
        _check_value(f"{name}.{key}", values.get(key, spec.default), source)
    return cls(**values)


def _value(kind: Any, found: Any, where: str) -> Any:
    """Converts one YAML value to the field's type, or says what was expected and found."""
    if kind is Duration:
        return _duration(found, where)
    if kind is float and isinstance(found, int | float | str) and not isinstance(found, bool):
        # YAML 1.1 reads 1e-06, as Go writes it, as a string.
        try:
            return float(found)
        except ValueError:
            pass
    elif kind is int and isinstance(found, int) and not isinstance(found, bool):
        return found
    elif kind in (str, bool) and isinstance(found, kind):
        return found
    elif kind is str and found is None:
        return ""
    expected = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}[kind]
    raise ConfigError(f"{where}: expected {expected}, found {found!r}")


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)")


def _duration(found: Any, where: str) -> Duration:
    if found == "0" or (isinstance(found, int) and not isinstance(found, bool)):
        return Duration(int(found) * 1e-9)
    if isinstance(found, str):
        parts = _PART.findall(found)
        if parts and "".join(n + u for n, u in parts) == found:
            return Duration(sum(float(n) * _UNITS[u] for n, u in parts))
    raise ConfigError(f"{where}: expected a duration such as 90s or 1m30s, found {found!r}")


def _check_value(key: str, value: Any, source: str) -> None:
    if key in CHOICES and value not in CHOICES[key]:
        near = difflib.get_close_matches(str(value), CHOICES[key], n=1)
        hint = f"did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{source}: {key}: expected one of {', '.join(CHOICES[key])}, found {value!r}", hint)
    if key in RANGES:
        low, high = RANGES[key]
        if not low <= value <= high:  # NaN fails too
            bound = f"at least {low}" if high == math.inf else f"{low} to {high}"
            raise ConfigError(f"{source}: {key}: expected {bound}, found {value}")
