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
// T counts populations: T = 1 is direct sampling, T = 2 single-step aggregation,
// K = 1 parallel self-refinement.
package rsa
