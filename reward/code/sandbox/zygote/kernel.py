"""System calls that Python's own library does not offer.

The five files of this folder are one program: worker_linux.go joins them in the
order kernel, view, child, check, loop and gives the text to python3 -c.
"""

import ctypes
import errno
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWPID = 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME = 1, 2, 4, 8, 1024
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 4, 22, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38


def check(result: int, what: str) -> int:
    """Raises OSError, naming the call, for a result below 0."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def syscall(name: str, *args) -> int:
    """Calls by number; CONFIG has the numbers of this machine."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return check(LIBC.syscall(ctypes.c_long(CONFIG["syscalls"][name]), *words), name)


def prctl(option: int, a: int = 0, b=0) -> None:
    b = ctypes.c_ulong(b) if isinstance(b, int) else b
    zero = ctypes.c_ulong(0)
    check(LIBC.prctl(ctypes.c_int(option), ctypes.c_ulong(a), b, zero, zero), f"prctl {option}")


def mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    done = LIBC.mount(source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), data.encode())
    check(done, f"mount {target}")


def read_only(path: str, more: int = 0) -> None:
    """Makes a mount and all below it read-only, without set-uid."""
    MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, AT_RECURSIVE = 1, 2, 0x8000
    attr = ctypes.create_string_buffer(struct.pack("QQQQ", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | more, 0, 0, 0))
    syscall("mount_setattr", -100, ctypes.c_char_p(path.encode()), AT_RECURSIVE, attr, 32)


def drop_capabilities() -> None:
    header = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0))  # version 3, this thread
    syscall("capset", header, ctypes.create_string_buffer(24))


# Of Landlock's rights on files, per version of its interface: every right handled is
# denied but where a rule grants it.
LANDLOCK_FS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
LANDLOCK_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, read a folder


def landlock_version() -> int:
    """The version of the kernel's interface, 0 without Landlock."""
    try:
        return syscall("landlock_create_ruleset", 0, 0, 1)
    except OSError:
        return 0


def landlock(version: int, readable: list[str], writable: list[str]) -> None:
    """Confines this process: files below readable can be read and run, those below
    writable also written; no TCP; no signals and no abstract sockets to others."""
    handled = LANDLOCK_FS[min(version, 5)]
    net = 3 if version >= 4 else 0
    scope = 3 if version >= 6 else 0
    attr = struct.pack("QQQ", handled, net, scope)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    rules = syscall("landlock_create_ruleset", ctypes.create_string_buffer(attr, len(attr)), len(attr), 0)
    for rights, paths in ((LANDLOCK_READ, readable), (handled, writable)):
        for path in paths:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            allowed = rights if os.path.isdir(path) else rights & (handled & 0b111 | 1 << 14)
            rule = ctypes.create_string_buffer(struct.pack("=Qi", allowed & handled, fd), 12)
            syscall("landlock_add_rule", rules, 1, rule, 0)
            os.close(fd)
    syscall("landlock_restrict_self", rules, 0)
    os.close(rules)


class SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def seccomp(program: bytes) -> None:
    """Installs a filter of system calls, 8 bytes an instruction."""
    prog = SockFprog(len(program) // 8, program)
    prctl(PR_SET_SECCOMP, 2, ctypes.byref(prog))
