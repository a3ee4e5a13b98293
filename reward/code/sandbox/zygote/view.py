"""What the programs see: a root of its own with the interpreter, read-only."""


def build_view() -> None:
    """Replaces the root by a small read-only one. Runs in fresh namespaces."""
    root = CONFIG["root"]  # an empty folder of the host, made for this
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("ropewalk", root, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME, "size=1m,mode=755")
    for path in CONFIG["visible"]:
        show(root, path)
    for name in ("null", "zero", "full", "random", "urandom"):
        show(root, "/dev/" + name)
    os.symlink("/tmp", root + "/dev/shm")
    os.mkdir(root + "/tmp")
    read_only(root)
    os.chdir(root)
    syscall("pivot_root", ctypes.c_char_p(b"."), ctypes.c_char_p(b"."))
    check(LIBC.umount2(b".", MNT_DETACH), "umount the old root")
    os.chdir("/")


def show(root: str, path: str) -> None:
    """Makes a path of the host visible at the same place."""
    target = root + path
    if os.path.lexists(target) or not os.path.exists(path):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(path, target, None, MS_BIND | MS_REC)


class Scratch:
    """The one writable folder, new for each program."""

    def __init__(self):
        self.path = CONFIG["scratch"]
        if CONFIG["namespaces"]:
            self.mount()
        self.mark = self.state()

    def mount(self) -> None:
        size = f"size={CONFIG['disk']},nr_inodes={CONFIG['files']},mode=1777"
        mount("scratch", self.path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME, size)

    def state(self) -> tuple:
        # Nobody can set the time of a change, so that an equal one means: untouched, not even its mode or times.
        s = os.stat(self.path)
        return s.st_ino, s.st_dev, s.st_mode, s.st_uid, s.st_nlink, s.st_size, s.st_mtime_ns, s.st_ctime_ns

    def renew(self) -> None:
        """Throws away what a program left, if it left anything."""
        if self.state() == self.mark:
            return
        if CONFIG["namespaces"]:
            check(LIBC.umount2(self.path.encode(), MNT_DETACH), "umount scratch")
            self.mount()
        else:
            empty(self.path)
        self.mark = self.state()


def empty(folder: str) -> None:
    """Removes what is in a folder, without following links, as deep as it may be."""
    import shutil

    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)
    os.chmod(folder, 0o700)
