"""Files and folders that are either whole or not there: temp, fsync, rename, marker last (docs/formats.md)."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ropewalk_trainer.failure import InputError

CHUNK = 1 << 20


def sync(path: Path) -> None:
    """fsyncs a file or a folder."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write(path: Path, content: bytes) -> None:
    """Writes a file and fsyncs it. For files inside a folder that is not published yet."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees the old one or the new one, never a part."""
    temp = path.with_name(f".tmp-{path.name}")
    write(temp, content)
    os.replace(temp, path)
    sync(path.parent)


def sha256(path: Path) -> str:
    """The hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def publish(folder: Path, marker: str, facts: dict[str, Any], fill: Callable[[Path], dict[str, str]]) -> None:
    """Makes `folder` by way of a hidden sibling and writes its marker last.

    `fill` writes and fsyncs the files into the folder it is given and returns the sha256 of each by name.
    The marker is JSON: `facts` and `files`, each file with its bytes and sha256. An existing folder is replaced.
    """
    temp = folder.with_name(f".tmp-{folder.name}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir()
    digests = fill(temp)
    files = {name: {"bytes": (temp / name).stat().st_size, "sha256": digests[name]} for name in sorted(digests)}
    sync(temp)
    if folder.exists():
        remove(folder)
    os.rename(temp, folder)
    sync(folder.parent)
    replace(folder / marker, json.dumps({**facts, "files": files}, indent=1).encode() + b"\n")


def digests(marker: Path) -> dict[str, str]:
    """sha256 by file name, from the marker of a published folder. Raises InputError."""
    try:
        files = json.loads(marker.read_bytes())["files"]
        return {name: entry["sha256"] for name, entry in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise InputError(f"{marker}: not the marker that was written: {err!r}", f"remove {marker.parent}") from err


def remove(folder: Path) -> None:
    """Deletes a published folder; a reader never finds it half there under its own name."""
    gone = folder.with_name(f".tmp-removed-{folder.name}")
    shutil.rmtree(gone, ignore_errors=True)
    os.rename(folder, gone)
    shutil.rmtree(gone)


def numbered(parent: Path, marker: str) -> list[int]:
    """The numbers of the folders `parent/000042` that have their marker, ascending."""
    if not parent.is_dir():
        return []
    names = [entry.name for entry in os.scandir(parent) if entry.name.isdigit()]
    return sorted(int(name) for name in names if (parent / name / marker).is_file())


def number(n: int) -> str:
    """How versions, batches and steps are written in paths: 000042."""
    return f"{n:06d}"
