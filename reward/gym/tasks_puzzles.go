package gym

// puzzleTasks are those whose answer is mostly played or checked against rules:
// games, ARC, graphs, geometry and logic.
var puzzleTasks = []Task{
	// games
	boxnet, countdown, emojiMystery, futoshiki, kakurasu, knightSwap, substringTask("mahjong_puzzle"), substringTask("maze"),
	miniSudoku, nQueens, puzzle24, rushHour, sokoban, sudoku, survo, towerOfHanoi, tsumego,
	// arc
	substringTask("arc_1d"), arcAGI, reARC,
	// graphs
	substringTask("course_schedule"), familyRelationships, substringTask("largest_island"), pathStar, quantumLock, shortestPath,
	// geometry
	advancedGeometry, substringTask("simple_geometry"),
	// logic
	substringTask("aiw"), circuitLogic, knightsKnaves, propositionalLogic, selfReference, substringTask("syllogism"), zebraPuzzles,
}
