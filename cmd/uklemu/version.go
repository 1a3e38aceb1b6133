// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionReport is what version prints.
type versionReport struct {
	Version string `json:"version"`
	Commit  string `json:"commit"` // "" if it was not built in a checkout
	Go      string `json:"go"`
	System  string `json:"system"`
}

func versionVerb(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "the version of this command",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			v := thisVersion()
			return s.answer(v, func(w io.Writer) error {
				commit := ""
				if v.Commit != "" {
					commit = " " + v.Commit
				}
				_, err := fmt.Fprintf(w, "uklemu %s%s, %s, %s\n", v.Version, commit, v.Go, v.System)
				return err
			})
		},
	}
}

func thisVersion() versionReport {
	v := versionReport{Version: "(unknown)", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			v.Commit = setting.Value
		}
	}
	return v
}
