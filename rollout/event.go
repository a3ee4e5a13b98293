package rollout

import (
	"encoding/json"

	"github.com/ropewalk/ropewalk/data"
)

// Event is something that happened outside the coordinator.
type Event interface{ event() }

// Rendered answers a Render effect. Err is for prompts that can never be
// rendered (too long): the group is dropped.
type Rendered struct {
	Group     data.GroupID
	PromptIDs []int32
	Cut       string
	Err       error
}

// Arrived is one sample from the queue. Repeats and samples of closed groups are
// ignored.
type Arrived struct{ Rollout data.Rollout }

// Judged answers a Judge effect.
type Judged struct {
	Rollout data.RolloutID
	Group   data.GroupID
	Slot    int
	Verdict data.Verdict
}

// Advanced says that version is available to workers.
type Advanced struct{ Version int }

func (Rendered) event() {}
func (Arrived) event()  {}
func (Judged) event()   {}
func (Advanced) event() {}

// Effect is something the coordinator wants done.
type Effect interface{ effect() }

// Render asks for the prompt ids of a newly decided group.
type Render struct {
	Spec    data.Spec
	Problem *data.Problem
}

// Publish asks for a job to be queued, once, however often it is asked.
type Publish struct{ Job data.Job }

// Judge asks for a verdict on one sample.
type Judge struct {
	Rollout data.Rollout
	Problem *data.Problem
}

// Write asks for a batch to be made durable.
type Write struct{ Batch Batch }

// Finish says that nothing more will be asked: the run's batches are complete.
type Finish struct {
	Batches int
	Why     string
}

func (Render) effect()  {}
func (Publish) effect() {}
func (Judge) effect()   {}
func (Write) effect()   {}
func (Finish) effect()  {}

// Batch is the groups of one trainer step and the ledger entry that closes them.
type Batch struct {
	Number      int
	Groups      []*data.Group // that train, in group order
	Dropped     []*data.Group // closed with this batch, with reasons
	Next        data.GroupID  // groups below are closed for ever
	Planner     json.RawMessage
	TotalTokens int64 // completion tokens of the run so far
}

// Ledger is what manifests say of the batches already written.
type Ledger struct {
	Batches     int // written, numbered from 0
	Next        data.GroupID
	Planner     json.RawMessage // nil before the first batch
	TotalTokens int64
	// Earlier are the populations of closed groups that the planner needs.
	Earlier []Population
}
