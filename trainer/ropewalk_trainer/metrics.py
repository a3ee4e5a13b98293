"""metrics/trainer.jsonl: one JSON line per step, and one line on stderr for people."""

import json
import math
import sys
from pathlib import Path
from typing import Any

from ropewalk_trainer import durable


class Log:
    """Appends one line per step. `step` is the version made, so a run resumed from step s keeps lines up to s."""

    def __init__(self, path: Path, resumed: int) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            durable.replace(path, b"".join(_kept(path.read_bytes(), resumed)))

    def append(self, record: dict[str, Any]) -> None:
        """Writes the record in one go. What is not finite becomes null, for JSON has no such numbers."""
        clean = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
        with self.path.open("ab") as file:
            file.write(json.dumps(clean).encode() + b"\n")


def _kept(content: bytes, resumed: int) -> list[bytes]:
    """Whole lines of steps up to `resumed`; a line cut short by a kill is of a later step or gone."""
    kept = []
    for line in content.splitlines(keepends=True):
        try:
            step = json.loads(line)["step"]
        except (ValueError, KeyError, TypeError):
            continue
        if line.endswith(b"\n") and step <= resumed:
            kept.append(line)
    return kept


def say(message: str) -> None:
    """One line on stderr."""
    print(f"trainer: {message}", file=sys.stderr, flush=True)


def summary(m: dict[str, Any], steps: int) -> str:
    """The line of one step."""
    return (
        f"step {m['step']}/{steps} loss {m['loss']:+.4f} reward {m['reward']:.3f} entropy {m['entropy']:.3f} "
        f"kl {m['kl_sampler_trainer']:.1e} grad {m['grad_norm']:.3g} lr {m['lr']:.2e} "
        f"{m['tokens_per_second']:,.0f} tok/s wait {m['seconds_wait']:.2f}s step {m['seconds_step']:.2f}s "
        f"export {m['seconds_export']:.2f}s"
    )
