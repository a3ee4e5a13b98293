package math

// functions are the functions of one or more arguments, by their names in LaTeX
// and in plain text, with the name under which they are evaluated.
var functions = map[string]string{
	"sin": "sin", "cos": "cos", "tan": "tan", "tg": "tan", "cot": "cot", "ctg": "cot", "cotg": "cot", "sec": "sec", "csc": "csc", "cosec": "csc",
	"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctg": "atan", "asin": "asin", "acos": "acos", "atan": "atan", "arccot": "acot", "arcsec": "asec", "arccsc": "acsc",
	"sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "sh": "sinh", "ch": "cosh", "th": "tanh", "coth": "coth", "arcsinh": "asinh", "arsinh": "asinh", "asinh": "asinh", "arccosh": "acosh", "arcosh": "acosh", "acosh": "acosh", "arctanh": "atanh", "artanh": "atanh", "atanh": "atanh",
	"log": "log", "ln": "ln", "lg": "log10", "exp": "exp", "sqrt": "sqrt", "cbrt": "cbrt", "abs": "abs", "floor": "floor", "ceil": "ceil", "ceiling": "ceil",
	"cis": "cis", "det": "det", "gcd": "gcd", "lcm": "lcm", "max": "max", "min": "min", "Re": "re", "Im": "im", "arg": "arg", "sgn": "sgn", "sign": "sgn", "binom": "binom", "binomial": "binom", "C": "", "factorial": "factorial", "root": "",
}

// constants by their names.
var constants = map[string]string{
	"pi": "pi", "infty": "inf", "infinity": "inf", "inf": "inf", "oo": "inf", "Infinity": "inf", "INFINITY": "inf", "mathrm_e": "e",
}

// operators are words and commands that stand for a sign.
var operators = map[string]string{
	"cdot": "*", "times": "*", "ast": "*", "bullet": "*", "div": "/", "pm": "pm", "mp": "mp", "leq": "<=", "le": "<=", "leqslant": "<=", "geq": ">=", "ge": ">=", "geqslant": ">=", "neq": "!=", "ne": "!=", "lt": "<", "gt": ">", "approx": "~", "simeq": "~", "sim": "~", "equiv": "equiv",
	"in": "in", "notin": "notin", "cup": "cup", "bigcup": "cup", "cap": "cap", "setminus": "setminus", "smallsetminus": "setminus", "backslash": "setminus", "to": "to", "rightarrow": "to", "mid": "|", "vert": "|", "lvert": "|", "rvert": "|", "Vert": "|", "colon": ":", "land": "and", "lor": "or", "wedge": "and", "vee": "or",
	"ldots": "ldots", "dots": "ldots", "cdots": "ldots", "dotsc": "ldots", "dotsb": "ldots", "vdots": "ldots", "lbrace": "{{", "rbrace": "}}", "lbrack": "[", "rbrack": "]", "langle": "(", "rangle": ")", "lparen": "(", "rparen": ")", "lfloor": "lfloor", "rfloor": "rfloor", "lceil": "lceil", "rceil": "rceil", "prime": "'",
	"bmod": "bmod", "mod": "bmod", "pmod": "pmod", "circ": "circ", "degree": "degree", "emptyset": "emptyset", "varnothing": "emptyset", "implies": "then", "Rightarrow": "then", "therefore": "then", "Longrightarrow": "then", "iff": "then", "Leftrightarrow": "then", "cdotp": "*",
}

// greek letters and other commands that name a variable.
var symbolNames = map[string]bool{
	"alpha": true, "beta": true, "gamma": true, "delta": true, "epsilon": true, "varepsilon": true, "zeta": true, "eta": true, "theta": true, "vartheta": true, "iota": true, "kappa": true, "lambda": true, "mu": true, "nu": true, "xi": true, "rho": true, "sigma": true, "tau": true, "upsilon": true, "phi": true, "varphi": true, "chi": true, "psi": true, "omega": true,
	"Gamma": true, "Delta": true, "Theta": true, "Lambda": true, "Xi": true, "Pi": true, "Sigma": true, "Phi": true, "Psi": true, "Omega": true, "ell": true, "hbar": true, "aleph": true,
}

// silent commands change how an answer looks, not what it says.
var silent = map[string]bool{
	"left": true, "right": true, "middle": true, "big": true, "Big": true, "bigl": true, "bigr": true, "Bigl": true, "Bigr": true, "bigg": true, "Bigg": true, "biggl": true, "biggr": true, "Biggl": true, "Biggr": true, "displaystyle": true, "textstyle": true, "scriptstyle": true, "limits": true, "nolimits": true,
	"rm": true, "bf": true, "it": true, "ensuremath": true, "boxed": true, "fbox": true, "underline": true, "mathbf": true, "boldsymbol": true, "bm": true, "mathit": true, "mathsf": true, "mathnormal": true, "hfill": true, "centering": true, "large": true, "Large": true, "mathop": true, "mathord": true, "mathbin": true, "mathrel": true, "hline": true,
}

// blank commands are white space.
var blank = map[string]bool{",": true, ";": true, ":": true, ">": true, " ": true, "quad": true, "qquad": true, "!": true, "thinspace": true, "enspace": true, "medspace": true, "space": true, "newline": true}

// textual commands hold words.
var textual = map[string]bool{"text": true, "textbf": true, "textit": true, "textrm": true, "textsf": true, "texttt": true, "textnormal": true, "mathrm": true, "mbox": true, "hbox": true, "operatorname": true, "mathtt": true, "emph": true, "textup": true}

// decorated commands make a variable of what they stand over.
var decorated = map[string]bool{"vec": true, "overrightarrow": true, "overline": true, "hat": true, "widehat": true, "bar": true, "tilde": true, "dot": true, "ddot": true, "mathcal": true, "mathfrak": true, "mathscr": true, "overleftrightarrow": true}

// figures name what the letters after them are the corners of.
var figures = map[string]bool{"angle": true, "triangle": true, "measuredangle": true, "odot": true, "square": true, "parallelogram": true}

// environments with the brackets of their matrices.
var environments = map[string]bool{"matrix": true, "pmatrix": true, "bmatrix": true, "vmatrix": true, "Bmatrix": true, "smallmatrix": true, "array": true, "cases": true}

// nothings are words for no solution, and for no value.
var nothings = map[string]string{
	"no solution": "∅", "no solutions": "∅", "no real solution": "∅", "no real solutions": "∅", "no such": "∅", "empty set": "∅", "the empty set": "∅", "empty": "∅", "there is no solution": "∅", "there are no solutions": "∅", "no real roots": "∅", "none": "∅",
	"dne": "undefined", "does not exist": "undefined", "undefined": "undefined", "not defined": "undefined", "indeterminate": "undefined",
}
