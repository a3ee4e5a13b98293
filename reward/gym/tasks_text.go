package gym

// textTasks are those whose answer is compared as text, numbers or a data
// structure: algebra, algorithmic, arithmetic, code, cognition, induction and
// probability.
var textTasks = []Task{
	// algebra
	complexArithmetic, intermediateIntegration, polynomialEquations, polynomialMultiplication, substringTask("simple_equations"), simpleIntegration,
	// algorithmic
	abTask, substringTask("base_conversion"), substringTask("binary_alternation"), binaryMatrix, substringTask("caesar_cipher"), substringTask("count_primes"),
	cryptarithm, gameOfLife, gameOfLifeHalts, graphColor, groupAnagrams, substringTask("isomorphic_strings"), jugs, substringTask("letter_counting"), letterJumble,
	manipulateMatrix, substringTask("number_filtering"), numberSorting, palindromeGeneration, palindromePartitioning, poolMatrix, substringTask("ransom_note"),
	substringTask("rotate_matrix"), substringTask("rotten_oranges"), sentenceReordering, spellBackward, spiralMatrix, stringInsertion, substringTask("string_manipulation"),
	substringTask("string_splitting"), substringTask("string_synthesis"), wordLadder, substringTask("word_sequence_reversal"), wordSorting,
	// arithmetic
	substringTask("basic_arithmetic"), bitwiseArithmetic, calendarArithmetic, chainSum, substringTask("count_bits"), decimalArithmetic, decimalChainSum, dice, fractions,
	substringTask("gcd"), gsmSymbolic, substringTask("lcm"), substringTask("leg_counting"), numberFormat, powerFunction, primeFactors, products, timeIntervals,
	// code
	substringTask("bf"), codeio,
	// cognition
	colorCube, figletFont, substringTask("modulo_grid"), needleHaystack, substringTask("number_sequence"), rectangleCount, rubiksCube,
	// induction
	substringTask("acre"), substringTask("list_functions"),
	// probability
	coinFlip,
}
