package training

import "sync"

// mailbox is an unbounded first-in first-out queue of events. Unbounded, because
// what fills it (samples, verdicts) is bounded by the groups that the
// coordinator admits, and a bounded one could deadlock with the effects it causes.
type mailbox[T any] struct {
	mu    sync.Mutex
	items []T
	bell  chan struct{} // holds one token while items is not empty
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{bell: make(chan struct{}, 1)} }

func (m *mailbox[T]) put(item T) {
	m.mu.Lock()
	m.items = append(m.items, item)
	m.mu.Unlock()
	select {
	case m.bell <- struct{}{}:
	default:
	}
}

// take empties the mailbox; call it after bell rang.
func (m *mailbox[T]) take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}
