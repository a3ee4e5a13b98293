"""batches/000042/manifest.json: the ledger entry of a batch, checked before Arrow sees a byte of its file."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ropewalk_trainer.failure import InputError

SCHEMA = 1
NAME = "manifest.json"
MAX_MANIFEST_BYTES = 64 << 20

_KEYS: dict[str, type] = {
    "run": str,
    "batch": int,
    "config_hash": str,
    "file": str,
    "bytes": int,
    "sha256": str,
    "rows": int,
    "groups": list,
    "version_oldest": int,
    "version_newest": int,
    "estimator": dict,
    "denominators": dict,
    "simulated": bool,
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Which run a batch belongs to."""

    run: str
    config_hash: str


@dataclass(frozen=True, slots=True)
class Manifest:
    identity: Identity
    batch: int
    file: str  # plain name beside the manifest
    bytes: int
    sha256: str
    rows: int
    groups: tuple[int, ...]  # ids, ascending
    tokens: int  # loss denominator: completion tokens of rows whose weight is not 0
    sequences: int  # number of such rows
    simulated: bool


def read(folder: Path) -> Manifest:
    """Reads and checks a manifest. Raises InputError naming file and key."""
    path = folder / NAME
    try:
        with path.open("rb") as file:
            text = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as err:
        raise InputError(f"{path}: {err.strerror}") from err
    if len(text) > MAX_MANIFEST_BYTES:
        raise InputError(f"{path}: larger than {MAX_MANIFEST_BYTES} bytes, not a manifest")
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise InputError(f"{path}: not JSON: {err}") from err
    return _parse(raw, path)


def _parse(raw: Any, path: Path) -> Manifest:
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        found = raw.get("schema") if isinstance(raw, dict) else type(raw).__name__
        raise InputError(f"{path}: schema: expected {SCHEMA}, found {found!r}", "trainer and coordinator must match")
    for key, kind in _KEYS.items():
        if not isinstance(raw.get(key), kind) or (kind is int and isinstance(raw[key], bool)):
            raise InputError(f"{path}: {key}: expected {kind.__name__}, found {raw.get(key)!r}")
    if Path(raw["file"]).name != raw["file"] or raw["file"].startswith("."):
        raise InputError(f"{path}: file: expected a plain file name, found {raw['file']!r}")
    counts = raw["denominators"]
    for key in ("tokens", "sequences"):
        if not isinstance(counts.get(key), int):
            raise InputError(f"{path}: denominators.{key}: expected int, found {counts.get(key)!r}")
    if not all(isinstance(g, int) for g in raw["groups"]):
        raise InputError(f"{path}: groups: expected whole numbers")
    return Manifest(
        identity=Identity(raw["run"], raw["config_hash"]),
        batch=raw["batch"],
        file=raw["file"],
        bytes=raw["bytes"],
        sha256=raw["sha256"],
        rows=raw["rows"],
        groups=tuple(raw["groups"]),
        tokens=counts["tokens"],
        sequences=counts["sequences"],
        simulated=raw["simulated"],
    )


def content(folder: Path, manifest: Manifest) -> bytes:
    """The batch file's bytes, after its size and sha256 have been checked."""
    path = folder / manifest.file
    try:
        size = path.stat().st_size
        if size != manifest.bytes:
            raise InputError(f"{path}: {size} bytes, but its manifest says {manifest.bytes}: truncated or replaced")
        data = path.read_bytes()
    except OSError as err:
        raise InputError(f"{path}: {err.strerror}, but its manifest is there") from err
    found = hashlib.sha256(data).hexdigest()
    if found != manifest.sha256:
        raise InputError(f"{path}: sha256 {found}, but its manifest says {manifest.sha256}: corrupt or replaced")
    return data
