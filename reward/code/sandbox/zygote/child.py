"""What runs in a fresh child: the user's program, and what asks it."""

import _thread
import atexit
import ast
import linecache
import random
import threading
import traceback
import types

# The names that LiveCodeBench's graders give a program.
STARS = "string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json builtins typing"
PRELUDE: dict = {}
for module in STARS.split():
    exec(f"from {module} import *", PRELUDE)
for module in STARS.split():
    exec(f"import {module}", PRELUDE)
for name in [n for n in PRELUDE if n.startswith("__")]:
    del PRELUDE[name]
del PRELUDE["builtins"], PRELUDE["operator"], module, name
PRELUDE["operator"] = sys.modules["operator"]
for extra in ("decimal", "fractions", "array", "cmath", "queue", "contextlib", "dataclasses", "enum", "abc", "numbers", "textwrap"):
    __import__(extra)  # imported by many programs: loaded once, here

RESULT = 3  # the descriptor on which a child reports
PEER = 4  # the socket between a program and the tests that call it


def descriptors(wanted: dict[int, int]) -> None:
    """Makes wanted's values the descriptors of its keys and closes all others."""
    high = {n: fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for n, fd in wanted.items()}
    for n, fd in high.items():
        os.dup2(fd, n, inheritable=n <= 2)
    os.closerange(max(wanted) + 1, 1 << 16)


def limits(job: dict) -> None:
    def limit(what, value):
        resource.setrlimit(what, (value, value))

    memory = job["memory"]
    limit(resource.RLIMIT_CPU, job["cpu"])
    limit(resource.RLIMIT_DATA, memory)
    limit(resource.RLIMIT_AS, memory + CONFIG["slack"])
    limit(resource.RLIMIT_STACK, min(memory, job["stack"]))
    limit(resource.RLIMIT_FSIZE, job["output"])
    limit(resource.RLIMIT_NPROC, job["processes"] + CONFIG["own"])
    limit(resource.RLIMIT_NOFILE, 128)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_MEMLOCK, 0)
    limit(resource.RLIMIT_MSGQUEUE, 0)


def confine(job: dict) -> None:
    """Gives up, for good, everything that a program does not need."""
    os.setsid()
    os.chdir(CONFIG["scratch"])
    limits(job)
    user = CONFIG["user"]
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    drop_capabilities()
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    if CONFIG["landlock"]:
        landlock(CONFIG["landlock"], CONFIG["readable"], [CONFIG["scratch"], *CONFIG["devices"]])
    if FILTER:
        seccomp(FILTER)


def report(record: dict) -> None:
    """Writes the one record that a child gives back."""
    text = json.dumps(record, allow_nan=False).encode()
    os.ftruncate(RESULT, 0)
    os.pwrite(RESULT, text, 0)


def last_line(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception_only(error)).strip().splitlines()[-1][:500]
    except BaseException:
        return type(error).__name__


def describe(error: BaseException, nonce: str) -> dict:
    """The record of a program that raised; its frames go to standard error."""
    where = error.__traceback__
    while where and where.tb_frame.f_code.co_filename != "<program>":
        where = where.tb_next
    try:
        sys.stderr.write("".join(traceback.format_exception(type(error), error, where, limit=-20))[-8000:])
        sys.stderr.flush()
    except BaseException:
        pass
    kind = "memory" if isinstance(error, MemoryError) else "runtime"
    return {"nonce": nonce, "kind": kind, "error": last_line(error), "line": where.tb_lineno if where else 0}


def load(source: bytes, name: str, nonce: str) -> tuple[types.CodeType, dict]:
    """Compiles a program and makes its module. A bad one is reported and ends the child."""
    try:
        code = compile(source, "<program>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        line = getattr(error, "lineno", 0) or 0
        report({"nonce": nonce, "kind": "syntax", "error": last_line(error), "line": line})
        os._exit(1)
    return code, module_of(name)


def module_of(name: str) -> dict:
    """The names of a fresh module, with the prelude, in an interpreter made ready for it."""
    module = types.ModuleType(name)
    module.__dict__.update(PRELUDE)
    module.__dict__["__name__"] = name
    sys.modules[name] = module
    sys.modules.pop("__main__", None) if name != "__main__" else None
    sys.argv = ["program.py"]
    random.seed(0)  # the same verdict every time
    sys.setrecursionlimit(50_000)
    gc.enable()
    return module.__dict__


def exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    sys.stderr.write(str(error.code))
    return 1


def finish(code: int) -> None:
    """Ends as the interpreter would, without taking its modules down."""
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException:
        code = code or 120
    os._exit(code)


def run_stdin(job: dict, source: bytes) -> None:
    """A program that reads standard input and writes standard output."""
    code, names = load(source, "__main__", job["nonce"])
    status = 0
    try:
        exec(code, names)
    except SystemExit as error:
        status = exit_code(error)
    except BaseException as error:
        report(describe(error, job["nonce"]))
        status = 1
    finish(status)


def entry(names: dict, name: str):
    """The function that the tests ask for: a method of Solution, or a plain one."""
    solution = names.get("Solution")
    if isinstance(solution, type) and hasattr(solution, name):
        return getattr(solution(), name)
    if name not in names:
        raise NameError(f"the program defines no {name}")
    return names[name]


def run_call(job: dict, source: bytes) -> None:
    """A program one of whose functions is called once, with arguments of JSON."""
    dumps = json.JSONEncoder(allow_nan=False).encode
    arguments = [json.loads(line) for line in sys.stdin.buffer.read().splitlines() if line.strip()]
    code, names = load(source, "program", job["nonce"])
    try:
        exec(code, names)
        value = entry(names, job["entry"])(*arguments)
    except BaseException as error:
        report(describe(error, job["nonce"]))
        os._exit(1)
    try:
        text = dumps(value)
    except BaseException as error:
        report({"nonce": job["nonce"], "kind": "value", "error": last_line(error)})
        os._exit(1)
    report({"nonce": job["nonce"], "value": text})
    os._exit(0)


def run_exec(job: dict, program: int) -> None:
    """A compiled program, which reads standard input and writes standard output."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.set_inheritable(program, False)
    os.execve(program, ["program"], {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})


def run_compile(job: dict, source: bytes) -> None:
    """Compiles a program; what comes out is the result, not a record."""
    with open("program" + job["suffix"], "wb") as out:
        out.write(source)
    pid = os.posix_spawn(job["argv"][0], job["argv"], {"PATH": "/usr/bin:/bin", "TMPDIR": CONFIG["scratch"], "LC_ALL": "C.UTF-8"})
    _, status = os.waitpid(pid, 0)
    if status == 0:
        with open("program.out", "rb") as made:
            while chunk := made.read(1 << 20):
                os.write(RESULT, chunk)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
