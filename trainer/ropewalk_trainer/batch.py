"""Reads batches/000042 into flat numpy arrays, refusing anything that could not have been sampled.

Every error names the file, the row (with its rollout id) and the column.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from ropewalk_trainer import manifest as ledger
from ropewalk_trainer.failure import InputError
from ropewalk_trainer.manifest import Identity, Manifest

_INT32_LIST = "list<int32>"
_COLUMNS = {
    "rollout_id": "string",
    "group_id": "int64",
    "problem_id": "string",
    "dataset": "string",
    "kind": "string",
    "round": "int32",
    "slot": "int32",
    "prompt_ids": _INT32_LIST,
    "completion_ids": _INT32_LIST,
    "logprobs": "list<float>",
    "advantage": "double",
    "weight": "double",
    "reward": "double",
    "reward_parts": "string",
    "status": "string",
    "finish_reason": "string",
    "version_oldest": "int32",
    "version_newest": "int32",
    "temperature": "double",
    "parent_ids": "list<string>",
}

# Log-probabilities as the coordinator accepts them: a tiny positive value is rounding.
LOGPROB_MAX = 1e-3
LOGPROB_MIN = -1e4
FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Batch:
    """R rollouts in G groups with T completion tokens, rows of a group adjacent."""

    number: int
    identity: Identity
    simulated: bool
    denominator_tokens: int  # completion tokens of rows whose weight is not 0
    denominator_sequences: int  # number of such rows
    rollout_ids: list[str]  # [R]
    prompts: list[np.ndarray]  # [G] of int64 ids
    group: np.ndarray  # [R] int64, index into prompts, not the group's id
    start: np.ndarray  # [R + 1] int64: row r's completion is tokens start[r]:start[r+1]
    completion: np.ndarray  # [T] int64 ids
    logprobs: np.ndarray  # [T] float32, the sampler's at the row's temperature
    advantage: np.ndarray  # [R] float64
    weight: np.ndarray  # [R] float64
    reward: np.ndarray  # [R] float64
    temperature: np.ndarray  # [R] float64


def read(folder: Path, vocabulary: int, expected: Identity | None = None) -> Batch:
    """Reads and validates the batch in `folder`, whose name is its number.

    vocabulary: ids must be below it. expected: the run it must belong to, None to accept any.
    Raises InputError.
    """
    entry = ledger.read(folder)
    _check_identity(folder, entry, expected)
    path = folder / entry.file
    table = _table(ledger.content(folder, entry), path)
    _check_metadata(table.schema, entry, path)
    if table.num_rows != entry.rows:
        raise InputError(f"{path}: {table.num_rows} rows, but its manifest says {entry.rows}")
    batch = _arrays(table, entry, path)
    _check_rows(batch, table, vocabulary, path)
    _check_denominators(batch, path)
    return batch


def _check_identity(folder: Path, entry: Manifest, expected: Identity | None) -> None:
    path = folder / ledger.NAME
    if folder.name.isdigit() and int(folder.name) != entry.batch:
        raise InputError(f"{path}: batch {entry.batch} lies in folder {folder.name}")
    if expected is None:
        return
    for key in ("run", "config_hash"):
        want, found = getattr(expected, key), getattr(entry.identity, key)
        if want != found:
            raise InputError(f"{path}: {key}: expected {want!r}, found {found!r}", "the batch belongs to another run")


def _table(data: bytes, path: Path) -> pa.Table:
    try:
        table = pa.ipc.open_file(pa.py_buffer(data)).read_all()
        table.validate(full=True)
    except pa.ArrowInvalid as err:
        raise InputError(f"{path}: not a valid Arrow file: {err}") from err
    table = table.combine_chunks()
    found = {f.name: _type_name(f.type) for f in table.schema}
    for name, want in _COLUMNS.items():
        if found.get(name) != want:
            raise InputError(f"{path}: column {name}: expected {want}, found {found.get(name, 'none')}")
    for name in _COLUMNS:
        nulls = table.column(name).null_count
        if nulls:
            raise InputError(f"{path}: column {name}: {nulls} nulls, expected none")
    return table


def _type_name(kind: pa.DataType) -> str:
    return f"list<{kind.value_type}>" if pa.types.is_list(kind) else str(kind)


def _check_metadata(schema: pa.Schema, entry: Manifest, path: Path) -> None:
    found = {k.decode(): v.decode(errors="replace") for k, v in (schema.metadata or {}).items()}
    want = {
        "ropewalk.schema": str(ledger.SCHEMA),
        "ropewalk.run": entry.identity.run,
        "ropewalk.batch": str(entry.batch),
        "ropewalk.config_hash": entry.identity.config_hash,
        "ropewalk.simulated": "true" if entry.simulated else "false",
    }
    for key, value in want.items():
        if found.get(key) != value:
            raise InputError(f"{path}: metadata {key}: expected {value!r} as in its manifest, found {found.get(key)!r}")


def _column(table: pa.Table, name: str) -> np.ndarray:
    return table.column(name).combine_chunks().to_numpy(zero_copy_only=False)


def _lists(table: pa.Table, name: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A list column as (values [T], offsets [R + 1], starting at 0)."""
    column = table.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # no rows, no chunks
        column = pa.array([], type=column.type)
    offsets = column.offsets.to_numpy().astype(np.int64)
    values = column.values
    if values.null_count:
        raise InputError(f"{path}: column {name}: nulls inside its lists, expected none")
    return values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]], offsets - offsets[0]


def _arrays(table: pa.Table, entry: Manifest, path: Path) -> Batch:
    ids = table.column("rollout_id").to_pylist()
    completion, start = _lists(table, "completion_ids", path)
    logprobs, logprob_start = _lists(table, "logprobs", path)
    _refuse_rows(np.diff(start) != np.diff(logprob_start), ids, path, "logprobs", "length differs from completion_ids")
    _refuse_rows(np.diff(start) == 0, ids, path, "completion_ids", "is empty")
    prompts, group = _prompts(table, entry, ids, path)
    return Batch(
        number=entry.batch,
        identity=entry.identity,
        simulated=entry.simulated,
        denominator_tokens=entry.tokens,
        denominator_sequences=entry.sequences,
        rollout_ids=ids,
        prompts=prompts,
        group=group,
        start=start,
        completion=completion.astype(np.int64),
        logprobs=logprobs.astype(np.float32),  # a copy of Arrow's, which is read-only
        advantage=_column(table, "advantage"),
        weight=_column(table, "weight"),
        reward=_column(table, "reward"),
        temperature=_column(table, "temperature"),
    )


def _prompts(table: pa.Table, entry: Manifest, ids: list[str], path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Each group's prompt once, and which group every row is of."""
    group_id, slot = _column(table, "group_id"), _column(table, "slot")
    same = group_id[1:] == group_id[:-1]
    ordered = np.where(same, slot[1:] > slot[:-1], group_id[1:] > group_id[:-1])
    bad = np.concatenate([np.zeros(min(1, len(ids)), bool), ~ordered])
    _refuse_rows(bad, ids, path, "group_id", "not adjacent: rows must be ordered by group and slot")
    first = np.flatnonzero(np.concatenate([np.ones(min(1, len(ids)), bool), ~same]))
    if tuple(group_id[first].tolist()) != entry.groups:
        raise InputError(f"{path}: column group_id: other groups than its manifest lists")
    group = np.cumsum(np.isin(np.arange(len(ids)), first)) - 1
    values, start = _lists(table, "prompt_ids", path)
    _refuse_rows(np.diff(start) == 0, ids, path, "prompt_ids", "is empty")
    prompts = [values[start[r] : start[r + 1]].astype(np.int64) for r in first]
    other = [not np.array_equal(values[start[r] : start[r + 1]], prompts[group[r]]) for r in range(len(ids))]
    _refuse_rows(np.array(other, bool), ids, path, "prompt_ids", "differs from the first row of its group")
    return prompts, group


def _check_rows(b: Batch, table: pa.Table, vocabulary: int, path: Path) -> None:
    good = (b.logprobs <= LOGPROB_MAX) & (b.logprobs >= LOGPROB_MIN)  # NaN fails both
    _refuse_tokens(~good, b, path, "logprobs", b.logprobs, "is not a log-probability")
    outside = (b.completion < 0) | (b.completion >= vocabulary)
    beyond = f"is outside the model's vocabulary of {vocabulary}"
    _refuse_tokens(outside, b, path, "completion_ids", b.completion, beyond)
    bad = np.array([bool(((p < 0) | (p >= vocabulary)).any()) for p in b.prompts], bool)
    _refuse_rows(bad[b.group] if len(b.prompts) else bad, b.rollout_ids, path, "prompt_ids", f"an id {beyond}")
    for name in ("advantage", "weight", "reward", "temperature"):
        value = getattr(b, name)
        _refuse_rows(~(np.abs(value) <= FLOAT32_MAX), b.rollout_ids, path, name, "is not finite in fp32")
    _refuse_rows(b.weight < 0, b.rollout_ids, path, "weight", "is negative")
    _refuse_rows(b.temperature <= 0, b.rollout_ids, path, "temperature", "is not above 0")
    oldest, newest = _column(table, "version_oldest"), _column(table, "version_newest")
    _refuse_rows(oldest > newest, b.rollout_ids, path, "version_oldest", "is newer than version_newest")
    late = newest > b.number
    _refuse_rows(late, b.rollout_ids, path, "version_newest", f"is newer than version {b.number}, which it trains")


def _check_denominators(b: Batch, path: Path) -> None:
    trained = b.weight != 0
    tokens, sequences = int(np.diff(b.start)[trained].sum()), int(trained.sum())
    if (tokens, sequences) != (b.denominator_tokens, b.denominator_sequences):
        said = f"{b.denominator_tokens} tokens and {b.denominator_sequences} sequences"
        raise InputError(f"{path}: denominators: its manifest says {said}, its rows have {tokens} and {sequences}")


def _refuse_rows(bad: np.ndarray, ids: list[str], path: Path, column: str, what: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(f"{path}: row {row} ({ids[row]}), column {column}: {what}")


def _refuse_tokens(bad: np.ndarray, b: Batch, path: Path, column: str, value: np.ndarray, what: str) -> None:
    if bad.any():
        token = int(np.argmax(bad))
        row = int(np.searchsorted(b.start, token, side="right")) - 1
        place = f"row {row} ({b.rollout_ids[row]}), column {column}, token {token - int(b.start[row])}"
        raise InputError(f"{path}: {place}: {value[token]} {what}")
