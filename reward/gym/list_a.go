package gym

// tasksA are algebra, algorithmic, arithmetic, code, cognition, induction and
// probability.
var tasksA = []Task{}
