// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/internal/testelf"
)

// smallImage is some kernel image; which one a snapshot belongs to is all that
// matters here.
func smallImage(t testing.TB, fill byte) *boot.Image {
	t.Helper()
	b := testelf.Image{Entry: 0x200000, Segments: []testelf.Segment{
		{Flags: 5, Virtual: 0x200000, Physical: 0x200000, Data: bytes.Repeat([]byte{fill}, 64)}}}.Bytes()
	image, err := boot.Parse("small", bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	return image
}

// saved is a machine in the middle of a run, and the file of its snapshot.
func saved(t testing.TB) (*rig, []byte) {
	t.Helper()
	r := scattering(t)
	r.on(20_000)
	r.Type([]byte("typed, and not read yet: more than the FIFO holds"))
	r.on(1000)
	var b bytes.Buffer
	require.NoError(t, snapshot(t, r.Machine).Save(&b, smallImage(t, 0x90)))
	return r, b.Bytes()
}

// A snapshot from a file is the machine that was saved, now and later.
func TestSavedSnapshotIsTheMachine(t *testing.T) {
	r, file := saved(t)
	then := wholeOf(t, r.Machine)
	r.on(30_000)
	later := wholeOf(t, r.Machine)
	s, err := emu.LoadSnapshot(bytes.NewReader(file), smallImage(t, 0x90), emu.Config{})
	require.NoError(t, err)
	defer s.Close()
	m, err := s.Start()
	require.NoError(t, err)
	defer m.Close()
	requireSame(t, then, wholeOf(t, m))
	var again bytes.Buffer
	require.NoError(t, snapshot(t, m).Save(&again, smallImage(t, 0x90)))
	require.True(t, bytes.Equal(file, again.Bytes()), "saved again, other bytes")
	m.Run(emu.Until{Instructions: 30_000})
	requireSame(t, later, wholeOf(t, m))
}

// TestSavedBytesInAnotherProcess: nothing of the process is in the file.
func TestSavedBytesInAnotherProcess(t *testing.T) {
	const ask = "UKLEMU_TEST_SAVE"
	_, file := saved(t)
	sum := sha256.Sum256(file)
	digest := "saved: " + hex.EncodeToString(sum[:])
	if os.Getenv(ask) != "" {
		t.Log(digest)
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^TestSavedBytesInAnotherProcess$", "-test.v", "-test.count=1")
	command.Env = append(os.Environ(), ask+"=1")
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), digest)
}

// What is not the whole file, unchanged, of this image is refused.
func TestSnapshotFileIsRefused(t *testing.T) {
	_, file := saved(t)
	refused := func(t *testing.T, b []byte, text string) {
		t.Helper()
		_, err := emu.LoadSnapshot(bytes.NewReader(b), smallImage(t, 0x90), emu.Config{})
		require.ErrorIs(t, err, emu.ErrSnapshotFile)
		require.ErrorContains(t, err, text)
	}
	t.Run("torn", func(t *testing.T) {
		for n := 0; n < len(file); n++ {
			if n > 3000 && n < len(file)-300 {
				n += 997 // every byte of the header and of the end, some in between
			}
			refused(t, file[:min(n, len(file)-1)], "")
		}
	})
	t.Run("a bit changed", func(t *testing.T) {
		for at := 0; at < len(file); at++ {
			if at > 300 && at < len(file)-100 {
				at += 613
			}
			b := bytes.Clone(file)
			b[min(at, len(b)-1)] ^= 1 << (at % 8)
			refused(t, b, "")
		}
	})
	t.Run("another version", func(t *testing.T) {
		for _, version := range []string{"1", "2", "4", "33", "", "20000000000000"} {
			other := bytes.Replace(file, []byte("snapshot 3\n"), []byte("snapshot "+version+"\n"), 1)
			refused(t, other, `its format is version "`+version[:min(len(version), 10)]+`", this build reads and writes version 3: save it anew from the image, with this build`)
		}
	})
	t.Run("no snapshot", func(t *testing.T) {
		refused(t, []byte("\x7fELF and so on"), "does not start with")
		refused(t, nil, "does not start with")
		refused(t, []byte(strings.Repeat("\x00", 1<<16)), "does not start with")
	})
	t.Run("another image", func(t *testing.T) {
		_, err := emu.LoadSnapshot(bytes.NewReader(file), smallImage(t, 0xcc), emu.Config{})
		require.ErrorIs(t, err, emu.ErrSnapshotFile)
		require.ErrorContains(t, err, "saved with another image")
	})
}

// A disk that is full is an error, not half a file that looks whole.
func TestSaveOnFullDisk(t *testing.T) {
	r := scattering(t)
	r.on(20_000)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	require.ErrorContains(t, snapshot(t, r.Machine).Save(full, smallImage(t, 0x90)), "saving a snapshot: write /dev/full: no space left on device")
}

// What can't be read is not taken for a file of another kind.
func TestSnapshotFileThatCannotBeRead(t *testing.T) {
	_, err := emu.LoadSnapshot(iotest.ErrReader(fs.ErrPermission), smallImage(t, 0x90), emu.Config{})
	require.ErrorIs(t, err, emu.ErrSnapshotFile)
	require.ErrorIs(t, err, fs.ErrPermission)
}
