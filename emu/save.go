// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"bytes"
	"compress/flate"
	"fmt"
	"runtime"
	"unsafe"

	"io"

	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/unicorn"
)

// Save writes the snapshot, whole, so that another process can load it with
// the same image. The bytes depend on nothing but what is in the snapshot, and
// on the Go release, whose compression they are in. Devices of the user's take
// part like all others: what their State points at is saved, unexported fields
// too, with names and types.
func (s *Snapshot) Save(w io.Writer, image *boot.Image) error {
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	pages := s.notZero()
	defer runtime.KeepAlive(s) // whose memory the pages are

	out := newSink(w)
	out.put(fmt.Appendf(nil, "%s%d\n", snapshotMagic, snapshotVersion))
	out.part(partImage, layoutBytes, digest[:])
	c := &s.config
	out.part(partFeatures, layoutText, []byte(c.CPU.Features.String()))
	out.plain(partMachine, &savedMachine{Memory: c.Memory, TSCHz: c.CPU.TSCHz, Vendor: uint8(c.CPU.Vendor), APICID: c.CPU.APICID, NoACPI: c.NoACPI})
	out.plain(partCPU, &s.state)
	out.plain(partCore, &s.core)
	out.plain(partFPU, &s.fpu)
	progress := savedProgress{Instructions: s.count, Pages: uint32(len(pages))}
	var why, text string
	if s.stop != nil && s.stop.Ended() {
		why, progress.Code = s.stop.Why.String(), s.stop.Code
		if s.stop.Err != nil {
			text = s.stop.Err.Error()
		}
	}
	out.plain(partProgress, &progress)
	out.part(partStop, layoutText, []byte(why))
	out.part(partError, layoutText, []byte(text))
	out.part(partInput, layoutBytes, s.typed)
	for i, k := range s.kinds {
		p := unsafe.Pointer(unsafe.SliceData(s.devices[i]))
		out.part(devicePart+k.name, layout(k.state), appendPlain(nil, k.state, p))
	}
	out.number(0)
	out.checksum()
	if err := out.bundles(pages); err != nil {
		return fmt.Errorf("saving a snapshot: %w", err)
	}
	return nil
}

// savedPage is one that is not zero.
type savedPage struct {
	number uint32
	bytes  []byte
}

func (s *Snapshot) notZero() []savedPage {
	var pages []savedPage
	zeros := make([]byte, unicorn.PageSize)
	_ = s.memory().Each(func(number uint32, page []byte) error {
		if !bytes.Equal(page, zeros) {
			pages = append(pages, savedPage{number, page})
		}
		return nil
	})
	return pages
}

// bundles writes the pages and the file's end.
func (s *sink) bundles(pages []savedPage) error {
	var compressed bytes.Buffer
	z, err := flate.NewWriter(&compressed, flate.BestSpeed)
	if err != nil {
		return err
	}
	for len(pages) > 0 && s.err == nil {
		bundle := pages[:min(len(pages), bundlePages)]
		pages = pages[len(bundle):]
		compressed.Reset()
		z.Reset(&compressed)
		for _, p := range bundle {
			if _, err := z.Write(p.bytes); err != nil {
				return err
			}
		}
		if err := z.Close(); err != nil {
			return err
		}
		s.number(len(bundle))
		s.number(compressed.Len())
		for _, p := range bundle {
			s.number(int(p.number))
		}
		s.put(compressed.Bytes())
		s.checksum()
	}
	s.number(0)
	s.checksum()
	if s.err != nil {
		return s.err
	}
	return s.w.Flush()
}
