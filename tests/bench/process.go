// SPDX-License-Identifier: GPL-2.0-or-later

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// Spent is what a process took.
type Spent struct{ Wall, CPU time.Duration }

// Kernels are the images that are booted, by what they are called.
func Kernels() (map[string]string, error) {
	g, err := stock()
	if err != nil {
		return nil, err
	}
	return map[string]string{"vmlinux": g.Vmlinux, "bzImage": g.BzImage}, nil
}

// BootProcess boots the kernel to its init with the command at path, which is
// uklemu or QEMU, in a process of its own.
func BootProcess(path, kernel string, qemu bool) (Spent, error) {
	g, err := stock()
	if err != nil {
		return Spent{}, err
	}
	command := exec.Command(path, "boot", "--initrd", g.Initrd, "--append", g.Append, "--until", toInit, kernel)
	if qemu {
		command = exec.Command(path, "-accel", "tcg", "-cpu", "max", "-m", "256", "-display", "none", "-serial", "stdio", "-no-reboot",
			"-kernel", kernel, "-initrd", g.Initrd, "-append", g.Append)
	}
	return toText(command, qemu)
}

// toText runs a command until it has printed that the kernel starts its init.
// QEMU does not know when that is, and is killed.
func toText(command *exec.Cmd, kill bool) (Spent, error) {
	out, err := command.StdoutPipe()
	if err != nil {
		return Spent{}, err
	}
	began := time.Now()
	if err := command.Start(); err != nil {
		return Spent{}, err
	}
	var seen bytes.Buffer
	part := make([]byte, 4096)
	for !bytes.Contains(seen.Bytes(), []byte(toInit)) {
		n, err := out.Read(part)
		seen.Write(part[:n])
		if err != nil {
			break
		}
	}
	if kill {
		_ = command.Process.Kill()
	}
	_, _ = io.Copy(io.Discard, out)
	err = command.Wait()
	spent := Spent{time.Since(began), command.ProcessState.UserTime() + command.ProcessState.SystemTime()}
	if !bytes.Contains(seen.Bytes(), []byte(toInit)) {
		return spent, errors.Join(fmt.Errorf("%s did not boot the kernel to its init; its console:\n%s", command.Path, seen.Bytes()), err)
	}
	return spent, nil
}
