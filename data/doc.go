// Package data holds the nouns of ropewalk and nothing else: it imports the
// standard library only, and everything else imports it.
//
// In the order in which one problem meets them:
//
//   - A [Problem] is a question with its gold answer and the name of its grader.
//   - A [Candidate] is the text of an earlier solution; K of them in prompt
//     order are the candidate set of one aggregation prompt.
//   - A [Spec] says which prompt a group answers: problem, kind, round and the
//     candidates. It is decided once and never changes.
//   - A [Job] is a Spec rendered to token ids, as a worker receives it.
//   - A [Rollout] is one completion of a job's prompt.
//   - A [Verdict] is what a grader says of a rollout.
//   - A [Group] is the G rollouts of one exact prompt, with their verdicts,
//     rewards and advantages: the unit whose rewards are compared.
package data
