"""The tokenizer of a model folder: text to ids for prompts, ids to text for answers."""

import json
from pathlib import Path
from typing import Any

from .weights import ModelError


class Tokens:
    """A Hugging Face tokenizer with the tables a server needs at every answer."""

    def __init__(self, folder: Path, vocabulary: int) -> None:
        from transformers import AutoTokenizer

        try:
            self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as err:
            raise ModelError(f"{folder}: cannot load its tokenizer: {err}") from err
        if len(self.tokenizer) > vocabulary:
            raise ModelError(
                f"{folder}: the tokenizer knows {len(self.tokenizer)} tokens, the model {vocabulary}: not of one model"
            )
        self.ends = _ends(folder, self.tokenizer.eos_token_id)
        self._names: dict[int, str] = {}

    def encode(self, text: str, special: bool) -> list[int]:
        """Ids of a text, with the tokenizer's own first and last tokens if special."""
        return self.tokenizer.encode(text, add_special_tokens=special)

    def chat(self, messages: list[dict], generation: bool, special: bool, options: dict[str, Any]) -> list[int]:
        """Ids of a conversation in the model's chat template. Raises ValueError if it has none or refuses."""
        from jinja2 import TemplateError

        try:
            text = self.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=generation, **options
            )
        except (TemplateError, TypeError, KeyError) as err:
            raise ValueError(f"the chat template refuses these messages: {err}") from err
        return self.encode(text, special)

    def decode(self, ids: list[int], skip_special: bool) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=skip_special)

    def decode_all(self, lists: list[list[int]]) -> list[str]:
        """Texts without special tokens."""
        return self.tokenizer.batch_decode(lists, skip_special_tokens=True)

    def name(self, token: int) -> str:
        """One token as text, as log-probability tables show it."""
        if token not in self._names:
            self._names[token] = self.tokenizer.decode([token])
        return self._names[token]


def _ends(folder: Path, own: int | None) -> tuple[int, ...]:
    """Ids that end a completion: the tokenizer's, and those in generation_config.json or else config.json."""
    ends = [] if own is None else [own]
    for name in ("generation_config.json", "config.json"):
        try:
            listed = json.loads((folder / name).read_text()).get("eos_token_id")
        except FileNotFoundError:
            continue
        except ValueError as err:
            raise ModelError(f"{folder / name}: {err}") from err
        if listed is not None:
            ends += listed if isinstance(listed, list) else [listed]
            break
    return tuple(dict.fromkeys(ends))
