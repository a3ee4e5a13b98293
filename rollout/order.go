package rollout

// order visits all problems once per epoch, each epoch in its own permutation.
type order struct {
	seed  int64
	n     int
	epoch int64 // of perm; -1 before the first
	perm  []int
}

func newOrder(seed int64, n int) *order { return &order{seed: seed, n: n, epoch: -1} }

// at is the index of the i-th problem visited.
func (o *order) at(i int64) int {
	epoch := i / int64(o.n)
	if epoch != o.epoch {
		o.epoch = epoch
		o.perm = Rand(o.seed, "order", epoch).Perm(o.n)
	}
	return o.perm[i%int64(o.n)]
}
