package queue

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ropewalk/ropewalk/data"
)

// A frame is what travels: 4 bytes of magic (the last is the version), the
// header's length as 4 bytes, the header in JSON, then raw little-endian
// sections whose lengths the header states. Lists of decimal numbers would cost
// twenty times the time and twice the bytes; compression gains nothing on
// log-probabilities.
const (
	magicJob    = "rwj\x01"
	magicResult = "rwr\x01"
	magicIDs    = "rwt\x01"
	preamble    = 8
)

// maxHeader bounds a frame's JSON. Hints of the simulated engine are the only
// large thing in one.
const maxHeader = 4 << 20

// ErrFrame is of bytes that are no frame of the expected kind and version.
var ErrFrame = errors.New("malformed message")

func newFrame(magic string, header any, body int) ([]byte, error) {
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	if len(text) > maxHeader {
		return nil, fmt.Errorf("%w: a header of %d bytes, at most %d", ErrTooLarge, len(text), maxHeader)
	}
	b := make([]byte, 0, preamble+len(text)+body)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...), nil
}

// openFrame reads the header and gives what follows it.
func openFrame(magic string, b []byte, header any) (body []byte, err error) {
	if len(b) < preamble {
		return nil, fmt.Errorf("%w: %d bytes", ErrFrame, len(b))
	}
	if string(b[:3]) != magic[:3] {
		return nil, fmt.Errorf("%w: starts with %q, expected %q", ErrFrame, b[:3], magic[:3])
	}
	if b[3] != magic[3] {
		return nil, fmt.Errorf("%w: wire version %d, this program speaks %d: run the same release everywhere", ErrFrame, b[3], magic[3])
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n > maxHeader || int(n) > len(b)-preamble {
		return nil, fmt.Errorf("%w: a header of %d bytes in a message of %d", ErrFrame, n, len(b))
	}
	body = b[preamble+int(n):]
	if err := json.Unmarshal(b[preamble:preamble+int(n)], header); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrFrame, err)
	}
	return body, nil
}

// sections checks that counts of 4-byte numbers and then tail bytes fill the
// body exactly, before anything is allocated for them.
func sections(body []byte, tail int, counts ...int) error {
	left := len(body)
	for _, n := range counts {
		if n < 0 || n > left/4 {
			return fmt.Errorf("%w: %d numbers in %d bytes", ErrFrame, n, left)
		}
		left -= 4 * n
	}
	if tail != left {
		return fmt.Errorf("%w: %d bytes of text in %d", ErrFrame, tail, left)
	}
	return nil
}

func appendIDs(b []byte, ids []int32) []byte {
	b, tail := extend(b, 4*len(ids))
	for _, id := range ids {
		binary.LittleEndian.PutUint32(tail, uint32(id))
		tail = tail[4:]
	}
	return b
}

func appendFloats(b []byte, values []float32) []byte {
	b, tail := extend(b, 4*len(values))
	for _, v := range values {
		binary.LittleEndian.PutUint32(tail, math.Float32bits(v))
		tail = tail[4:]
	}
	return b
}

// extend makes b longer by n bytes, which are tail.
func extend(b []byte, n int) (longer, tail []byte) {
	longer = slices.Grow(b, n)[:len(b)+n]
	return longer, longer[len(b):]
}

// takeIDs reads n ids, nil if there are none, and gives what follows.
func takeIDs(b []byte, n int) ([]int32, []byte) {
	if n == 0 {
		return nil, b
	}
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(binary.LittleEndian.Uint32(b))
		b = b[4:]
	}
	return ids, b
}

func takeFloats(b []byte, n int) ([]float32, []byte) {
	if n == 0 {
		return nil, b
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b))
		b = b[4:]
	}
	return values, b
}

// jobHeader is a job whose prompt ids follow as raw numbers: the outer field
// takes the place of the inner one of the same name.
type jobHeader struct {
	data.Job
	PromptIDs int `json:"prompt_ids"`
}

func encodeJob(j *data.Job) ([]byte, error) {
	b, err := newFrame(magicJob, jobHeader{Job: *j, PromptIDs: len(j.PromptIDs)}, 4*len(j.PromptIDs))
	if err != nil {
		return nil, err
	}
	return appendIDs(b, j.PromptIDs), nil
}

func decodeJob(b []byte) (data.Job, error) {
	var h jobHeader
	body, err := openFrame(magicJob, b, &h)
	if err == nil {
		err = sections(body, 0, h.PromptIDs)
	}
	if err == nil && (h.Size < 1 || h.Group < 0) {
		err = fmt.Errorf("%w: %s wants %d samples", ErrFrame, h.Group, h.Size)
	}
	if err != nil {
		return data.Job{}, err
	}
	h.Job.PromptIDs, _ = takeIDs(body, h.PromptIDs)
	return h.Job, nil
}

// resultHeader is a rollout but for its ids, log-probabilities and text, which
// follow in this order. The text is raw because JSON would replace what is not
// UTF-8.
type resultHeader struct {
	Group     data.GroupID      `json:"group"`
	Slot      int               `json:"slot"`
	IDs       int               `json:"ids"`
	Logprobs  int               `json:"logprobs"`
	Text      int               `json:"text"`
	Finish    data.FinishReason `json:"finish"`
	Oldest    int               `json:"version_oldest"`
	Newest    int               `json:"version_newest"`
	Model     string            `json:"model,omitempty"`
	Worker    string            `json:"worker,omitempty"`
	Simulated bool              `json:"simulated,omitempty"`
	Err       string            `json:"err,omitempty"`
}

func encodeResult(r *data.Rollout) ([]byte, error) {
	h := resultHeader{Group: r.Group, Slot: r.Slot, IDs: len(r.CompletionIDs), Logprobs: len(r.Logprobs), Text: len(r.Text),
		Finish: r.Finish, Oldest: r.VersionOldest, Newest: r.VersionNewest, Model: r.Model, Worker: r.Worker,
		Simulated: r.Simulated, Err: r.Err}
	b, err := newFrame(magicResult, h, 4*h.IDs+4*h.Logprobs+h.Text)
	if err != nil {
		return nil, err
	}
	b = appendFloats(appendIDs(b, r.CompletionIDs), r.Logprobs)
	return append(b, r.Text...), nil
}

func decodeResult(b []byte) (data.Rollout, error) {
	var h resultHeader
	body, err := openFrame(magicResult, b, &h)
	if err == nil {
		err = sections(body, h.Text, h.IDs, h.Logprobs)
	}
	if err == nil && (h.Group < 0 || h.Slot < 0) {
		err = fmt.Errorf("%w: group %d, slot %d", ErrFrame, h.Group, h.Slot)
	}
	if err != nil {
		return data.Rollout{}, err
	}
	r := data.Rollout{ID: data.NewRolloutID(h.Group, h.Slot), Group: h.Group, Slot: h.Slot, Finish: h.Finish,
		VersionOldest: h.Oldest, VersionNewest: h.Newest, Model: h.Model, Worker: h.Worker, Simulated: h.Simulated, Err: h.Err}
	r.CompletionIDs, body = takeIDs(body, h.IDs)
	r.Logprobs, body = takeFloats(body, h.Logprobs)
	r.Text = string(body)
	return r, nil
}

// idsHeader answers a request to tokenise: the ids of each prompt follow.
type idsHeader struct {
	Lengths []int  `json:"lengths"`
	Err     string `json:"err,omitempty"`
}

func encodeIDs(lists [][]int32) ([]byte, error) {
	var h idsHeader
	total := 0
	for _, ids := range lists {
		h.Lengths = append(h.Lengths, len(ids))
		total += len(ids)
	}
	b, err := newFrame(magicIDs, h, 4*total)
	if err != nil {
		return nil, err
	}
	for _, ids := range lists {
		b = appendIDs(b, ids)
	}
	return b, nil
}

func decodeIDs(b []byte) ([][]int32, string, error) {
	var h idsHeader
	body, err := openFrame(magicIDs, b, &h)
	if err == nil {
		err = sections(body, 0, h.Lengths...)
	}
	if err != nil {
		return nil, "", err
	}
	lists := make([][]int32, len(h.Lengths))
	for i, n := range h.Lengths {
		lists[i], body = takeIDs(body, n)
	}
	return lists, h.Err, nil
}
