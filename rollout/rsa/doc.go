// Package rsa runs Recursive Self-Aggregation (arXiv 2509.26626, section 3) at
// test time: N rollouts of each problem, then rounds of N aggregation prompts,
// each with K candidates of the round before.
//
// One problem's walk, and who waits for whom:
//
//	round 0: N direct prompts ──► engine ──► grader ──► journal
//	                                                      │ all N stored
//	round t: for each i its own candidate set, K of N     ▼
//	         without replacement ──► prompt ──► engine ──► grader ──► journal
//
// Problems wait for nobody but themselves. What is asked is a function of (seed,
// problem, round, index) and of the stored rollouts of the round before, so a
// killed run goes on where its journal ends and ends with the same files.
//
// A run's folder, one process at a time by a lock:
//
//	settings.json            what decides the outcome; another call must say the same
//	journal.jsonl            while it is under way: a line for each finished rollout, CRC-32 and JSON
//	rollouts/000000.parquet  in the end: the archive, in order of problem, round and index, whole problems to a file
//	problems.jsonl           a [Result] a line: what reports and comparisons are made of
//	report.json              last: a [Report]; the journal goes after it
//	report.html              the report to look at; made again if it is missing
//
// Several seeds have a folder each (seed-N) in one that holds the last three over
// all of them; a sweep has a folder for each point, beside comparison.json and
// comparison.html, a [Comparison].
//
// A pool's work folder POOL.parquet.work holds the same until POOL.parquet and
// POOL.parquet.json (a [PoolReport]) are whole.
//
// T counts populations: T = 1 is direct sampling, T = 2 single-step aggregation,
// K = 1 parallel self-refinement. A [Method] spends the same budget in its own way,
// and a [Rule] answers from what came out.
//
// Where rollouts are verified by the model itself, the N verifications of a round
// are asked after it and before the next; in journal and ids they are rounds T to
// 2 T - 1, in the archive they stand after what they judge.
package rsa
