import json
import shutil
from pathlib import Path

import making
import numpy as np
import pyarrow as pa
import pytest

from ropewalk_trainer import batch as batches
from ropewalk_trainer.failure import InputError
from ropewalk_trainer.manifest import Identity

GOLDEN = Path(__file__).parents[2] / "data" / "batch" / "testdata" / "batch_v1"
LARGEST_ID = 2**31 - 1


def test_golden_file_of_the_coordinator():
    b = batches.read(GOLDEN, LARGEST_ID + 1)
    entry = json.loads((GOLDEN / "manifest.json").read_text())
    table = pa.ipc.open_file(GOLDEN / "batch.arrow").read_all().to_pydict()
    assert b.number == entry["batch"] and b.identity == Identity(entry["run"], entry["config_hash"])
    assert b.simulated == entry["simulated"]
    assert b.denominator_tokens == entry["denominators"]["tokens"]
    assert b.rollout_ids == table["rollout_id"] and len(b.rollout_ids) == entry["rows"] == 6
    for r, completion in enumerate(table["completion_ids"]):
        part = slice(b.start[r], b.start[r + 1])
        assert b.completion[part].tolist() == completion
        assert b.logprobs[part].tolist() == table["logprobs"][r]
        assert b.prompts[b.group[r]].tolist() == table["prompt_ids"][r]
    for name in ("advantage", "weight", "reward", "temperature"):
        assert getattr(b, name).tolist() == table[name]


def test_golden_ids_do_not_fit_a_small_vocabulary():
    with pytest.raises(InputError, match=r"batch\.arrow: row 2 \(g000085/0\), column prompt_ids: an id is outside"):
        batches.read(GOLDEN, LARGEST_ID)


def test_reads_what_was_written(tmp_path):
    r = making.rows(seed=3)
    b = making.batch(tmp_path, r)
    assert [p.tolist() for p in b.prompts] == [r.rows[i]["prompt_ids"] for i in range(0, len(r.rows), 4)]
    assert b.completion.tolist() == [t for row in r.rows for t in row["completion_ids"]]
    assert np.diff(b.start).tolist() == [len(row["completion_ids"]) for row in r.rows]


def test_batch_without_rows(tmp_path):
    b = making.batch(tmp_path, making.Rows([]))
    assert b.rollout_ids == [] and b.prompts == [] and b.denominator_tokens == 0


def damaged(column, change, row=5):
    def rows():
        r = making.rows(seed=1, completion=(3, 9))
        r.rows[row][column] = change(r.rows[row][column])
        return r

    return rows


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (damaged("logprobs", lambda v: v[:-1]), r"row 5 \(g000001/1\), column logprobs: length differs"),
        (damaged("logprobs", lambda v: [*v[:2], float("nan"), *v[3:]]), r"column logprobs, token 2: nan is not"),
        (damaged("logprobs", lambda v: [0.5, *v[1:]]), r"column logprobs, token 0: 0\.5 is not a log-prob"),
        (damaged("logprobs", lambda v: [float("-inf"), *v[1:]]), r"column logprobs, token 0: -inf is not"),
        (damaged("completion_ids", lambda v: [*v[:1], 37, *v[2:]]), r"column completion_ids, token 1: 37 is outside"),
        (damaged("completion_ids", lambda v: [-1, *v[1:]]), r"column completion_ids, token 0: -1 is outside"),
        (damaged("prompt_ids", lambda v: [*v, 3]), r"row 5 .*column prompt_ids: differs from the first row"),
        (damaged("advantage", lambda v: float("inf")), r"row 5 .*column advantage: is not finite"),
        (damaged("reward", lambda v: 1e39), r"row 5 .*column reward: is not finite in fp32"),
        (damaged("weight", lambda v: float("nan")), r"row 5 .*column weight: is not finite"),
        (damaged("weight", lambda v: -1.0), r"row 5 .*column weight: is negative"),
        (damaged("temperature", lambda v: 0.0), r"row 5 .*column temperature: is not above 0"),
        (damaged("version_newest", lambda v: 1), r"column version_newest: is newer than version 0"),
        (damaged("version_oldest", lambda v: 1), r"column version_oldest: is newer than version_newest"),
        (damaged("group_id", lambda v: 0), r"row 5 .*column group_id: not adjacent"),
        (damaged("slot", lambda v: 0), r"row 5 .*column group_id: not adjacent"),
    ],
)
def test_malformed_rows_are_named(tmp_path, make, message):
    with pytest.raises(InputError, match=message):
        making.batch(tmp_path, make())


def test_empty_prompts_and_completions(tmp_path):
    r = making.rows(seed=1)
    for row in r.rows[4:8]:
        row["prompt_ids"] = []
    with pytest.raises(InputError, match=r"row 4 .*column prompt_ids: is empty"):
        making.batch(tmp_path, r)
    r = making.rows(seed=1)
    r.rows[6].update(completion_ids=[], logprobs=[])
    with pytest.raises(InputError, match=r"row 6 .*column completion_ids: is empty"):
        making.batch(tmp_path, r)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"table": lambda t: t.drop_columns(["weight"])}, r"column weight: expected double, found none"),
        (
            {"table": lambda t: t.set_column(6, "slot", t["slot"].cast(pa.int64()))},
            r"column slot: expected int32, found int64",
        ),
        ({"table": lambda t: t.replace_schema_metadata({})}, r"metadata ropewalk\.schema: expected '1'"),
        ({"manifest": {"schema": 2}}, r"manifest\.json: schema: expected 1, found 2"),
        ({"manifest": {"rows": 3}}, r"20 rows, but its manifest says 3"),
        ({"manifest": {"rows": "20"}}, r"manifest\.json: rows: expected int"),
        ({"manifest": {"groups": [0, 1, 2, 3]}}, r"column group_id: other groups than its manifest lists"),
        ({"manifest": {"batch": 4}}, r"batch 4 lies in folder 000000"),
        ({"manifest": {"run": "other"}}, r"metadata ropewalk\.run: expected 'other'"),
        ({"manifest": {"file": "../batch.arrow"}}, r"file: expected a plain file name"),
        ({"manifest": {"denominators": {"tokens": 1, "sequences": 1}}}, r"denominators: its manifest says 1 tokens"),
        ({"file": lambda b: b[:-10]}, r"batch\.arrow: \d+ bytes, but its manifest says \d+"),
        ({"file": lambda b: b[:600] + bytes([b[600] ^ 1]) + b[601:]}, r"batch\.arrow: sha256 .* corrupt or replaced"),
    ],
)
def test_damaged_files_are_named(tmp_path, damage, message):
    making.write(tmp_path / "000000", making.rows(), **damage)
    with pytest.raises(InputError, match=message):
        batches.read(tmp_path / "000000", making.VOCABULARY)


def test_checked_garbage_is_still_not_arrow(tmp_path):
    folder = making.write(tmp_path / "000000", making.rows())
    garbage = b"ARROW1\0\0" + b"\xff" * 200
    import hashlib

    entry = json.loads((folder / "manifest.json").read_text())
    entry |= {"bytes": len(garbage), "sha256": hashlib.sha256(garbage).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(entry))
    (folder / "batch.arrow").write_bytes(garbage)
    with pytest.raises(InputError, match=r"batch\.arrow: not a valid Arrow file"):
        batches.read(folder, making.VOCABULARY)


def test_nulls_are_refused(tmp_path):
    def null(table):
        column = pa.array([None] + [1.0] * (table.num_rows - 1), pa.float64())
        return table.set_column(table.schema.get_field_index("advantage"), "advantage", column)

    making.write(tmp_path / "000000", making.rows(), table=null)
    with pytest.raises(InputError, match=r"column advantage: 1 nulls"):
        batches.read(tmp_path / "000000", making.VOCABULARY)


def test_batch_of_another_run(tmp_path):
    folder = making.write(tmp_path / "000000", making.rows())
    batches.read(folder, making.VOCABULARY, making.IDENTITY)
    with pytest.raises(InputError, match=r"config_hash: expected 'zzz', found 'abc123'"):
        batches.read(folder, making.VOCABULARY, Identity("test-run", "zzz"))


def test_missing_files(tmp_path):
    folder = making.write(tmp_path / "000000", making.rows())
    (folder / "batch.arrow").unlink()
    with pytest.raises(InputError, match=r"batch\.arrow: No such file or directory, but its manifest is there"):
        batches.read(folder, making.VOCABULARY)
    shutil.rmtree(folder)
    with pytest.raises(InputError, match=r"manifest\.json: No such file"):
        batches.read(folder, making.VOCABULARY)
