// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/corpus"
)

// verbs are what the command does, in the order of its help. Each makes a
// subcommand that works in the session; its RunE returns nil, an error that a
// person can act on (see statusOf for what it exits with), or a status.
var verbs = []func(*session) *cobra.Command{
	infoVerb,
	bootVerb,
	gdbVerb,
	checkVerb,
	guestsVerb,
	asmVerb,
	disVerb,
	versionVerb,
}

// run is the whole command; it returns the exit status.
func run(s *session, args []string) int {
	root := &cobra.Command{
		Use:   "uklemu VERB [flags] IMAGE",
		Short: "Runs, inspects and checks Unikernel Linux kernels in an emulator",
		Long: `Runs, inspects and checks Unikernel Linux kernels in an emulator.

IMAGE is a file (vmlinux, bzImage, PVH, multiboot or freestanding ELF),
or guest:NAME[,option...] or builtin:mini[,option...][,defect=NAME...]
as "uklemu guests" lists them.

Exit status: 0 it holds or it ran, 1 a violation or a failed guest,
2 usage or unusable input, 3 no engine.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		// Without this a word that is no verb would print the help and
		// exit with 0.
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Sprintf("there is no verb %q", args[0]), "uklemu"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.PersistentFlags().BoolVar(&s.json, "json", false, "print one JSON object on standard output")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{err.Error(), c.CommandPath()}
	})
	cobra.EnableCommandSorting = false
	for _, verb := range verbs {
		root.AddCommand(verb(s))
	}
	err := root.Execute()
	report(s.err, err)
	return statusOf(err)
}

// oneImage is the Args of a verb that takes IMAGE.
func oneImage(c *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] != "" {
		return nil
	}
	found := fmt.Sprintf("there are %d arguments", len(args))
	if len(args) < 2 {
		found = "there is none"
	}
	return usageError{fmt.Sprintf("one IMAGE is needed, and %s", found), c.CommandPath()}
}

// noArguments is the Args of a verb that takes none.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Sprintf("no arguments are needed, and there is %q", args[0]), c.CommandPath()}
}

// completeImage offers guests to the shell's completion, and files.
func completeImage(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	guests, _ := corpus.Guests()
	var names []string
	for _, g := range guests {
		names = append(names, g.Image())
	}
	return names, cobra.ShellCompDirectiveDefault
}
