package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// attacks are programs that try to get out, to stay, or to leave something. Each
// prints BREACH if it gets what it wants.
var attacks = map[string]string{
	"fork bomb":           "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
	"thread bomb":         "import threading,time\nwhile True:\n  threading.Thread(target=time.sleep,args=(9,)).start()",
	"memory bomb":         "x=[]\nwhile True: x.append(bytearray(1<<24))",
	"shared memory bomb":  "import mmap\nx=[]\nwhile True:\n  m=mmap.mmap(-1,1<<26); m.write(b'x'*(1<<26)); x.append(m)",
	"output flood":        "import os\nwhile True: os.write(1,b'x'*65536)",
	"error flood":         "import os\nwhile True: os.write(2,b'x'*65536)",
	"disk fill":           "n=0\nwhile True:\n  open('/tmp/%d'%n,'wb').write(b'x'*(1<<22)); n+=1",
	"inode fill":          "n=0\nwhile True:\n  open('/tmp/%d'%n,'wb').close(); n+=1",
	"read passwd":         "print('BREACH', open('/etc/passwd').read())",
	"read root":           "import os\nprint('BREACH', os.listdir('/root/.ssh'))",
	"read proc":           "import os\nprint('BREACH', os.listdir('/proc/1'))",
	"proc environ":        "print('BREACH', open('/proc/self/environ').read())",
	"proc descriptors":    "import os\nprint('BREACH', os.listdir('/proc/self/fd'))",
	"write interpreter":   "import os\nopen(os.__file__,'a').write('#'); print('BREACH')",
	"write usr":           "open('/usr/lib/x','w'); print('BREACH')",
	"write root folder":   "open('/x','w'); print('BREACH')",
	"write dev":           "open('/dev/x','w'); print('BREACH')",
	"chmod scratch":       "import os\nos.chmod('/tmp',0); os.utime('/tmp',(1,1))",
	"internet":            "import socket\nsocket.create_connection(('1.1.1.1',53),1); print('BREACH')",
	"loopback":            "import socket\ns=socket.socket(); s.bind(('127.0.0.1',0)); print('BREACH')",
	"udp":                 "import socket\nsocket.socket(socket.AF_INET,socket.SOCK_DGRAM); print('BREACH')",
	"unix socket":         "import socket\nsocket.socket(socket.AF_UNIX).bind('/tmp/s'); print('BREACH')",
	"abstract socket":     "import socket\nsocket.socket(socket.AF_UNIX).bind('\\0x'); print('BREACH')",
	"netlink":             "import socket\nsocket.socket(socket.AF_NETLINK,socket.SOCK_RAW); print('BREACH')",
	"raw socket":          "import socket\nsocket.socket(socket.AF_PACKET,socket.SOCK_RAW); print('BREACH')",
	"kill the parent":     "import os\nos.kill(os.getppid() or 0,9)\nwhile True: pass",
	"kill all":            "import os\nos.kill(-1,9); os.kill(1,9)",
	"kill pid 2":          "import os\nos.kill(2,9); print('BREACH')",
	"ptrace":              "import ctypes,os\nl=ctypes.CDLL(None,use_errno=True)\npid=os.fork()\nif pid==0:\n  import time; time.sleep(3); os._exit(0)\nif l.ptrace(16,pid,0,0)==0: print('BREACH')\nos._exit(0)",
	"process memory":      "import ctypes\nl=ctypes.CDLL(None)\nb=ctypes.create_string_buffer(8)\nif l.syscall(310,1,b,1,b,1,0)>=0: print('BREACH')",
	"mount":               "import ctypes\nif ctypes.CDLL(None).mount(b'x',b'/tmp',b'tmpfs',0,b'')==0: print('BREACH')",
	"umount":              "import ctypes\nif ctypes.CDLL(None).umount2(b'/tmp',2)==0: print('BREACH')",
	"new user namespace":  "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000)==0: print('BREACH')",
	"clone namespace":     "import ctypes\nif ctypes.CDLL(None).syscall(56,0x10000011,0,0,0,0)>=0: print('BREACH')",
	"clone3":              "import ctypes\nb=(ctypes.c_uint64*11)(0x10000000)\nif ctypes.CDLL(None).syscall(435,b,88)>=0: print('BREACH')",
	"setns":               "import ctypes\nif ctypes.CDLL(None).setns(3,0)==0: print('BREACH')",
	"chroot":              "import os\nos.mkdir('/tmp/r'); os.chroot('/tmp/r'); print('BREACH')",
	"pivot root":          "import ctypes\nif ctypes.CDLL(None).syscall(155,b'/tmp',b'/tmp')==0: print('BREACH')",
	"setuid":              "import os\nos.setuid(0); print('BREACH')",
	"set-uid file":        "import os\nopen('/tmp/x','w'); os.chown('/tmp/x',0,0); print('BREACH' if os.getuid() else '')",
	"hostname":            "import socket\nsocket.sethostname('x'); print('BREACH')",
	"keyring":             "import ctypes\nif ctypes.CDLL(None).syscall(248,b'user',b'x',b'y',1,-3)>=0: print('BREACH')",
	"bpf":                 "import ctypes\nif ctypes.CDLL(None).syscall(321,0,0,0)>=0: print('BREACH')",
	"io_uring":            "import ctypes\nb=ctypes.create_string_buffer(256)\nif ctypes.CDLL(None).syscall(425,8,b)>=0: print('BREACH')",
	"perf":                "import ctypes\nb=ctypes.create_string_buffer(256)\nif ctypes.CDLL(None).syscall(298,b,0,-1,-1,0)>=0: print('BREACH')",
	"userfaultfd":         "import ctypes\nif ctypes.CDLL(None).syscall(323,0)>=0: print('BREACH')",
	"System V memory":     "import ctypes\nif ctypes.CDLL(None).shmget(1,4096,0o1666)>=0: print('BREACH')",
	"System V queue":      "import ctypes\nif ctypes.CDLL(None).msgget(1,0o1666)>=0: print('BREACH')",
	"System V semaphores": "import ctypes\nif ctypes.CDLL(None).semget(1,1,0o1666)>=0: print('BREACH')",
	"POSIX queue":         "import ctypes\nif ctypes.CDLL('librt.so.1').mq_open(b'/x',0o102,0o666,None)>=0: print('BREACH')",
	"memfd":               "import os\nos.memfd_create('x'); print('BREACH')",
	"reboot":              "import ctypes\nif ctypes.CDLL(None).reboot(0x1234567)==0: print('BREACH')",
	"signals ignored":     "import signal\nfor n in range(1,64):\n  try: signal.signal(n,signal.SIG_IGN)\n  except (OSError,ValueError): pass\nwhile True: pass",
	"daemon":              "import os,time\nif os.fork()==0:\n  os.setsid()\n  if os.fork()==0:\n    while True: time.sleep(1)\n  os._exit(0)\n",
	"stopped":             "import os,signal\nos.kill(os.getpid(),signal.SIGSTOP)\nif os.fork()==0: os.kill(os.getpid(),signal.SIGSTOP)",
	"raise the limits":    "import resource\nresource.setrlimit(resource.RLIMIT_CPU,(999,999)); print('BREACH')",
	"write every fd":      "import os\nfor fd in range(3,128):\n  try: os.write(fd,b'{\"value\":\"1\"}')\n  except OSError: pass",
	"close every fd":      "import os\nos.closerange(0,1000)",
	"control socket":      "import socket\nfor fd in range(3,128):\n  try:\n    s=socket.socket(fileno=fd); s.send(b'{}'); print('BREACH')\n  except OSError: pass",
	"zygote's functions":  "import gc,types\nfor o in gc.get_objects():\n  if isinstance(o,types.FunctionType) and o.__name__ in ('serve','say','wait'):\n    try: o({'id':1}); print('BREACH')\n    except BaseException: pass",
	"deep recursion":      "def f(n): return f(n+1)\nf(0)",
	"C recursion":         "x=[]\nfor _ in range(10**6): x=[x]\nrepr(x)",
	"deep source":         "(" + strings.Repeat("(", 3000),
	"abort":               "import os\nos.abort()",
	"segfault":            "import ctypes\nctypes.string_at(0)",
	"patched builtins":    "import builtins,json,os,sys\nbuiltins.print=None; json.dumps=None; os._exit=None; sys.exit=None; builtins.compile=None",
	"atexit loop":         "import atexit\n@atexit.register\ndef f():\n  while True: pass",
}

// TestAttacks runs each attack, then an innocent program on the same worker.
func TestAttacks(t *testing.T) {
	if len(attacks) < 60 {
		t.Fatalf("only %d attacks", len(attacks))
	}
	s := newSandbox(t, Options{Workers: 1})
	innocent := job(t, Stdin, "import os\nopen('/tmp/mine','w').write('x')\nprint(sorted(os.listdir('/tmp')), oct(os.stat('/tmp').st_mode), sum(map(int, input().split())))", "1 2")
	const right = "['mine'] 0o41777 3\n"
	for name, program := range attacks {
		t.Run(name, func(t *testing.T) {
			j := job(t, Stdin, program, "")
			j.Limits.Wall, j.Limits.Memory = j.Limits.CPU*2, 128<<20
			if out := run(t, s, j); breached(&out) {
				t.Errorf("%s: %s, %.200q", out.End, out.Message, out.Stdout)
			}
			if out := run(t, s, innocent); out.End != Done || string(out.Stdout) != right {
				t.Errorf("the innocent program after it: %s %s, %q %s", out.End, out.Message, out.Stdout, out.Stderr)
			}
			if left := leftovers(t, s); left != "" {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

// breached reports whether an attack got what it wanted.
func breached(out *Outcome) bool {
	return strings.Contains(string(out.Stdout), "BREACH") || out.End == Crashed
}

// TestAttacksAreSeen is the control: a program that gets what it wants is called
// a breach, and one that is still there a leftover.
func TestAttacksAreSeen(t *testing.T) {
	s := newSandbox(t, Options{Workers: 1})
	out := run(t, s, job(t, Stdin, "print('BREACH', open('/dev/null').read())", ""))
	if !breached(&out) {
		t.Errorf("%s %q is taken for contained", out.End, out.Stdout)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	sleeper := job(t, Stdin, "import time; time.sleep(600)", "")
	sleeper.Limits.Wall = time.Minute
	go func() {
		_, err := s.Run(ctx, sleeper)
		ended <- err
	}()
	for deadline := time.Now().Add(30 * time.Second); leftovers(t, s) == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a running program is taken for gone")
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left := leftovers(t, s); left != "" {
		t.Errorf("left behind by a cancelled run: %s", left)
	}
}

// leftovers are the processes below the idle zygotes, as the host sees them.
func leftovers(t *testing.T, s *Sandbox) string {
	t.Helper()
	var left []string
	for _, pid := range s.Pids() {
		if c := startedChild(pid); c != 0 {
			text, _ := os.ReadFile(filepath.Join("/proc", "self", "stat"))
			left = append(left, string(text))
		}
	}
	return strings.Join(left, " ")
}
