// Package rollout decides what to sample and what becomes of it.
//
// The [Coordinator] is pure: Step(event) returns effects, with no clock, no
// network and no goroutine. One group's life, and who waits for whom:
//
//	Planner.Next ── Spec ──► Render effect ──► Rendered event ──► Publish effect
//	   ▲ waits for the history it                                     │
//	   │ draws on (policy, cache)                              queue, worker, engine
//	   │                                                              │
//	   │      Judged event ◄── grader pool ◄── Judge effect ◄── Arrived event (per sample)
//	   │           │
//	   │   all G samples judged: accepted, or dropped with a reason and replaced
//	   │           │
//	   └───── in group order, the next groups_per_batch accepted ──► Write effect
//	                                                                  │
//	          Advanced event ◄── trainer exports version b+1 ◄── batch b on disk
//
// Groups enter batches in the order in which they were decided, not in the
// order in which they finish: a batch is then a function of seed and samples,
// a resumed run rebuilds it to the byte, and short answers gain no place.
//
// Subpackages: queue (JetStream), engine (inference), worker (the loop beside an
// engine), config, training (the goroutines around the coordinator).
package rollout
