// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// QEMUOptions say how QEMU is started.
type QEMUOptions struct {
	Binary string // qemu-system-x86_64 if empty
	Kernel string // a multiboot ELF32 file
	// CPU is QEMU's -cpu; DefaultCPU if empty.
	CPU string
	// MemoryMiB is 64 if 0.
	MemoryMiB int
	// MemoryFile, if there is one, is its RAM: who writes to one writes to the
	// other.
	MemoryFile string
}

// DefaultCPU is a processor of Intel's ways with the features that the cases
// use, all of which TCG has.
const DefaultCPU = "qemu64,vendor=GenuineIntel,+smep,+smap,+fsgsbase,+pdpe1gb,+rdtscp,+nx,+syscall,-svm"

// QEMU is a machine in a process of its own.
type QEMU struct {
	*stub
	process *exec.Cmd
	output  bytes.Buffer
	folder  string
	// breakpoints are those that QEMU has now.
	breakpoints map[uint64]bool
	exited      chan error
	ending      sync.Once
	ended       error
}

var _ Machine = (*QEMU)(nil)

// StartQEMU starts QEMU, stopped before its first instruction. The machine's
// time is its count of instructions, and a device that raises an interrupt
// does so between the instruction that asked for it and the next (-icount).
func StartQEMU(o QEMUOptions) (*QEMU, error) {
	if o.Binary == "" {
		o.Binary = "qemu-system-x86_64"
	}
	if o.CPU == "" {
		o.CPU = DefaultCPU
	}
	if o.MemoryMiB == 0 {
		o.MemoryMiB = 64
	}
	folder, err := os.MkdirTemp("", "lockstep")
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(folder, "gdb")
	q := &QEMU{folder: folder, exited: make(chan error, 1), breakpoints: map[uint64]bool{}}
	arguments := []string{"-machine", "pc,accel=tcg", "-cpu", o.CPU,
		"-m", fmt.Sprint(o.MemoryMiB), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-icount", "shift=0,sleep=off", "-kernel", o.Kernel, "-S", "-gdb", "unix:" + socket + ",server,nowait"}
	if o.MemoryFile != "" {
		arguments = append(arguments, "-machine", "memory-backend=ram",
			"-object", fmt.Sprintf("memory-backend-file,id=ram,size=%dM,mem-path=%s,share=on", o.MemoryMiB, o.MemoryFile))
	}
	q.process = exec.Command(o.Binary, arguments...)
	q.process.Stdout, q.process.Stderr = &q.output, &q.output
	if err := q.process.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting QEMU: %w", err), os.RemoveAll(folder))
	}
	go func() { q.exited <- q.process.Wait() }()
	conn, err := q.connect(socket)
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	q.stub = newStub(conn)
	if err := q.must("qSupported", "PacketSize=1000;qXfer:features:read+;vContSupported+;multiprocess+"); err != nil {
		return nil, errors.Join(fmt.Errorf("this QEMU is not one of those known to work (7.2): %w", err), q.Close())
	}
	if err := q.Quiet(false); err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

// connect waits until QEMU has made its socket.
func (q *QEMU) connect(socket string) (net.Conn, error) {
	const interval, limit = 5 * time.Millisecond, 30 * time.Second
	for waited := time.Duration(0); waited < limit; waited += interval {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return conn, nil
		}
		select {
		case err := <-q.exited:
			q.exited <- err
			return nil, fmt.Errorf("QEMU ended at once: %v: %s", err, q.output.String())
		case <-time.After(interval):
		}
	}
	return nil, fmt.Errorf("QEMU did not open its GDB socket in %v", limit)
}

// Close ends QEMU. It may be called again.
func (q *QEMU) Close() error {
	q.ending.Do(func() {
		if q.stub != nil {
			q.stub.Close()
		}
		q.process.Process.Kill()
		<-q.exited
		q.ended = os.RemoveAll(q.folder)
	})
	return q.ended
}

func (q *QEMU) Step() error { return q.resume("s") }

// Quiet says whether steps keep interrupts and the clock away, as they do in
// QEMU unless told otherwise, and do not here (the stub's Qqemu.sstep: 1 step,
// 2 no interrupts, 4 no timers).
func (q *QEMU) Quiet(on bool) error {
	bits := "1"
	if on {
		bits = "7"
	}
	return q.must("Qqemu.sstep="+bits, "OK")
}

// RunTo leaves its breakpoints where they are, because it is called with the
// same ones again and again, and takes one away when it is in the way.
func (q *QEMU) RunTo(addresses ...uint64) error {
	for _, a := range addresses {
		if q.breakpoints[a] {
			continue
		}
		if err := q.must(fmt.Sprintf("Z1,%x,1", a), "OK"); err != nil {
			return err
		}
		q.breakpoints[a] = true
	}
	for {
		// Nothing runs from a breakpoint: step away from it first. If that
		// ends at another one, the next packet ends there at once.
		for _, packet := range []string{"s", "c"} {
			if err := q.resume(packet); err != nil {
				return err
			}
		}
		regs, err := q.Registers()
		if err != nil {
			return err
		}
		if slices.Contains(addresses, regs.RIP) {
			return nil
		}
		if !q.breakpoints[regs.RIP] {
			return fmt.Errorf("QEMU stopped at %#x without a reason", regs.RIP)
		}
		if err := q.must(fmt.Sprintf("z1,%x,1", regs.RIP), "OK"); err != nil {
			return err
		}
		delete(q.breakpoints, regs.RIP)
	}
}

// ForgetBreakpoints takes all away: another guest has other code there.
func (q *QEMU) ForgetBreakpoints() error {
	for a := range q.breakpoints {
		if err := q.must(fmt.Sprintf("z1,%x,1", a), "OK"); err != nil {
			return err
		}
		delete(q.breakpoints, a)
	}
	return nil
}

// ReadMemory and WriteMemory take linear addresses.
func (q *QEMU) ReadMemory(address uint64, p []byte) error  { return q.readMemory(address, p) }
func (q *QEMU) WriteMemory(address uint64, p []byte) error { return q.writeMemory(address, p) }

// ReadPhysical and WritePhysical switch the stub to physical addresses and
// back, because breakpoints and disassembly mean virtual ones.
func (q *QEMU) ReadPhysical(address uint64, p []byte) error {
	return q.physically(func() error { return q.readMemory(address, p) })
}

func (q *QEMU) WritePhysical(address uint64, p []byte) error {
	return q.physically(func() error { return q.writeMemory(address, p) })
}

func (q *QEMU) physically(do func() error) error {
	if err := q.must("Qqemu.PhyMemMode:1", "OK"); err != nil {
		return err
	}
	return errors.Join(do(), q.must("Qqemu.PhyMemMode:0", "OK"))
}

// Monitor runs a command of QEMU's own monitor.
func (q *QEMU) Monitor(command string) (string, error) { return q.monitor(command) }
