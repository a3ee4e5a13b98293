"""The trainer's loop.

    RUN/batches/000042/manifest.json   written by the coordinator; waited for, up to run.give_up
            |
        batch.read        refuses what could not have been sampled
        step.train        version 42 -> version 43, in memory
        Exporter.export   RUN/weights/000043, STABLE last: now the coordinator and its workers go on
        checkpoint.save   every checkpoint_every steps and at the end
            |
    RUN/batches/000043/manifest.json …

The loop ends after run.steps steps, when batches/END says how many there are, or on SIGTERM. Killed at any moment it
resumes from its newest complete checkpoint and replays the batches after it, which are still on disk; on the CPU the
replay gives the same bits.
"""

import fcntl
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import torch

from ropewalk_trainer import batch as batches
from ropewalk_trainer import checkpoint, config, durable, manifest, metrics, model, optim, step
from ropewalk_trainer.batch import Batch
from ropewalk_trainer.checkpoint import State
from ropewalk_trainer.config import Config
from ropewalk_trainer.export import STABLE, Exporter
from ropewalk_trainer.failure import ConfigError, InputError
from ropewalk_trainer.manifest import Identity
from ropewalk_trainer.metrics import say
from ropewalk_trainer.waiting import Patience, Stop, Stopped, wait_for

END = "END"


@dataclass(frozen=True, slots=True)
class Options:
    """steps: instead of run.steps; None keeps it. once_available: train what is there and end."""

    run: Path
    steps: int | None = None
    once_available: bool = False


def main(options: Options, stop: Stop) -> None:
    """Trains until the run ends or stop is requested. Raises TrainerError."""
    c = config.read(options.run / "config.yaml")
    patience = Patience(c.run.stall.seconds, c.run.give_up.seconds)
    with (options.run / "trainer.lock").open("w") as lock:
        try:
            wait_for("another trainer to let go of this run folder", lambda: _locked(lock), stop, patience)
        except Stopped:
            return
        run = Run(options, c, stop, patience)
        run.train()


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def device_of(c: Config) -> torch.device:
    """trainer.device resolved, the CPU made deterministic and bounded to trainer.threads."""
    name = c.trainer.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("trainer.device: cuda, but PyTorch sees no CUDA device", "set trainer.device to auto or cpu")
    if c.trainer.threads:
        torch.set_num_threads(c.trainer.threads)
    if name == "cpu":
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # it costs time and hides nothing here
    return torch.device(name)


class Run:
    """One run folder, loaded and ready to go on."""

    def __init__(self, options: Options, c: Config, stop: Stop, patience: Patience) -> None:
        self.dir, self.config, self.stop, self.patience = options.run, c, stop, patience
        self.steps = options.steps or c.run.steps
        self.once_available = options.once_available
        self.checkpoints = self.dir / "checkpoints"
        torch.manual_seed(c.run.seed & (2**63 - 1))
        device = device_of(c)
        compute = torch.bfloat16 if device.type == "cuda" and c.model.dtype == "bfloat16" else torch.float32
        source = Path(c.model.path)
        policy = model.load(source, device, compute)
        weights = self.dir / "weights"
        self.exporter = Exporter(weights, source, policy, c.model.dtype, c.run.seed, c.engine.context)
        optimizer = optim.Optimizer(policy.parameters(), c.trainer, self.steps)
        self.learner = step.Learner(policy, None, optimizer, c)
        self.identity: Identity | None = None
        self.step = 0
        _sweep(weights)
        _sweep(self.checkpoints)
        self._resume()
        if c.trainer.kl > 0:
            reference = model.load(self.exporter.path(0), device, compute)
            reference.module.requires_grad_(False)
            self.learner = step.Learner(policy, reference, optimizer, c)
        self.log = metrics.Log(self.dir / "metrics" / "trainer.jsonl", self.step)

    def _resume(self) -> None:
        """Loads the newest complete checkpoint, if any, and makes sure that its version is exported."""
        newest = checkpoint.newest(self.checkpoints)
        if newest is None:
            self._export(0, None)
            return
        folder = self.checkpoints / durable.number(newest)
        state = checkpoint.restore(folder, self.learner.policy, self.learner.optimizer)
        self.step, self.identity = state.step, state.identity
        say(f"resumed at step {self.step} from {folder}")
        if not (self.exporter.path(self.step) / STABLE).is_file():
            self._export(self.step, self._read(self.step - 1) if self.step else None)

    def train(self) -> None:
        """The loop of this module's heading."""
        try:
            while self.step < self.steps and self.stop.requested is None:
                waited = self._wait()
                if waited is None:
                    break
                self._one(waited)
        except Stopped:
            say(f"stopped after step {self.step}; a resume goes on from here")
        self._save()

    def _wait(self) -> float | None:
        """Seconds until the next batch was there; None if there will be none."""
        folder = self._folder(self.step)
        ready, end = folder / manifest.NAME, self.dir / "batches" / END
        if self.once_available and not ready.exists():
            return None
        waited = wait_for(
            f"the coordinator's {ready}", lambda: ready.exists() or end.exists(), self.stop, self.patience
        )
        if not ready.exists() and end.exists() and self.step >= _ended(end):
            return None
        # END promises batches that are not here yet: they come, or the wait fails.
        return waited + wait_for(f"{ready}, which {end} promises", ready.exists, self.stop, self.patience)

    def _one(self, waited: float) -> None:
        """One step: read, train, export, log, perhaps checkpoint."""
        begin = time.monotonic()
        batch = self._read(self.step)
        if batch.simulated:
            self._warn_simulated()
        self.identity = batch.identity
        record = step.train(self.learner, batch, self.step, self.stop.check)
        self.step += 1
        trained = time.monotonic()
        self._export(self.step, batch)
        exported = time.monotonic()
        line = {
            "step": self.step,
            "batch": batch.number,
            "time": time.time(),
            **record,
            "seconds_wait": waited,
            "seconds_step": trained - begin,
            "seconds_export": exported - trained,
            "tokens_per_second": record["tokens_real"] / (trained - begin),
        }
        self.log.append(line)
        say(metrics.summary(line, self.steps))
        self._warn(line)
        if self.step % self.config.trainer.checkpoint_every == 0:
            self._save()

    def _folder(self, number: int) -> Path:
        return self.dir / "batches" / durable.number(number)

    def _read(self, number: int) -> Batch:
        return batches.read(self._folder(number), self.learner.policy.vocabulary, self.identity)

    def _export(self, version: int, batch: Batch | None) -> None:
        differing = self.exporter.export(version, batch)
        if differing:
            say(
                f"WARNING: replaying gave other weights than {self.exporter.path(version)} holds "
                f"({', '.join(differing)}); the exported ones are kept. On CUDA this is rounding; on a CPU the "
                "hardware, the thread count or the PyTorch build changed"
            )
        newest = checkpoint.newest(self.checkpoints)
        if newest is not None:
            self.exporter.prune(self.config.trainer.keep_weights, newest)

    def _save(self) -> None:
        """A checkpoint of the current step; none of step 0, which version 0 already is."""
        if self.step == 0:
            return
        state = State(self.step, self.learner.optimizer.skipped, self.identity)
        folder = self.checkpoints / durable.number(self.step)
        checkpoint.save(folder, self.learner.policy, self.learner.optimizer, state)
        checkpoint.prune(self.checkpoints, self.config.trainer.keep_checkpoints)

    def _warn(self, m: dict[str, float]) -> None:
        if m["skipped"]:
            say(
                f"WARNING: step {m['step']}: gradient norm is {m['grad_norm']}: the weights were not changed "
                f"({m['steps_skipped']} such steps so far); try a smaller trainer.lr"
            )
        bound, found = self.config.trainer.mismatch_warn, m["kl_sampler_trainer"]
        if not found <= bound:
            say(
                f"WARNING: step {m['step']}: sampler and trainer disagree by {found:.3g} nats per token "
                f"(trainer.mismatch_warn is {bound:g}): the engine may serve other weights, another tokenizer or "
                "temperature, truncated sampling (top_p, top_k), or a coarser dtype than the trainer's"
            )

    def _warn_simulated(self) -> None:
        say("WARNING: this batch is of the simulated engine: what is trained on it means nothing")


def _ended(end: Path) -> int:
    """The number of batches of the run, from batches/END."""
    try:
        count = json.loads(end.read_bytes())["batches"]
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise InputError(f'{end}: expected {{"batches": n}}: {err!r}') from err
    if not isinstance(count, int):
        raise InputError(f'{end}: expected {{"batches": n}}, found {count!r}')
    return count


def _sweep(folder: Path) -> None:
    """Removes what a kill left half-written."""
    if folder.is_dir():
        for left in folder.glob(".tmp-*"):
            shutil.rmtree(left)
