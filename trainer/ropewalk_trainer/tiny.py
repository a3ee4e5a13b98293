"""Makes a tiny language model of the Qwen3 shape with random weights and a character tokenizer.

    python -m ropewalk_trainer.tiny --out runs/tiny
    python -m ropewalk_trainer.tiny --out runs/tiny --layers 4 --width 128 --untied --seed 7

The folder is an ordinary Hugging Face one: transformers, vLLM and ropewalk's small engine load it.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

PAD, END, UNKNOWN = "<|pad|>", "<|end|>", "<|unknown|>"  # ids 0, 1, 2
CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))
# Ends the model's turn nowhere and adds no roles: a chat prompt is its messages, one per line.
CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] + '\\n' }}{% endfor %}"
# Sizes that attention kernels accept; those of vLLM for CPUs begin at 32.
HEAD_DIMS = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256)


def write_tokenizer(out: Path, extra: str = "") -> int:
    """Writes a tokenizer of single characters (printable ASCII, newline and extra) to out; gives its size.

    Anything else becomes one UNKNOWN per character. END is the end-of-sequence token, and nothing is
    added to a text: ids in, ids out.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models

    tokens = [PAD, END, UNKNOWN, *dict.fromkeys(CHARACTERS + extra)]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    # A BPE without merges splits into characters, and needs no pre-tokenizer to do so.
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=UNKNOWN, fuse_unk=False))
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in (PAD, END, UNKNOWN)])
    tokenizer.save(str(out / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": END,
        "unk_token": UNKNOWN,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1 << 20,
        "chat_template": CHAT_TEMPLATE,
    }
    (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    return len(tokens)


def make(
    out: Path,
    *,
    layers: int = 3,
    width: int = 96,
    heads: int = 4,
    kv_heads: int = 2,
    head_dim: int = 32,
    intermediate: int = 256,
    positions: int = 4096,
    spread: float = 0.05,
    tied: bool = False,
    seed: int = 1,
    extra: str = "",
) -> int:
    """Writes the model folder out, which must not exist; gives the number of parameters.

    spread is the standard deviation of the initial weights. The folder appears whole or not at all.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists already; remove it or choose another --out")
    if head_dim not in HEAD_DIMS:
        raise ValueError(f"--head-dim {head_dim}: vLLM for CPUs has kernels for {', '.join(map(str, HEAD_DIMS))} only")
    if kv_heads < 1 or heads % kv_heads:
        raise ValueError(f"--heads {heads} must be a multiple of --kv-heads {kv_heads}")
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    staged = out.with_name(f".tmp-{out.name}-{os.getpid()}")
    staged.mkdir(parents=True)
    try:
        size = write_tokenizer(staged, extra)
        config = Qwen3Config(
            vocab_size=-(-size // 8) * 8,
            hidden_size=width,
            intermediate_size=intermediate,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            head_dim=head_dim,
            max_position_embeddings=positions,
            initializer_range=spread,
            tie_word_embeddings=tied,
            pad_token_id=0,
            bos_token_id=None,
            eos_token_id=1,
        )
        torch.manual_seed(seed)
        model = Qwen3ForCausalLM(config).float()
        model.save_pretrained(staged)
        staged.rename(out)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return sum(p.numel() for p in model.parameters())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ropewalk_trainer.tiny",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--width", type=int, default=96, help="hidden size (default %(default)s)")
    parser.add_argument("--heads", type=int, default=4, help="query heads (default %(default)s)")
    parser.add_argument("--kv-heads", type=int, default=2, help="key and value heads (default %(default)s)")
    parser.add_argument("--head-dim", type=int, default=32, help="size of a head (default %(default)s)")
    parser.add_argument("--intermediate", type=int, default=256, help="feed-forward size (default %(default)s)")
    parser.add_argument("--positions", type=int, default=4096, help="longest sequence (default %(default)s)")
    parser.add_argument("--spread", type=float, default=0.05, help="deviation of the weights (default %(default)s)")
    parser.add_argument("--vocab-chars", default="", help="characters to know beside printable ASCII and newline")
    tie = parser.add_mutually_exclusive_group()
    tie.add_argument("--tied", action="store_true", help="the output head is the embedding")
    tie.add_argument("--untied", dest="tied", action="store_false", help="it is a matrix of its own (the default)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    try:
        parameters = make(
            args.out, layers=args.layers, width=args.width, heads=args.heads, kv_heads=args.kv_heads,
            head_dim=args.head_dim, intermediate=args.intermediate, positions=args.positions, spread=args.spread,
            tied=args.tied, seed=args.seed, extra=args.vocab_chars,
        )  # fmt: skip
    except (ValueError, OSError) as err:
        print(f"tiny: error: {err}", file=sys.stderr)
        return 2
    print(f"{args.out}: {parameters:,} parameters", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
