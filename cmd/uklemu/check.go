// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/model"
	"github.com/uklemu/uklemu/model/invariant"
)

// checkFlags are those of the verb.
type checkFlags struct {
	startFlags
	only    []string
	explain string
	tier    string
}

func checkVerb(s *session) *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check [flags] IMAGE",
		Short: "whether everything that UKL promises holds, one row for each invariant",
		Long: `Boots the kernel up to where its application begins, makes the application do
what exercises the invariants (system calls, faults, signals, interrupts and NMIs
at every instruction boundary), and says of each invariant whether it held.

Exit status: 0 all held, 1 one did not, or a scenario did not come to its end.`,
		Example: `  uklemu check guest:ukl-hello
  uklemu check --only EN-5,EX-2 guest:ukl-hello
  uklemu check --explain EN-5`,
		Args: func(c *cobra.Command, args []string) error {
			if f.explain != "" {
				return noArguments(c, args)
			}
			return oneImage(c, args)
		},
		ValidArgsFunction: completeImage,
		RunE: func(c *cobra.Command, args []string) error {
			if f.explain != "" {
				return explain(s, f.explain)
			}
			return f.check(c, s, args[0])
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&f.only, "only", nil, "look at these invariants alone, `ID,...`")
	flags.StringVar(&f.explain, "explain", "", "say what the invariant `ID` promises, and what is looked at; takes no IMAGE")
	flags.StringVar(&f.tier, "tier", "full", "what the invariants are shown, a `TIER`: points is events alone, full every instruction boundary and access as well")
	f.register(c)
	return c
}

func (f *checkFlags) check(c *cobra.Command, s *session, name string) error {
	var checking model.Checking
	if len(f.only) > 0 {
		list, err := invariant.ByID(f.only...)
		if err != nil {
			return usageError{"--only: " + err.Error(), c.CommandPath()}
		}
		checking.Invariants = list
	}
	switch f.tier {
	case "points":
	case "full":
		checking.Tier = invariant.Full
	default:
		return usageError{fmt.Sprintf("--tier: %q is no tier; accepted: points, full", f.tier), c.CommandPath()}
	}
	kernel, err := f.load(c, name)
	if err != nil {
		return err
	}
	defer kernel.Close()
	begin := time.Now()
	progress := newProgress(s.err)
	progress.say("booting %s", name)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	m, err := kernel.Start(ctx)
	if err != nil {
		progress.done()
		return err
	}
	defer m.Close()
	checking.Progress = func(scenario string, n, of int) { progress.say("%d of %d: %s", n+1, of, scenario) }
	checked, err := kernel.Check(ctx, m, checking)
	progress.done()
	if err != nil {
		return failure{err}
	}
	report := newCheckReport(name, kernel, checked, time.Since(begin))
	if err := s.answer(report, func(w io.Writer) error { return printCheck(w, report) }); err != nil {
		return err
	}
	if checked.Broken() {
		return status(statusFailed)
	}
	return nil
}

// explain prints what an invariant promises.
func explain(s *session, id string) error {
	list, err := invariant.ByID(id)
	if err != nil {
		return usageError{"--explain: " + err.Error(), "uklemu check"}
	}
	r := list[0].Rule()
	return s.answer(newRuleReport(r), func(w io.Writer) error {
		wanted := ""
		if r.Wanted {
			wanted = "\n\nThe published series of UKL is known, or suspected, to break it."
		}
		_, err := fmt.Fprintf(w, "%s: %s\n\nsource    %s\nwhen      %s\nobserved  %s\ntier      %v\n\nA violation looks like this:\n  %s%s\n",
			r.ID, r.Promise, r.Source, r.When, r.Observes, r.Tier, r.Shows, wanted)
		return err
	})
}

// options are the UKL options of a kernel, as CONFIG_UKL_ names them.
func uklOptions(k *model.Kernel) []string {
	u := k.Image.UKL
	list := []string{}
	for _, o := range []struct {
		on   bool
		name string
	}{{u.UseRet, "use_ret"}, {u.ISTPF, "ist_pf"}, {u.SameStack, "same_stack"}, {u.Bypass, "bypass"}, {u.Shortcut, "shortcut"}} {
		if o.on {
			list = append(list, o.name)
		}
	}
	for _, d := range u.Defects {
		list = append(list, "defect="+strings.ToLower(d))
	}
	return list
}
