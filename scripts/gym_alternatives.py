"""Answers that only make sense for one task: other right ones, partly right ones, and near misses."""

import ast
import json
from collections import deque


def rush_hour(board, most=200_000):
    """Moves that bring car A to the exit, found breadth first; none if that takes more positions than most."""
    cells = {}
    for i, c in enumerate(board):
        if c not in "ox":
            cells.setdefault(c, []).append(i)
    labels = sorted(cells)
    cars = [(cells[c][1] - cells[c][0], len(cells[c])) for c in labels]
    walls = {i for i, c in enumerate(board) if c == "x"}
    start = tuple(cells[c][0] for c in labels)
    seen, todo = {start: None}, deque([start])
    while todo and len(seen) < most:
        state = todo.popleft()
        if state[0] == 16:
            moves = []
            while seen[state]:
                state, move = seen[state]
                moves.append(move)
            return moves[::-1]
        taken = walls | {p + k * stride for p, (stride, size) in zip(state, cars, strict=True) for k in range(size)}
        for n, (stride, size) in enumerate(cars):
            for sign in (1, -1):
                at = state[n]
                for steps in range(1, 5):
                    front = at + size * stride if sign > 0 else at - stride
                    row_ends = stride == 1 and front // 6 != at // 6
                    if not 0 <= front < 36 or row_ends or front in taken:
                        break
                    at += sign * stride
                    after = state[:n] + (at,) + state[n + 1 :]
                    if after not in seen:
                        seen[after] = (state, f"{chr(ord('A') + n)}{'+' if sign > 0 else '-'}{steps}")
                        todo.append(after)
    return []


def boxnet(field):
    """Steps of one move each that bring every box to its target, first along x, then along y."""
    plan, left = [], {square: [i for i in items if i.startswith("target_")] for square, items in field.items()}
    for square, items in field.items():
        for box in (i for i in items if i.startswith("box_")):
            target = "target_" + box[4:]
            goal = next(s for s, there in left.items() if target in there)
            left[goal].remove(target)
            at, to = ([float(v) for v in s.split("_")] for s in (square, goal))
            for axis in (0, 1):
                while at[axis] != to[axis]:
                    agent = f"Agent[{at[0]}, {at[1]}]"
                    at[axis] += 1 if to[axis] > at[axis] else -1
                    plan.append({agent: f"move({box}, square[{at[0]}, {at[1]}])"})
            plan.append({f"Agent[{at[0]}, {at[1]}]": f"move({box}, {target})"})
    return plan


def example(name, entry):
    """A right answer: the stored one, or one that the metadata or a search gives where the task stores none."""
    meta = entry["metadata"]
    if isinstance(entry["answer"], str):
        return entry["answer"]
    if name == "graph_color":
        return json.dumps(meta["possible_answer"])
    if name == "rush_hour":
        return " ".join(rush_hour(meta["board_config"]))
    if name == "boxnet":
        return json.dumps(boxnet(meta["initial_state"]))
    return meta.get("example_correct_answer") or meta.get("example_answer") or ""


def special(name, entry, rng):
    """Alternative answers that only make sense for one task."""
    meta, gold = entry["metadata"], entry["answer"]
    if name in ("simple_integration", "intermediate_integration"):
        import sympy
        x = sympy.Symbol(meta["variable"])
        body = sympy.parse_expr(gold.replace(" + C", ""), local_dict={meta["variable"]: x})
        forms = [body, sympy.expand(body), sympy.factor(body), 2 * body, body + x, body + sympy.Rational(7, 3), sympy.diff(body, x), body * sympy.Rational(1001, 1000)]
        return [str(f) + tail for f in forms for tail in ("", " + C", " + K")] + [gold.replace("**", "^"), gold + " + C*" + str(x), str(sympy.N(body)) + " + C", meta["integrand"]]
    if name == "polynomial_multiplication":
        import sympy
        body = sympy.parse_expr(gold)
        return [meta["polynomial_expr"], str(sympy.factor(body)), f"2*({body})/2", f"-(-({body}))", f"({body}) + x - x", f"1*({body})", gold.replace("**", "^"), f"({gold})**1", f"x*({gold})/x"]
    if name == "rubiks_cube":
        scramble = meta["scramble_moves"].split()
        inverse = [m[:-1] if m.endswith("'") else m + "'" for m in reversed(scramble)]
        letters = ["R", "L", "U", "D", "F", "B", "R'", "U2", "F'", "Rw", "M", "X", "2R", "Uw'", "S'", "y", "D0", "B3", "U10"]
        return [" ".join(inverse), "\n".join(inverse), " ".join(inverse[:-1]), "X " + " ".join(inverse), meta.get("example_correct_answer") or "", meta["scramble_moves"]] + \
            [" ".join(rng.choices(letters, k=rng.randint(1, 9))) for _ in range(12)] + [" ".join(rng.choices(letters[:9], k=rng.randint(1, 9))) for _ in range(12)]
    if name == "complex_arithmetic":
        a, b = meta["result"]
        return [f"{a}+{b}i", f"{a}{b:+}j", f"({a}{b:+}i)", f"{b}i{a:+}", f"{a + 0.5}{b:+}i", f"{a}", f"{b}i", "i", "-i", "3+i", "3-i", f"{a}.0{b:+}.0i", f"((({a}{b:+}i)))", f"{a} {b}i", "1e2i", ".5+.5i", "+4i", "5.i"]
    if name == "group_anagrams":
        groups = [rng.sample(g, len(g)) for g in meta["solution"]]
        rng.shuffle(groups)
        return [json.dumps(groups), json.dumps(groups[:-1]), str(groups)]
    if name == "graph_color":
        options = meta["puzzle"]["color_options"]
        moved = dict(zip(options, options[1:] + options[:1], strict=True))
        colours = meta["possible_answer"]
        last = list(colours)[-1]
        others = [{k: moved[v] for k, v in colours.items()}, {k: options[0] for k in colours}, {**colours, last: 99}, {k: v for k, v in colours.items() if k != last}]
        return [json.dumps(c) for c in others]
    if name == "rush_hour":
        moves = rush_hour(meta["board_config"])
        return ["".join(moves), "I move " + " ".join(moves), " ".join(moves) + " B+1", " ".join(m[0] + "+1" for m in moves), "A+4", "B-1 C+2 A+1"]
    if name == "boxnet":
        plan = boxnet(meta["initial_state"])
        return [json.dumps(p) for p in (plan[1:], plan[: len(plan) // 2], plan[0] if plan else {}, [])]
    if name == "propositional_logic":
        example, names = meta["example_answer"], meta["variables"]
        return [example, f"({example})", f"¬¬({example})", f"({example}) ∨ {names[0]}", f"¬({example})", f"{names[0]} ∨ ¬{names[0]}", *names, f"{names[0]} ∧ ¬{names[0]}", f"({example}", example.replace("∨", "v"), "Z", *meta["premises"], " ∧ ".join(meta["premises"])]
    if name == "jugs":
        moves = json.loads(gold)
        return [json.dumps(m) for m in (["fill A", "empty A"] + moves, moves[:-1], moves + ["fill A"], moves + ["pour A->A"], ["fill Z"], [""], ["fill"], ["pour A-B"], [1], "fill A", ["Fill A"], ["fill  A "])]
    if name == "game_of_life_halting":
        return ["False", "True", "false", "true "]
    if name == "palindrome_generation":
        letters = "".join(meta["letters"])
        return [letters, "aba", "abba", gold.upper(), " " + gold + " ", gold[: len(gold) // 2]]
    if name == "word_ladder":
        words = gold.split(",")
        return [", ".join(words).lower(), ",".join(words[:1] + words[-1:]), ",".join(words[:1] + ["ZZZZZ"[: len(words[0])]] + words[1:]), ",".join(words[:1] + words[:1] + words[1:])]
    if name == "coin_flip":
        return ["1/2", "0.5", "1 / 2", "50%", "1/3", "0.3333", "3/8", "0.375", "1e-1", "2/0", "+1/4", "1/-4", "0.37", "0.1", "10", "100", "1e-9", "123456789012"]
    if name == "calendar_arithmetic":
        return ["Monday", "monday", "TUESDAY", "Friday ", "Yes", "no", "NO", "-1", "3", "30", "12", "Sat", "sUNDAY"]
    if name == "time_intervals":
        return ["10:00", "10:00:30", "10:00:30.500", "3 days", "3", "0 days, 10:00", "2 days, 10:00:05", "-1 days, 00:00", "25:61", "1:2:3:4", "1:2:3.4.5", "10 days, 5", "40 days, 12:00"]
    if name == "fraction_simplification":
        n, d = meta["numerator"], meta["denominator"]
        s, t = meta["simplified_numerator"], meta["simplified_denominator"]
        return [f"{s}/{t}", f"{s} / {t}", f"\\frac{{{s}}}{{{t}}}", f"$\\dfrac{{{s}}}{{{t}}}$", f"{n}/{d}", f"{n}/{t}", f"{s}/{d}", f"{2 * s}/{2 * t}", f"{s}/{t}/1", str(s), f"\\FRAC {{ {s} }} {{{t}}} x"]
    if name == "cryptarithm":
        return [gold.replace(",", " , "), gold.replace("=", " = "), gold + ",Z=1", gold.lower(), gold.split(",")[0], gold + ","]
    if name == "gsm_symbolic":
        return [f"The result is {gold} dollars", f"${gold}", f"{gold}.0", f"{gold}.5", f"x{gold}", f"{gold}%", "3.14.15", "1,234", "-5", "a-5"]
    if name == "number_sorting":
        values = [float(v) for v in ast.literal_eval(gold)]
        return [json.dumps(values), json.dumps([v + 0.5 for v in values]), json.dumps([v + 1.5 for v in values]), json.dumps([str(v) for v in values]), json.dumps(["nan"] * len(values)), "[" + ", ".join(["NaN"] * len(values)) + "]"]
    if name == "prime_factorization":
        return [gold.replace(" ", ""), gold.replace("×", "*"), "1 × " + gold, str(meta.get("number", 12)), gold + " ×", "-1 × -1 × " + gold]
    if name == "power_function":
        return [gold + "0", str(float(gold) * 1.0001), str(float(gold) * 1.01), "0", "1e10", "Infinity", "sNaN", f"{float(gold):.3g}", f"{float(gold):e}"]
    if name == "codeio":
        return ["The answer is " + gold, "```json\n" + gold + "\n```", gold + "}", "{" + gold, '{"root": ' + gold + "}"]
    return []
