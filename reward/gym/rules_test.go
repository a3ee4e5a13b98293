package gym_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/reward/gym"
)

// entryOf builds an entry.
func entryOf(answer, meta string) *gym.Entry {
	return &gym.Entry{Answer: &answer, Metadata: json.RawMessage(meta)}
}

// Rules that no vector of the package's shows: what we do where it is not sound,
// and that reasons name the place.
func TestRules(t *testing.T) {
	box := entryOf("", `{"initial_state":{"0.5_0.5":["box_red","target_blue"],"0.5_1.5":["target_red","box_blue"]}}`)
	queens := entryOf("", `{"puzzle":[["_","Q","_","_"],["_","_","_","_"],["_","_","_","_"],["_","_","_","_"]]}`)
	rush := entryOf("", `{"board_config":"ooooooooooooAAoBoooooBoooooooooooooo"}`)
	two := entryOf("5 1 6\n1 5 6\n6 6 12", `{"puzzle":[[0,0,6],[0,0,6],[6,6,12]],"solution":[[5,1,6],[1,5,6],[6,6,12]],"candidate_numbers":[5,1,1,5]}`)
	cases := []struct {
		task   string
		entry  *gym.Entry
		answer string
		strict bool
		score  float64
		reason string
	}{
		{"boxnet", box, `[{"Agent[0.5, 0.5]":"move(box_red, square[0.5, 1.5])"},{"Agent[0.5, 1.5]":"move(box_red, target_red)"}]`, false, 0.5, "1 of 2"},
		{"boxnet", box, `[{"Agent[0.5, 1.5]":"move(target_red, square[0.5, 0.5])"},{"Agent[0.5, 0.5]":"move(box_red, target_red)"}]`, false, 0.05, `"target_red" is no box`},
		{"boxnet", box, `[{"Agent[0.5, 1.5]":"move(target_red, square[0.5, 0.5])"},{"Agent[0.5, 0.5]":"move(box_red, target_red)"}]`, true, 0.5, "1 of 2"},
		{"boxnet", box, `[{"Agent[0.5, 0.5]":"move(box_red, square[1.5, 0.5])"}]`, false, 0.05, "step 1, \"Agent[0.5, 0.5]\": the square is outside the field"},
		{"boxnet", box, `[1]`, false, 0, "step 1"},
		{"n_queens", queens, "_ Q _ _\n_ _ _ Q\nQ _ _ _\n_ _ Q _", false, 1, "valid"},
		{"n_queens", queens, "_ _ Q _\nQ _ _ _\n_ _ _ Q\n_ Q _ _", false, 0, "given queen of row 1, column 2"},
		{"n_queens", queens, `["_Q__","___Q","Q___","__Q_"]`, false, 0.5, "Python list"},
		{"n_queens", queens, "_ Q _ _\nQ _ _ _\n_ _ _ Q\n_ _ Q _", false, 0, "rows 1 and 2 share a diagonal"},
		{"rush_hour", rush, "A+4", false, 0.01, "move 1 (A+4): the way is blocked"},
		{"rush_hour", rush, "B+2 A+4", false, 1, "exit"},
		{"rush_hour", rush, "C+1 B+2 A+4", false, 1, "exit"},
		{"rush_hour", rush, "C+1 B+2 A+4", true, 0, "no car C"},
		{"rush_hour", rush, "B+999999999999999999999999 A+4", false, 1, "exit"},
		{"survo", two, "1 5 6\n5 1 6\n6 6 12", false, 1, "another"},
		{"survo", two, "1 5 6\n5 1 6\n6 6 12", true, 0, "row 1, column 1"},
		{"survo", two, "1 1 6\n5 5 6\n6 6 12", false, 0, "row 1 sums to 2"},
		{"countdown", entryOf("", `{"numbers":[1,5,2],"target":3}`), "1.5*2", true, 1, "makes 3"},
		{"countdown", entryOf("", `{"numbers":[1,5,2],"target":3}`), "1.5*2", false, 0.05, "numbers used"},
		{"countdown", entryOf("", `{"numbers":[3,2],"target":9}`), "3**2", false, 1, "makes 9"},
		{"countdown", entryOf("", `{"numbers":[9,9,9],"target":9}`), "9**9**9", false, 0.01, "too large"},
		{"countdown", entryOf("", `{"numbers":[1],"target":1}`), "__import__('os').getpid()", false, 0.01, "not an expression"},
		{"puzzle24", entryOf("", `{"numbers":[1,2,3,4]}`), "4*6*1*1", false, 0.01, "numbers used"},
		{"puzzle24", entryOf("", `{"numbers":[1,2,3,4]}`), "4*6*1*1", true, 1, "24"},
		{"puzzle24", entryOf("", `{"numbers":[9,7,8,5]}`), "5*5-1/3", true, 1, "24"},
		{"knights_knaves", entryOf("Zoe is a knight, and Bob is a knave.", `{}`), "Zoe is a knight. Zoe is a knave.", false, 0, "two roles"},
		{"knights_knaves", entryOf("Zoe is a knight, and Bob is a knave.", `{}`), "Zoe is a knight. Zoe is a knave.", true, 0.65, "1 of 2"},
		{"tower_of_hanoi", entryOf("", `{"num_disks":2,"num_pegs":3,"start_peg":1,"target_peg":3,"solution_length":3}`), "Move disk 1 from Peg 1 to Peg 2\nMove disk 2 from Peg 1 to Peg 2", false, 0, "move 2: disk 2 cannot lie on the smaller disk 1"},
		{"sokoban", entryOf("", `{"gamestr":"+ + + + +  \n+ * @ X +  \n+ + + + +  \n"}`), "UR", false, 1, "all boxes"},
		{"sokoban", entryOf("", `{"gamestr":"+ + + + +  \n+ * @ X +  \n+ + + + +  \n"}`), "U", false, 0, "the first is move 1 (U)"},
		{"sokoban", entryOf("", `{"gamestr":"* @ X"}`), "L", false, 0, "move 1 (L) leaves the board"},
		{"knight_swap", entryOf("", `{"is_possible":true,"board":{"A1":["B3"],"B3":["A1"]},"pieces":{"A1":"w","B3":"B"},"start_turn":"w","solution":[]}`), `["w,A1,B3"]`, false, 0, `move 1 ("w,A1,B3"): "B3" is taken`},
		{"futoshiki", entryOf("1   2\n     \n2   1", `{"puzzle":[[0,0],[0,0]],"constraints":[],"solution":[[1,2],[2,1]]}`), "2   1\n     \n1   2", false, 1, "valid"},
		{"futoshiki", entryOf("1   2\n     \n2   1", `{"puzzle":[[0,0],[0,0]],"constraints":[],"solution":[[1,2],[2,1]]}`), "2   1\n     \n1   2", true, 0, "0 of 4"},
		{"propositional_logic", entryOf("", `{"variables":["P","Q"],"premises":["P","(P → Q)"]}`), "P ∧ Q", false, 1, "follows"},
		{"propositional_logic", entryOf("", `{"variables":["P","Q"],"premises":["P"]}`), "P ∧ Q", false, 0.05, "P=true Q=false"},
		{"shortest_path", entryOf("right", `{"matrix":[["*","#"],["O","O"]]}`), "down right up", false, 0.5, "3 steps"},
		{"shortest_path", entryOf("right", `{"matrix":[["*","#"],["X","O"]]}`), "down right up", false, 0, "step 1 (down) runs into"},
	}
	for _, c := range cases {
		r := taskNamed(t, c.task).Score(c.entry, c.answer, c.strict)
		if r.Bad != nil || math.Abs(r.Score-c.score) > 1e-9 || !strings.Contains(r.Reason(), c.reason) {
			t.Errorf("%s %q (strict %v): got %v, %q, %v; want %v, %q", c.task, c.answer, c.strict, r.Score, r.Reason(), r.Bad, c.score, c.reason)
		}
	}
}
