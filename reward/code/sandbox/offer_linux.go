package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// namespaces are those that a worker is started in.
const namespaces = unix.CLONE_NEWUSER | newNamespaces

// Offer is what this kernel gives to this process.
type Offer struct {
	Kernel     string
	Namespaces error // nil if all can be made
	Seccomp    error
	Landlock   int // version of its interface; 0 without it
}

// Probe asks the kernel. It starts a process for a moment and changes nothing.
func Probe() Offer {
	o := Offer{Kernel: kernel(), Namespaces: probeNamespaces(), Landlock: landlockVersion()}
	if _, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err != nil {
		o.Seccomp = fmt.Errorf("seccomp: %w", err)
	} else if _, err := arches(); err != nil {
		o.Seccomp = err
	}
	return o
}

// Lacks lists what a complete sandbox needs and the kernel does not offer, each
// with its reason.
func (o Offer) Lacks() (lacks []string) {
	if o.Namespaces != nil {
		lacks = append(lacks, fmt.Sprintf("no namespaces (%v)", o.Namespaces))
	}
	if o.Landlock == 0 {
		lacks = append(lacks, "no landlock (Linux 5.13 or newer with it among its security modules)")
	}
	if o.Seccomp != nil {
		lacks = append(lacks, fmt.Sprintf("no seccomp (%v)", o.Seccomp))
	}
	return lacks
}

// probeNamespaces starts a process in all of them, and has it make a mount, for
// some kernels give namespaces in which nothing may be done.
func probeNamespaces() error {
	if refused := os.Getenv("ROPEWALK_SANDBOX_REFUSE"); strings.Contains(refused, "namespaces") {
		return errors.New("refused by ROPEWALK_SANDBOX_REFUSE")
	}
	probe := exec.Command("/proc/self/exe")
	probe.Path = truePath()
	probe.SysProcAttr = attributes(os.Geteuid() == 0)
	if err := probe.Run(); err != nil {
		return explainRefusal(err)
	}
	return nil
}

// truePath is a program that ends at once.
func truePath() string {
	for _, path := range []string{"/bin/true", "/usr/bin/true"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath("true")
	if err != nil {
		return "/bin/true"
	}
	return path
}

// explainRefusal says which setting is likely behind a refusal.
func explainRefusal(err error) error {
	text, _ := os.ReadFile("/proc/sys/user/max_user_namespaces")
	switch {
	case strings.TrimSpace(string(text)) == "0":
		return fmt.Errorf("%w: sysctl user.max_user_namespaces is 0", err)
	case fileSays("/proc/sys/kernel/unprivileged_userns_clone", "0"):
		return fmt.Errorf("%w: sysctl kernel.unprivileged_userns_clone is 0", err)
	case fileSays("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"):
		return fmt.Errorf("%w: sysctl kernel.apparmor_restrict_unprivileged_userns is 1", err)
	}
	return err
}

func fileSays(path, want string) bool {
	text, err := os.ReadFile(path)
	return err == nil && strings.TrimSpace(string(text)) == want
}

// attributes start a process as the first one of namespaces of its own. Root
// maps a second user, for the programs.
func attributes(root bool) *syscall.SysProcAttr {
	ids := func(own int) []syscall.SysProcIDMap {
		maps := []syscall.SysProcIDMap{{ContainerID: 0, HostID: own, Size: 1}}
		if root {
			maps = append(maps, syscall.SysProcIDMap{ContainerID: 1, HostID: nobody, Size: 1})
		}
		return maps
	}
	return &syscall.SysProcAttr{
		Cloneflags:                 namespaces,
		UidMappings:                ids(os.Geteuid()),
		GidMappings:                ids(os.Getegid()),
		GidMappingsEnableSetgroups: root,
		Setsid:                     true,
	}
}

func landlockVersion() int {
	if strings.Contains(os.Getenv("ROPEWALK_SANDBOX_REFUSE"), "landlock") {
		return 0
	}
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return runtime.GOOS
	}
	return "Linux " + unix.ByteSliceToString(u.Release[:])
}
