package rsa

// rejection samples, asks the model of each sample whether it is right, and takes
// any of those it accepts; any of all where it accepts none. Verifications are a
// few tokens long: they count as tokens and not as generations.
var rejection = Method{
	Name:  "reject",
	About: "rejection sampling; the answer is a sample that the model itself judges right",
	Plan: func(n, k, t int) Plan {
		p := parallel(n, k, t)
		p.Verify = true
		return p
	},
	Rule: ByAccepted,
}
