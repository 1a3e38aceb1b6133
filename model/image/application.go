// SPDX-License-Identifier: GPL-2.0-or-later

package image

import "github.com/uklemu/uklemu/emu/symbols"

// App is the application: what is linked into the kernel to run in CPL 0.
type App struct {
	Text, ROData, Data, BSS []Range // sorted
	Start                   uint64  // ukl__start, where it is entered
	Main                    uint64  // ukl_main, 0 if it has none
	TLS                     *TLS    // nil if it has no thread-local storage
	Symbols                 []symbols.Symbol
	// BySection is true if the linker put it in one piece in each part, so
	// that ranges are exact; else they were made from the names of symbols.
	BySection bool
}

// TLS is the image that the thread-local storage of each thread begins with.
type TLS struct {
	Address   uint64
	FileSize  uint64 // of .tdata
	Size      uint64 // with .tbss
	Alignment uint64
}

// Contains says whether an address is in any part of the application.
func (a *App) Contains(address uint64) bool { return false }

// Application is what is linked into the kernel, nil for a kernel without one.
func (i *Image) Application() *App { return nil }
