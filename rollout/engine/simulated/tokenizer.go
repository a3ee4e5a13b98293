package simulated

import (
	"fmt"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// The vocabulary: the 256 bytes, then the marks of a chat.
const (
	EndID       int32 = 256 // ends a completion
	systemID    int32 = 257 // opens the system message
	userID      int32 = 258 // opens the user's
	assistantID int32 = 259 // opens the completion
	// Vocabulary is the number of ids.
	Vocabulary = 260
)

// Encode gives a prompt's ids: one per byte, with marks around a chat's turns.
func Encode(p data.Prompt) []int32 {
	if !p.Chat {
		return encodeText(nil, p.Text)
	}
	var ids []int32
	if p.System != "" {
		ids = encodeText(append(ids, systemID), p.System)
	}
	return append(encodeText(append(ids, userID), p.Text), assistantID)
}

func encodeText(ids []int32, text string) []int32 {
	for _, b := range []byte(text) {
		ids = append(ids, int32(b))
	}
	return ids
}

// Decode gives the text of ids. Marks have none, and bytes that are not UTF-8
// become U+FFFD.
func Decode(ids []int32) string {
	bytes := make([]byte, 0, len(ids))
	for _, id := range ids {
		if id >= 0 && id < 256 {
			bytes = append(bytes, byte(id))
		}
	}
	return strings.ToValidUTF8(string(bytes), "�")
}

func checkIDs(ids []int32) error {
	for i, id := range ids {
		if id < 0 || id >= Vocabulary {
			return fmt.Errorf("token id %d at position %d is not in the vocabulary of %d", id, i, Vocabulary)
		}
	}
	return nil
}
