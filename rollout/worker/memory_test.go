package worker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

// memory is a queue in memory with the real one's rules: leases, first result
// of a slot wins, what is given back comes again.
type memory struct {
	mu       sync.Mutex
	ready    []*entry
	results  map[data.RolloutID]data.Rollout
	twice    int // results refused because the slot had one
	retries  []string
	done     map[data.GroupID]int
	beats    []Presence
	extended int
	weights  chan Weights
	cancels  chan data.GroupID
	peers    []Presence
	tokenize func(context.Context, []data.Prompt) ([][]int32, error)
	// storing, if set, may refuse a result.
	storing func(data.Rollout) error
	beating func() error
}

type entry struct {
	job        data.Job
	deliveries int
	due        time.Time
}

func newMemory() *memory {
	return &memory{
		results: map[data.RolloutID]data.Rollout{}, done: map[data.GroupID]int{},
		weights: make(chan Weights, 16), cancels: make(chan data.GroupID, 16),
	}
}

type memoryLease struct {
	*memory
	*entry
}

func (m *memory) add(jobs ...data.Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range jobs {
		m.ready = append(m.ready, &entry{job: j})
	}
}

func (m *memory) Fetch(ctx context.Context, n int, wait time.Duration) ([]Lease, error) {
	for end := time.Now().Add(wait); time.Now().Before(end); {
		if got := m.take(n); len(got) > 0 {
			return got, nil
		}
		if err := sleep(ctx, time.Millisecond); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (m *memory) take(n int) (got []Lease) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var left []*entry
	for _, e := range m.ready {
		if len(got) < n && time.Now().After(e.due) {
			e.deliveries++
			got = append(got, memoryLease{m, e})
		} else {
			left = append(left, e)
		}
	}
	m.ready = left
	return got
}

func (l memoryLease) Job() data.Job   { return l.job }
func (l memoryLease) Deliveries() int { return l.deliveries }

func (l memoryLease) Extend() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.extended++
	return nil
}

func (l memoryLease) Done(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[l.job.Group]++
	return nil
}

func (l memoryLease) Retry(delay time.Duration, reason string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due = time.Now().Add(delay)
	l.ready = append(l.ready, l.entry)
	l.retries = append(l.retries, reason)
	return nil
}

func (m *memory) Stored(_ context.Context, g data.GroupID, size int) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]bool, size)
	for i := range out {
		_, out[i] = m.results[data.NewRolloutID(g, i)]
	}
	return out, nil
}

func (m *memory) PublishResult(_ context.Context, r data.Rollout) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.storing != nil {
		if err := m.storing(r); err != nil {
			return false, err
		}
	}
	if _, there := m.results[r.ID]; there {
		m.twice++
		return false, nil
	}
	m.results[r.ID] = r
	return true, nil
}

func (m *memory) Beat(_ context.Context, p Presence) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.beating != nil {
		if err := m.beating(); err != nil {
			return err
		}
	}
	m.beats = append(m.beats, p)
	return nil
}

func (m *memory) OnCancel(ctx context.Context, cancelled func([]data.GroupID)) error {
	go func() {
		for {
			select {
			case g := <-m.cancels:
				cancelled([]data.GroupID{g})
			case <-ctx.Done():
				return
			}
		}
	}()
	return nil
}

func (m *memory) Peers() []Presence { return m.peers }

func (m *memory) WatchWeights(context.Context) (<-chan Weights, error) { return m.weights, nil }

func (m *memory) ServeTokenize(_ context.Context, f func(context.Context, []data.Prompt) ([][]int32, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokenize = f
	return nil
}

// last is the newest heartbeat.
func (m *memory) last() Presence {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.beats) == 0 {
		return Presence{}
	}
	return m.beats[len(m.beats)-1]
}

// settled waits until the groups are done and gives the results.
func (m *memory) settled(t *testing.T, groups int) map[data.RolloutID]data.Rollout {
	t.Helper()
	m.until(t, "all groups done", func() bool { return len(m.done) == groups })
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.results
}

// until polls under the lock.
func (m *memory) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		m.mu.Lock()
		yes := ok()
		m.mu.Unlock()
		if yes {
			return
		}
		if time.Now().After(end) {
			m.mu.Lock()
			defer m.mu.Unlock()
			t.Fatalf("waited in vain for: %s; %d results, %d done, retries %q, last beat %+v", what, len(m.results), len(m.done), m.retries, m.beats[len(m.beats)-1])
		}
	}
}

var errAway = errors.New("the queue is away")

var _ Queue = (*memory)(nil)
