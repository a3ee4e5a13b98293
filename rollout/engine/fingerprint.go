package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
)

// fingerprints are the prompts whose ids tell tokenizers apart: words, digits,
// mathematics, markup, other scripts, and one chat for the template. Changing
// one changes every fingerprint.
var fingerprints = []data.Prompt{
	{Text: "ropewalk"},
	{Text: " The quick brown fox\n\tjumps over 13 lazy dogs."},
	{Text: "12345+67890=80235"},
	{Text: `\boxed{\frac{1}{2}} <think>so</think>`},
	{Text: "naïve 字 Жук 🪢"},
	{System: "Be brief.", Text: "Hello", Chat: true},
}

// Fingerprint hashes the token ids of fixed prompts: 16 hexadecimal digits. A
// refusal (a tokenizer without a chat template) is part of the fingerprint; any
// other error is returned.
func Fingerprint(ctx context.Context, tokenize func(context.Context, data.Prompt) ([]int32, error)) (string, error) {
	h := sha256.New()
	for i, p := range fingerprints {
		ids, err := tokenize(ctx, p)
		if err != nil {
			// A template that raises is a 500 in some servers: with a chat only.
			if !Refused(err) && !(p.Chat && isStatus(err)) {
				return "", fmt.Errorf("fingerprint of the tokenizer, text %d: %w", i, err)
			}
			ids = []int32{-1}
		}
		if err := binary.Write(h, binary.LittleEndian, int32(len(ids))); err != nil {
			return "", err
		}
		if err := binary.Write(h, binary.LittleEndian, ids); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}
