package sandbox

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// allowed lists the system calls that computing, files in the scratch folder,
// threads and subprocesses need. Every other one fails with EPERM: sockets,
// mounts, tracing, keys, namespaces, shared memory that outlives a process.
const allowed = `
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile copy_file_range
open openat openat2 creat close close_range stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2
readlink readlinkat getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2
link linkat symlink symlinkat truncate ftruncate fallocate chmod fchmod fchmodat fchmodat2 umask utime utimes utimensat futimesat
fsync fdatasync flock fcntl dup dup2 dup3 pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl
epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime signalfd signalfd4
fadvise64 readahead mmap munmap mprotect mremap brk madvise msync mincore futex futex_waitv set_robust_list get_robust_list
set_tid_address rseq membarrier sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_getscheduler
sched_get_priority_max sched_get_priority_min getpriority getcpu getpid getppid gettid getuid geteuid getgid getegid getresuid
getresgid getgroups getpgid getpgrp getsid setpgid setsid fork vfork execve execveat exit exit_group wait4 waitid
kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo
sigaltstack pause restart_syscall alarm setitimer getitimer nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday
time times getrusage getrlimit setrlimit prlimit64 sysinfo uname getrandom arch_prctl prctl ioctl
recvmsg recvfrom sendmsg sendto shutdown getsockname getpeername getsockopt setsockopt`

// newNamespaces are the flags of clone that no program may use: a user namespace
// of its own would give it back what the sandbox took.
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// filter assembles the seccomp program, 8 bytes an instruction as the kernel
// reads them.
func filter() ([]byte, error) {
	info, err := arch.GetInfo("")
	if err != nil {
		return nil, fmt.Errorf("filter of system calls: %w", err)
	}
	var names []string
	for name := range strings.FieldsSeq(allowed) {
		if _, known := info.SyscallNames[name]; known { // others are of other machines
			names = append(names, name)
		}
	}
	where := func(name string, op seccomp.Operation, value uint64) []seccomp.NameWithConditions {
		is := seccomp.ArgumentConditions{{Argument: 0, Operation: op, Value: value}}
		return []seccomp.NameWithConditions{{Name: name, Conditions: is}}
	}
	policy := seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{
		{Action: seccomp.ActionAllow, Names: names},
		// The C library falls back to clone, whose flags a filter can see.
		{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: []string{"clone3"}},
		{Action: seccomp.ActionAllow, NamesWithCondtions: where("clone", seccomp.BitsNotSet, newNamespaces)},
		{Action: seccomp.ActionAllow, NamesWithCondtions: where("socketpair", seccomp.Equal, unix.AF_UNIX)},
	}}
	instructions, err := policy.Assemble()
	if err != nil {
		return nil, fmt.Errorf("filter of system calls: %w", err)
	}
	raw, err := bpf.Assemble(instructions)
	if err != nil {
		return nil, fmt.Errorf("filter of system calls: %w", err)
	}
	var out bytes.Buffer
	for _, i := range raw {
		if err := binary.Write(&out, binary.NativeEndian, i); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// arches says whether the filter can be made for this machine.
func arches() (string, error) {
	info, err := arch.GetInfo("")
	if err != nil {
		return "", fmt.Errorf("filter of system calls: %w", err)
	}
	return info.Name, nil
}
