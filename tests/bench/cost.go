// SPDX-License-Identifier: GPL-2.0-or-later

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/unicorn"
)

// cpuTime is what this process has used. On a computer that others use as
// well it says more than a clock does.
func cpuTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// PerRun is the CPU time of one run of the stretch, from n of them.
func (s *Stretch) PerRun(n int) (time.Duration, error) {
	before := cpuTime()
	for range n {
		if err := s.Once(); err != nil {
			return 0, err
		}
	}
	return (cpuTime() - before) / time.Duration(n), nil
}

// Loop is the plain C program that runs the same stretch.
type Loop struct{ program, dump, library string }

// NewLoop compiles prototype/loop.c into a folder and dumps the stretch for it.
func (s *Stretch) NewLoop(folder string) (*Loop, error) {
	_, here, _, _ := runtime.Caller(0)
	l := &Loop{filepath.Join(folder, "loop"), filepath.Join(folder, "dump"), s.Machine.Engine().Path}
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	source := filepath.Join(filepath.Dir(here), "prototype", "loop.c")
	if out, err := exec.Command(compiler, "-O2", "-o", l.program, source, "-ldl").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling the C loop: %w\n%s", err, out)
	}
	return l, s.Dump(l.dump)
}

// PerRun is the CPU time of one run, from n of them, and with observe one in
// which every instruction calls a hook.
func (l *Loop) PerRun(n int, observe bool) (time.Duration, error) {
	arguments := []string{l.library, l.dump, strconv.Itoa(n)}
	if observe {
		arguments = append(arguments, "observe")
	}
	out, err := exec.Command(l.program, arguments...).Output()
	if err != nil {
		return 0, fmt.Errorf("the C loop: %w", err)
	}
	first, _, _ := strings.Cut(string(out), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	return time.Duration(seconds * 1e9 / float64(n)), err
}

// StartOnce makes a machine from the snapshot and gives it back.
func (s *Stretch) StartOnce() error {
	m, err := s.Start.Start()
	if err != nil {
		return err
	}
	m.Close()
	return nil
}

// startBeside starts so many machines beside each other: none finds an engine
// that another has given back.
func (s *Stretch) startBeside(machines int) (took []time.Duration, err error) {
	s.Start.Close()
	for range machines {
		began := time.Now()
		m, err := s.Start.Start()
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
		defer m.Close()
	}
	return took, nil
}

// dirtied is how many pages a restore has to bring back in [Stretch.Dirty].
const dirtied = 20

// Dirty writes to 20 pages of data, at the end of RAM.
func (s *Stretch) Dirty() error {
	for i := range uint64(dirtied) {
		if err := s.Machine.WritePhysical(emu.DefaultMemory-(8+i)*unicorn.PageSize, []byte{1}); err != nil {
			return err
		}
	}
	return nil
}

// median is that of some measurements.
func median[T interface{ ~int64 | ~float64 }](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
