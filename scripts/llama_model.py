"""Writes a Llama model of 0.1 M random weights as a GGUF file: python llama_model.py OUT.gguf"""

import sys

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 2048
BYTES = [f"<0x{i:02X}>" for i in range(256)]
LETTERS = ["\u2581", *(chr(c) for c in range(33, 127))]  # the first is sentencepiece's space
UNKNOWN, CONTROL, BYTE, NORMAL = 2, 3, 6, 1  # sentencepiece's token types
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


def vocabulary(w: gguf.GGUFWriter) -> int:
    tokens = ["<unk>", "<s>", "</s>", *BYTES, *LETTERS]
    w.add_tokenizer_model("llama")
    w.add_token_list([t.encode() for t in tokens])
    w.add_token_scores([0.0] * 3 + [-1e3] * len(BYTES) + [-1.0] * len(LETTERS))
    w.add_token_types([UNKNOWN, CONTROL, CONTROL] + [BYTE] * len(BYTES) + [NORMAL] * len(LETTERS))
    w.add_unk_token_id(0)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_chat_template(TEMPLATE)
    return len(tokens)


def main(path: str) -> None:
    rng = np.random.default_rng(1)
    w = gguf.GGUFWriter(path, "llama")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(WIDTH)
    w.add_block_count(LAYERS)
    w.add_feed_forward_length(INNER)
    w.add_head_count(HEADS)
    w.add_head_count_kv(HEADS)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(WIDTH // HEADS)
    size = vocabulary(w)
    w.add_vocab_size(size)

    def weights(name: str, *shape: int) -> None:
        w.add_tensor(name + ".weight", (rng.standard_normal(shape) * 0.08).astype(np.float32))

    def norm(name: str) -> None:
        w.add_tensor(name + ".weight", np.ones(WIDTH, np.float32))

    weights("token_embd", size, WIDTH)
    norm("output_norm")
    weights("output", size, WIDTH)
    for layer in (f"blk.{i}." for i in range(LAYERS)):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights(layer + name, WIDTH, WIDTH)
        for name in ("attn_norm", "ffn_norm"):
            norm(layer + name)
        weights(layer + "ffn_gate", INNER, WIDTH)
        weights(layer + "ffn_up", INNER, WIDTH)
        weights(layer + "ffn_down", WIDTH, INNER)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    main(sys.argv[1])
