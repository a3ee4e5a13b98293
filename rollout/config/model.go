package config

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// shape is what a plan needs to know of a model, read from its folder without its
// weights.
type shape struct {
	parameters int64 // numbers in the *.safetensors files
	head       int64 // numbers of an output head tied to the embeddings, which exports write out
	layers     int
	kvWidth    int // key or value numbers of one token in one layer
}

// maxHeader bounds the header of a safetensors file, as its readers do.
const maxHeader = 100 << 20

// readShape reads the headers of a Hugging Face folder's weights and config.json.
func readShape(dir string) (shape, error) {
	var s shape
	if err := s.readConfig(filepath.Join(dir, "config.json")); err != nil {
		return s, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil {
		return s, err
	}
	if len(files) == 0 {
		return s, fmt.Errorf("%s has no .safetensors file", dir)
	}
	for _, f := range files {
		n, err := countNumbers(f)
		if err != nil {
			return s, fmt.Errorf("%s: %w", f, err)
		}
		s.parameters += n
	}
	return s, nil
}

func (s *shape) readConfig(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var c struct {
		Layers  int  `json:"num_hidden_layers"`
		Heads   int  `json:"num_attention_heads"`
		KVHeads int  `json:"num_key_value_heads"`
		HeadDim int  `json:"head_dim"`
		Hidden  int  `json:"hidden_size"`
		Vocab   int  `json:"vocab_size"`
		Tied    bool `json:"tie_word_embeddings"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.HeadDim == 0 && c.Heads > 0 {
		c.HeadDim = c.Hidden / c.Heads
	}
	if c.Tied {
		s.head = int64(c.Vocab) * int64(c.Hidden)
	}
	s.layers, s.kvWidth = c.Layers, c.KVHeads*c.HeadDim
	return nil
}

// countNumbers reads a safetensors header: 8 bytes of length, then JSON with a
// shape for each tensor.
func countNumbers(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var size uint64
	if err := binary.Read(f, binary.LittleEndian, &size); err != nil {
		return 0, err
	}
	if size > maxHeader {
		return 0, fmt.Errorf("header of %d bytes: not a safetensors file", size)
	}
	var tensors map[string]struct {
		Shape []int64 `json:"shape"`
	}
	if err := json.NewDecoder(io.LimitReader(f, int64(size))).Decode(&tensors); err != nil {
		return 0, fmt.Errorf("header: %w", err)
	}
	var total int64
	for name, t := range tensors {
		if name == "__metadata__" {
			continue
		}
		n := int64(1)
		for _, d := range t.Shape {
			n *= d
		}
		total += n
	}
	return total, nil
}
