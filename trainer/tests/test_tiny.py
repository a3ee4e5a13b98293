import pytest
import transformers

from ropewalk_trainer import tiny

TEXT = "12+34=\n Ünique~{}"


@pytest.mark.parametrize("tied", [True, False])
def test_makes_a_folder_that_transformers_loads(tmp_path, tied):
    out = tmp_path / "m"
    parameters = tiny.make(out, tied=tied)
    model = transformers.AutoModelForCausalLM.from_pretrained(out)
    assert model.config.tie_word_embeddings is tied
    assert model.config.model_type == "qwen3"
    assert model.num_parameters() == parameters
    assert 250_000 < parameters < 400_000
    assert model.generation_config.eos_token_id == 1


def test_is_a_function_of_its_seed(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        tiny.make(tmp_path / name, seed=seed, layers=1)
    a, b, c = ((tmp_path / n / "model.safetensors").read_bytes() for n in "abc")
    assert a == b != c


def test_tokenizer_is_one_id_per_character(tmp_path):
    tiny.make(tmp_path / "m", layers=1, extra="…")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "m")
    ids = tokenizer.encode(TEXT)
    assert len(ids) == len(TEXT)
    assert ids[TEXT.index("Ü")] == tokenizer.unk_token_id == 2
    assert ids.count(2) == 1
    known = TEXT.replace("Ü", "…")
    assert tokenizer.decode(tokenizer.encode(known)) == known
    assert all(len(tokenizer.encode(c)) == 1 and tokenizer.encode(c) != [2] for c in tiny.CHARACTERS)
    assert tokenizer.eos_token_id == 1 and tokenizer.pad_token_id == 0
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "1+1="}], tokenize=False)
    assert chat == "1+1=\n"


@pytest.mark.parametrize("arguments", [["--heads", "3", "--kv-heads", "2"], ["--head-dim", "24"]])
def test_refuses_what_engines_cannot_run(tmp_path, capsys, arguments):
    assert tiny.main(["--out", str(tmp_path / "m"), *arguments]) == 2
    assert arguments[0] in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_leaves_an_existing_folder_alone(tmp_path, capsys):
    assert tiny.main(["--out", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
