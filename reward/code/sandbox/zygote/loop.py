"""The zygote: waits for a job, forks a fresh child for it, tells what came of it."""

import base64
import fcntl


def spawn(body) -> int:
    """Forks a child into a pid namespace of its own: with the child dies all it started."""
    if CONFIG["namespaces"]:
        check(LIBC.unshare(CLONE_NEWPID), "unshare a pid namespace")
    pid = os.fork()
    if pid == 0:
        try:
            body()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(70)
    if CONFIG["namespaces"]:
        check(LIBC.setns(OWN_PIDS, CLONE_NEWPID), "setns back")
    return pid


RUNNERS = {"stdin": run_stdin, "call": run_call, "compile": run_compile}


def child(job: dict, fds: list[int]) -> None:
    program, stdin, stdout, stderr, result = fds
    if job["mode"] == "exec":
        descriptors({0: stdin, 1: stdout, 2: stderr, 3: program})
        confine(job)
        run_exec(job, 3)
    source = os.pread(program, os.fstat(program).st_size, 0)
    descriptors({0: stdin, 1: stdout, 2: stderr, RESULT: result})
    confine(job)
    RUNNERS[job["mode"]](job, source)


def start(job: dict, fds: list[int]) -> list[int]:
    """Starts what a job needs: its child, for tests of mode check the program's before it."""
    if job["mode"] != "check":
        return [spawn(lambda: child(job, fds))]
    program, tests, stdout, stderr, result = fds
    mine, theirs = socket.socketpair()
    null = os.open("/dev/null", os.O_RDWR)

    def hold() -> None:
        source = os.pread(program, os.fstat(program).st_size, 0)
        descriptors({0: null, 1: stdout, 2: stderr, RESULT: null, PEER: theirs.fileno()})
        confine(job)
        run_program(job, source)

    def ask() -> None:
        descriptors({0: tests, 1: null, 2: null, RESULT: result, PEER: mine.fileno()})
        confine(job)
        run_tests(job)

    pids = [spawn(hold), spawn(ask)]
    mine.close()
    theirs.close()
    os.close(null)
    return pids


def serve(job: dict, fds: list[int]) -> dict:
    """Runs one job to its end and says how it ended."""
    began = time.monotonic()
    *beside, pid = start(job, fds)
    for fd in fds:
        os.close(fd)
    watch = os.pidfd_open(pid)
    killed = wait(job["id"], watch)
    os.close(watch)
    _, status, usage = os.wait4(pid, 0)
    cpu, rss = usage.ru_utime + usage.ru_stime, usage.ru_maxrss
    for other in beside:
        os.kill(other, signal.SIGKILL)  # not yet waited for: the number is still its own
        _, _, usage = os.wait4(other, 0)
        cpu, rss = cpu + usage.ru_utime + usage.ru_stime, max(rss, usage.ru_maxrss)
    reap()
    SCRATCH.renew()
    return {
        "id": job["id"],
        "status": status,
        "killed": killed,
        "cpu": cpu,
        "wall": time.monotonic() - began,
        "rss": rss << 10,
    }


def wait(job: int, watch: int) -> bool:
    """Waits for the child; a word from outside, or its silence, ends it."""
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    poll.register(CONTROL, select.POLLIN)
    while True:
        ready = [fd for fd, _ in poll.poll()]
        if watch in ready:
            return False
        text = CONTROL.recv(1 << 16)
        if not text:
            os._exit(0)  # the grader is gone; with this process, the first of its namespace, go all
        if json.loads(text).get("kill") == job:
            signal.pidfd_send_signal(watch, signal.SIGKILL)
            return True


def reap() -> None:
    """Ends what is left of a program where no namespace does it."""
    if CONFIG["namespaces"]:
        return
    me = os.getpid()
    while True:
        with open(f"/proc/{me}/task/{me}/children") as f:
            pids = f.read().split()
        if not pids:
            return
        for pid in pids:
            os.kill(int(pid), signal.SIGKILL)
        for pid in pids:
            try:
                os.waitpid(int(pid), 0)
            except ChildProcessError:
                pass


def say(record: dict) -> None:
    CONTROL.send(json.dumps(record).encode())


CONTROL = socket.socket(fileno=3)
CONFIG = json.loads(CONTROL.recv(1 << 18))
FILTER = base64.b64decode(CONFIG["filter"])
try:
    if CONFIG["namespaces"]:
        OWN_PIDS = os.open("/proc/self/ns/pid", os.O_RDONLY)
        build_view()
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break
    if not CONFIG["namespaces"]:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    SCRATCH = Scratch()
    gc.collect()
    gc.freeze()
    gc.disable()
    say({"ready": True, "python": sys.version.split()[0]})
except Exception as error:
    say({"error": f"{type(error).__name__}: {error}"})
    os._exit(1)

while True:
    text, fds, _, _ = socket.recv_fds(CONTROL, 1 << 16, 8)
    if not text:
        os._exit(0)
    job = json.loads(text)
    if "kill" in job:
        continue  # it ended by itself in the meantime
    say(serve(job, fds))
