// Package queue carries jobs to workers and results back, over NATS JetStream.
// It is the only importer of nats.go and nats-server.
//
// What a run keeps on the server, run being its subject-safe id:
//
//	stream           subjects                            keeps
//	RW_<run>_JOBS    rw.<run>.job.<group>                open jobs, one per group (work queue in memory)
//	RW_<run>_RES0…3  rw.<run>.res.<shard>.<group>.<slot> results, one per sample, until [Conn.Forget]
//	RW_<run>_STATE   rw.<run>.state.weights              the current weights
//
// and what passes through without being kept: rw.<run>.beat.<worker> (presence),
// rw.<run>.cancel, rw.<run>.tokenize (request and reply).
//
// Who may rely on what:
//
//   - A job exists at most once while it is open: publishing it again is refused
//     by the stream, and taken for success.
//   - A result is written once: the first write of a slot wins, for good, by the
//     stream's own rule. Leases therefore only save work; two workers on one
//     job, or an acknowledgement lost, cost computation and never correctness.
//   - A result or weights that a call reported as stored survive the death of any
//     process; with durability fsync, that of the machine too. Jobs survive the
//     death of the server as long as their coordinator lives, and the other way
//     round; when both die, the coordinator publishes them again.
//   - An error from a publish says nothing of whether it was stored, so each one
//     is repeated until the server has answered. All of them can be repeated.
//
// The ledger of what was consumed is not here: it is the manifests of the
// batches. The coordinator reads all stored results again when it starts.
package queue
