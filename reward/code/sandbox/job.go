package sandbox

import (
	"time"
)

// Mode is how a job's program is run.
type Mode string

// The modes. Stdin, Call and Check run Python source; Compile gives a binary,
// which Exec runs.
const (
	Stdin   Mode = "stdin"   // the program reads standard input and writes standard output
	Call    Mode = "call"    // its function Entry is called with Input, JSON arguments one a line
	Check   Mode = "check"   // Input, Python source of the caller's, calls it from a process of its own
	Compile Mode = "compile" // Argv makes program.out from program+Suffix
	Exec    Mode = "exec"    // as Stdin, for a compiled program
)

// Job is one program to run once.
type Job struct {
	Mode    Mode
	Program Blob
	Input   []byte
	Entry   string
	Argv    []string
	Suffix  string
	Limits  Limits
}

// Limits bound one job. All must be positive.
type Limits struct {
	CPU       time.Duration // of all processes of the program together
	Wall      time.Duration // last guard: for programs that wait instead of working
	Memory    int64         // bytes of each process, without the interpreter's own
	Stack     int64         // bytes of the main thread's stack
	Output    int64         // bytes of standard output and of each file
	Processes int           // processes and threads at a time
}

// DefaultLimits are generous for one test of a contest problem.
func DefaultLimits() Limits {
	return Limits{CPU: 6 * time.Second, Wall: 17 * time.Second, Memory: 1 << 30, Stack: 64 << 20, Output: 16 << 20, Processes: 16}
}

// End is how a job ended.
type End string

// The ends of a job. Whether the output is right is the caller's to say.
const (
	Done         End = "done"
	RuntimeError End = "runtime error"
	SyntaxError  End = "syntax error"
	NoValue      End = "no value"  // Call: the result is no JSON value
	Failed       End = "failed"    // Check: an assertion failed
	BadTests     End = "bad tests" // Check: they cannot be run, whatever the program
	TimeLimit    End = "time limit"
	MemoryLimit  End = "memory limit"
	OutputLimit  End = "output limit"
	Crashed      End = "sandbox crash"
	// Starved: the wall limit passed, and without its waiting for a core the program
	// would have been within its time. The machine is at fault, not the program.
	Starved End = "starved"
)

// Outcome is what came of a job.
type Outcome struct {
	End     End
	Message string // one line: the last line of an error, the signal, the limit
	Line    int    // of the program, where the error was; 0 if not known
	Stdout  []byte // cut at Limits.Output
	Stderr  []byte // its last 64 KiB
	Value   string // Call: JSON; Compile: the binary
	CPU     time.Duration
	Wall    time.Duration
	Delay   time.Duration // of Wall, waiting for a core
	Queued  time.Duration // before that, waiting for a worker
	Memory  int64         // bytes, the most that one of the processes held
}

// record is what a child reports on its private descriptor. Programs can forge
// it: nothing here makes a program right but a value, which is compared.
type record struct {
	Nonce string  `json:"nonce"`
	Kind  string  `json:"kind"`
	Error string  `json:"error"`
	Line  int     `json:"line"`
	Value *string `json:"value"`
}
