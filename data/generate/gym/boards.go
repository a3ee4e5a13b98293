package gym

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

var maze = Task{
	Name: "maze",
	Settings: []Setting{
		{"size", 8, 4, 40, "width and height, walls included"},
		{"steps", 4, 1, 200, "steps of the shortest way at least"},
	},
	Make: makeMaze,
}

var miniSudoku = Task{
	Name:     "mini_sudoku",
	Settings: []Setting{{"size", 8, 1, 11, "empty cells (fewer where more would allow two solutions)"}},
	Make:     makeMiniSudoku,
}

var nQueens = Task{
	Name:     "n_queens",
	Settings: []Setting{{"size", 6, 4, 9, "side of the board"}, {"removed", 4, 1, 9, "queens to place"}},
	Make:     makeQueens,
}

var graphColor = Task{
	Name:     "graph_color",
	Settings: []Setting{{"size", 8, 2, 60, "vertices"}, {"colors", 3, 2, 6, "colours"}, {"edges", 40, 1, 100, "percent of the possible edges"}},
	Make:     makeGraphColor,
}

func makeMaze(r *rand.Rand, set map[string]int) (Entry, bool) {
	side := set["size"]
	grid := make([][]byte, side)
	var floor []int
	for y := range grid {
		grid[y] = []byte(strings.Repeat("#", side))
		for x := range grid[y] {
			if x > 0 && y > 0 && x < side-1 && y < side-1 && r.IntN(10) >= 3 {
				grid[y][x] = '.'
				floor = append(floor, y*side+x)
			}
		}
	}
	if len(floor) < 2 {
		return Entry{}, false
	}
	floor = shuffled(r, floor)
	start, goal := floor[0], floor[1]
	steps := shortest(grid, start, goal)
	if steps < set["steps"] {
		return Entry{}, false
	}
	grid[start/side][start%side], grid[goal/side][goal%side] = 'S', 'G'
	rows := make([]string, side)
	for y := range grid {
		rows[y] = string(grid[y])
	}
	return Entry{
		"How many steps up, down, left or right does the shortest way from S to G take? # is a wall, . is free.\n\n" + strings.Join(rows, "\n") + "\n\nAnswer with the number alone.",
		strconv.Itoa(steps), map[string]any{
			"grid_size": side, "grid": rows, "shortest_path_length": steps, "start": "S", "goal": "G", "wall": "#", "path": ".",
		}}, true
}

// shortest is the number of steps between two cells of a walled grid, -1 if
// there is no way.
func shortest(grid [][]byte, start, goal int) int {
	side := len(grid)
	steps := map[int]int{start: 0}
	for todo := []int{start}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		if at == goal {
			return steps[at]
		}
		for _, d := range [...]int{-1, 1, -side, side} {
			if _, seen := steps[at+d]; !seen && grid[(at+d)/side][(at+d)%side] == '.' {
				steps[at+d] = steps[at] + 1
				todo = append(todo, at+d)
			}
		}
	}
	return -1
}

func makeMiniSudoku(r *rand.Rand, set map[string]int) (Entry, bool) {
	var full [16]int
	fillMini(r, &full, 1)
	puzzle := full
	empty := 0
	for _, i := range r.Perm(16) {
		if empty == set["size"] {
			break
		}
		keep := puzzle[i]
		puzzle[i] = 0
		if trial := puzzle; fillMini(nil, &trial, 2) > 1 {
			puzzle[i] = keep
			continue
		}
		empty++
	}
	grid := func(cells [16]int) [][]int { return slices.Collect(slices.Chunk(cells[:], 4)) }
	shown := strings.ReplaceAll(joinRows(grid(puzzle)), "0", "_")
	return Entry{
		"Fill this 4 by 4 sudoku: each row, each column and each of the four 2 by 2 squares holds 1, 2, 3 and 4.\n\n" + shown + "\n\nAnswer with the full grid in the same form.",
		joinRows(grid(full)), map[string]any{"puzzle": grid(puzzle), "solution": grid(full), "num_empty": empty},
	}, empty > 0
}

// fillMini fills the empty cells, in random order if r is given, and counts the
// solutions up to most; with most 1 the cells hold the solution.
func fillMini(r *rand.Rand, cells *[16]int, most int) int {
	at := slices.Index(cells[:], 0)
	if at < 0 {
		return 1
	}
	values := []int{1, 2, 3, 4}
	if r != nil {
		values = shuffled(r, values)
	}
	found := 0
	for _, v := range values {
		if !fits(cells, at, v) {
			continue
		}
		cells[at] = v
		if found += fillMini(r, cells, most-found); found >= most {
			return found
		}
		cells[at] = 0
	}
	return found
}

func fits(cells *[16]int, at, v int) bool {
	for i, w := range cells {
		sameBox := i/8 == at/8 && i%4/2 == at%4/2
		if w == v && (i/4 == at/4 || i%4 == at%4 || sameBox) {
			return false
		}
	}
	return true
}

func makeQueens(r *rand.Rand, set map[string]int) (Entry, bool) {
	n := set["size"]
	all := queens(n)
	solved := pick(r, all)
	removed := min(set["removed"], n)
	given := slices.Clone(solved)
	for _, row := range r.Perm(n)[:removed] {
		given[row] = -1
	}
	var solutions [][][]string
	var valid []string
	for _, s := range all {
		if slices.ContainsFunc(r.Perm(n), func(row int) bool { return given[row] >= 0 && given[row] != s[row] }) {
			continue
		}
		solutions = append(solutions, queenRows(s))
		valid = append(valid, joinRows(queenRows(s)))
	}
	slices.Sort(valid)
	return Entry{
		fmt.Sprintf("Place %d more queens (Q) on this %d by %d board so that no two of the %d share a row, a column or a diagonal. The given ones stay.\n\n%s\n\nAnswer with the full board in the same form.",
			removed, n, n, n, joinRows(queenRows(given))),
		joinRows(queenRows(solved)), map[string]any{
			"puzzle": queenRows(given), "solutions": solutions, "valid_answers": valid, "num_removed": removed,
		}}, true
}

// queens gives all solutions: the column of the queen of each row.
func queens(n int) (all [][]int) {
	var place func(rows []int)
	place = func(rows []int) {
		if len(rows) == n {
			all = append(all, slices.Clone(rows))
			return
		}
		for c := range n {
			free := true
			for i, d := range rows {
				free = free && c != d && c-d != len(rows)-i && d-c != len(rows)-i
			}
			if free {
				place(append(rows, c))
			}
		}
	}
	place(make([]int, 0, n))
	return all
}

// queenRows writes a queen per row; -1 is none.
func queenRows(columns []int) [][]string {
	rows := make([][]string, len(columns))
	for i, c := range columns {
		rows[i] = slices.Repeat([]string{"_"}, len(columns))
		if c >= 0 {
			rows[i][c] = "Q"
		}
	}
	return rows
}

func makeGraphColor(r *rand.Rand, set map[string]int) (Entry, bool) {
	n, colours := set["size"], set["colors"]
	vertices, options := make([]int, n), make([]int, colours)
	colouring := map[string]int{}
	for i := range options {
		options[i] = i + 1
	}
	for i := range vertices {
		vertices[i] = i
		colouring[strconv.Itoa(i)] = between(r, 1, colours)
	}
	edges := [][2]int{}
	for i := range n {
		for j := range i {
			if colouring[strconv.Itoa(i)] != colouring[strconv.Itoa(j)] && r.IntN(100) < set["edges"] {
				edges = append(edges, [2]int{j, i})
			}
		}
	}
	answer, _ := json.Marshal(colouring) // strings and numbers always marshal
	return Entry{
		fmt.Sprintf("Colour the vertices of this graph so that no edge joins two of one colour.\nVertices: %s\nEdges: %s\nColours: %s\nAnswer with a JSON object from vertices to colours, such as {\"0\": 1, \"1\": 2}.",
			join(vertices, ", "), join(edges, ", "), join(options, ", ")),
		string(answer), map[string]any{
			"possible_answer": colouring, "num_vertices": n,
			"puzzle": map[string]any{"vertices": vertices, "edges": edges, "num_colors": colours, "color_options": options},
		}}, len(edges) > 0
}
