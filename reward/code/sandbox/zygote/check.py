"""Tests of the caller's own source, in a process that the program cannot reach.

Two children, each in a pid namespace of its own: one holds the program, one the
tests. Plain values cross between them, so that the tests never meet an object
of the program's making, and the program never sees a test.
"""

import builtins
import collections
import contextlib

LONGEST = 16 << 20  # bytes of one message


class BadTests(Exception):
    """The tests want what cannot be had here; the program is not at fault."""


class Ended(BaseException):
    """The program gave no answer; no test can catch it as an Exception."""

    def __init__(self, reply: dict):
        super().__init__(str(reply.get("error"))[:500])
        self.reply = reply


def encode(v):
    """A value as JSON that keeps what Python tells apart: tuples, sets, keys that are no text."""
    if v is None or isinstance(v, bool):
        return v
    for kind in (int, float, str):
        if isinstance(v, kind):
            return kind.__add__(v, kind()) if type(v) is not kind else v
    if isinstance(v, complex):
        return {"complex": [v.real, v.imag]}
    if isinstance(v, (bytes, bytearray)):
        return {"bytes": v.hex()}
    if isinstance(v, dict):
        return {"dict": [[encode(k), encode(w)] for k, w in v.items()]}
    for name, kind in (("list", (list, collections.deque)), ("tuple", tuple), ("set", set), ("frozenset", frozenset)):
        if isinstance(v, kind):
            return {name: [encode(w) for w in v]}
    raise TypeError(f"a value of type {type(v).__name__} cannot leave its process")


def decode(v):
    """Makes plain values only, whatever the text."""
    if not isinstance(v, dict):
        if isinstance(v, list):
            raise ValueError("a list without its kind")
        return v
    ((kind, inside),) = v.items()
    if kind == "dict":
        return {decode(k): decode(w) for k, w in inside}
    if kind == "complex":
        return complex(*inside)
    if kind == "bytes":
        return bytes.fromhex(inside)
    return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind](decode(w) for w in inside)


class Peer:
    """The socket between the two, a message a line."""

    def __init__(self):
        self.lines = socket.socket(fileno=PEER).makefile("rwb")

    def tell(self, message) -> None:
        self.lines.write(json.dumps(message).encode() + b"\n")
        self.lines.flush()

    def hear(self):
        try:
            line = self.lines.readline(LONGEST)
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            raise Ended({"error": "the program ended before its function gave a value"})
        return json.loads(line)


def run_program(job: dict, source: bytes) -> None:
    """Loads the program and answers calls of its functions."""
    peer = Peer()
    try:
        code = compile(source, "<program>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        peer.tell({"kind": "syntax", "error": last_line(error), "line": getattr(error, "lineno", 0) or 0})
        os._exit(1)
    names = module_of("program")
    try:
        exec(code, names)
        while True:
            request = peer.hear()
            peer.tell(answer(names, request))
    except Ended:
        os._exit(0)  # the tests are done
    except BaseException as error:
        peer.tell(describe(error, ""))
    os._exit(1)


def answer(names: dict, request: dict) -> dict:
    arguments, named = decode(request["arguments"]), decode(request["named"])
    try:
        return {"value": encode(entry(names, request["name"])(*arguments, **named))}
    except Exception as error:
        return {"raised": type(error).__name__, **describe(error, "")}


def proxy(peer: Peer, name: str):
    """A function that calls the program's of that name."""

    def call(*arguments, **named):
        try:
            request = {"name": name, "arguments": encode(arguments), "named": encode(named)}
        except TypeError as error:
            raise BadTests(f"argument of {name}: {error}") from None
        with contextlib.suppress(OSError):  # the program has ended: what it said last is still to be heard
            peer.tell(request)
        reply = peer.hear()
        if "value" in reply:
            return decode(reply["value"])
        if "raised" not in reply:
            raise Ended(reply)
        error = raised(str(reply["raised"]), str(reply.get("error")))
        error.reply = reply
        raise error

    return call


def raised(name: str, text: str) -> Exception:
    """An exception like the program's: of that class if Python has it, for tests that expect one."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception) and kind is not AssertionError:
        try:
            return kind(text)
        except TypeError:  # it wants more than a text
            pass
    return RuntimeError(text)


def wanted(tree: ast.AST, entry_point: str) -> set[str]:
    """The names that tests use and do not have: the program's functions."""
    own = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    own |= {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    own |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    own |= {(a.asname or a.name).split(".")[0] for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return {n for n in used - own if n not in PRELUDE and not hasattr(builtins, n)} | ({entry_point} - {""})


def run_tests(job: dict) -> None:
    """Runs the tests, which come on standard input, and reports."""
    peer, nonce = Peer(), job["nonce"]
    text = sys.stdin.buffer.read()

    def ends(kind: str, error: str, line=0) -> None:
        report({"nonce": nonce, "kind": kind, "error": error[:500], "line": line if isinstance(line, int) else 0})
        os._exit(1)

    try:
        tree = ast.parse(text)
        code = compile(tree, "<tests>", "exec", dont_inherit=True)
        names = module_of("tests")
        names.update({name: proxy(peer, name) for name in wanted(tree, job.get("entry", ""))})
    except BaseException as error:
        ends("tests", last_line(error))
    try:
        exec(code, names)
    except AssertionError as error:
        ends("failed", last_line(error))
    except BadTests as error:
        ends("tests", str(error))
    except BaseException as error:
        reply = getattr(error, "reply", {})
        kind = reply.get("kind") if reply.get("kind") in ("syntax", "memory") else "runtime"
        ends(kind, str(reply.get("error") or last_line(error)), reply.get("line", 0))
    report({"nonce": nonce, "value": "true"})
    os._exit(0)
