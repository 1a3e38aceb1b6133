// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"slices"
	"strings"

	modelimage "github.com/uklemu/uklemu/model/image"
)

// applicationReport is what is linked into the kernel; a stock kernel has no
// application, and empty lists.
type applicationReport struct {
	Sections []sectionReport `json:"sections"` // text, rodata, data, bss
	Symbols  []symbolReport  `json:"symbols"`
	// RedZone is the uses of memory below RSP, Forbidden the instructions that
	// an application in CPL 0 must not have.
	RedZone   []useReport `json:"red_zone"`
	Forbidden []useReport `json:"forbidden"`
	Start     address     `json:"start,omitempty"`
	Main      address     `json:"main,omitempty"`
	TLS       *tlsReport  `json:"tls,omitempty"`
}

type symbolReport struct {
	Name    string  `json:"name"`
	Address address `json:"address"`
	Size    uint64  `json:"size"`
}

type useReport struct {
	Function    string  `json:"function"`
	Address     address `json:"address"`
	Instruction string  `json:"instruction"`
	Reason      string  `json:"reason,omitempty"`
	Below       int64   `json:"below,omitempty"` // RSP, in bytes
}

// tlsReport is the image that each thread's storage begins with.
type tlsReport struct {
	Address   address `json:"address"`
	FileSize  uint64  `json:"file_size"`
	Size      uint64  `json:"size"`
	Alignment uint64  `json:"alignment"`
}

func noApplication() applicationReport {
	return applicationReport{Sections: []sectionReport{}, Symbols: []symbolReport{}, RedZone: []useReport{}, Forbidden: []useReport{}}
}

// addKernel adds what only a kernel has.
func (info *infoReport) addKernel(k *modelimage.Image) {
	info.Config = k.ConfigComplete
	if k.Types != nil {
		info.Types = k.Types.Source()
	}
	info.Entries = entries(k)
	info.UKL = options(k.UKL)
	if k.UKL.Flavor != modelimage.None {
		info.Flavor = k.UKL.Flavor.String()
	}
	if app := k.Application(); app != nil {
		info.Application.add(k, app)
	}
}

// options are those of the configuration that are set.
func options(u modelimage.UKL) []string {
	set := []string{}
	for _, o := range []struct {
		name string
		on   bool
	}{
		{"UNIKERNEL_LINUX", u.Present}, {"UKL_USE_RET", u.UseRet}, {"UKL_USE_IST_PF", u.ISTPF}, {"UKL_SAME_STACK", u.SameStack},
		{"UKL_BYPASS", u.Bypass}, {"UKL_DEEP_SHORTCUT", u.Shortcut}, {"UKL_TLS", u.TLS},
	} {
		if o.on {
			set = append(set, o.name)
		}
	}
	for _, d := range u.Defects {
		set = append(set, "UKL_DEFECT_"+strings.ToUpper(strings.ReplaceAll(d, "-", "_")))
	}
	return set
}

// entries are the entry points, less the ways out and the stubs that share a
// symbol but for the first.
func entries(k *modelimage.Image) []entryReport {
	list := []entryReport{}
	shared := map[string]bool{}
	for _, e := range k.Entries() {
		stub, _, inside := strings.Cut(e.Name, "+")
		if e.Kind == modelimage.Return || inside && shared[stub] {
			continue
		}
		shared[stub] = true
		r := entryReport{Name: e.Name, Address: address(e.Address), Kind: e.Kind.String(), IST: e.IST}
		if e.Vector != modelimage.NoVector {
			r.Vector = &e.Vector
		}
		list = append(list, r)
	}
	return list
}

func (r *applicationReport) add(k *modelimage.Image, app *modelimage.App) {
	for _, part := range []struct {
		name   string
		ranges []modelimage.Range
	}{{"text", app.Text}, {"rodata", app.ROData}, {"data", app.Data}, {"bss", app.BSS}} {
		for _, x := range part.ranges {
			r.Sections = append(r.Sections, sectionReport{part.name, address(x.Start), x.Size()})
		}
	}
	for _, s := range app.Symbols {
		r.Symbols = append(r.Symbols, symbolReport{s.Name, address(s.Address), s.Size})
	}
	for _, u := range k.RedZone() {
		r.RedZone = append(r.RedZone, useReport{Function: u.Function, Address: address(u.Address), Instruction: u.Instruction, Below: u.Below})
	}
	for _, u := range k.Forbidden() {
		r.Forbidden = append(r.Forbidden, useReport{Function: u.Function, Address: address(u.Address), Instruction: u.Instruction, Reason: u.Reason})
	}
	r.Start, r.Main = address(app.Start), address(app.Main)
	if app.TLS != nil {
		r.TLS = &tlsReport{address(app.TLS.Address), app.TLS.FileSize, app.TLS.Size, app.TLS.Alignment}
	}
	slices.SortFunc(r.Symbols, func(a, b symbolReport) int { return strings.Compare(a.Name, b.Name) })
}
