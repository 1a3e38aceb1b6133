// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/uklemu/uklemu/model"
	"github.com/uklemu/uklemu/model/invariant"
)

// checkReport is what check prints.
type checkReport struct {
	Image        string            `json:"image"`
	Kernel       string            `json:"kernel"`
	Options      []string          `json:"options"`
	Tier         string            `json:"tier"`
	Invariants   []invariantReport `json:"invariants"`
	Failures     []failureReport   `json:"failures"` // scenarios that did not come to their end
	Skipped      map[string]string `json:"skipped"`  // scenarios that the kernel can't play, and why
	Scenarios    int               `json:"scenarios"`
	Instructions uint64            `json:"instructions"`
	Seconds      float64           `json:"wall_seconds"`
}

type invariantReport struct {
	ID      string           `json:"id"`
	Promise string           `json:"promise"`
	Status  invariant.Status `json:"status"`
	Count   uint64           `json:"count"` // how often it was looked at
	Why     string           `json:"why,omitempty"`
	Broken  uint64           `json:"broken,omitempty"` // how often it did not hold
	// Detail and Location are of the first violation.
	Detail     string            `json:"detail,omitempty"`
	Location   string            `json:"location,omitempty"`
	Violations []violationReport `json:"violations,omitempty"`
}

type violationReport struct {
	What         string       `json:"what"`
	Expected     string       `json:"expected"`
	Found        string       `json:"found"`
	Event        string       `json:"event"`
	Instructions uint64       `json:"instructions"`
	Address      address      `json:"address"`
	Location     string       `json:"location"`
	Line         string       `json:"line,omitempty"`
	Instruction  string       `json:"instruction,omitempty"`
	Trail        []noteReport `json:"trail"`
}

type noteReport struct {
	Instructions uint64 `json:"instructions"`
	Event        string `json:"event"`
	Location     string `json:"location"`
}

type failureReport struct {
	Scenario string `json:"scenario"`
	Error    string `json:"error"`
}

func newCheckReport(name string, k *model.Kernel, c *model.Checked, took time.Duration) *checkReport {
	r := &checkReport{Image: name, Kernel: k.Image.Version.Release, Options: uklOptions(k), Tier: c.Tier.String(), Failures: []failureReport{},
		Skipped: c.Skipped, Scenarios: c.Scenarios, Instructions: c.Instructions, Seconds: took.Seconds()}
	for _, f := range c.Failures {
		r.Failures = append(r.Failures, failureReport{f.Scenario, f.Err.Error()})
	}
	for _, result := range c.Results {
		r.Invariants = append(r.Invariants, newInvariantReport(k, result))
	}
	return r
}

func newInvariantReport(k *model.Kernel, result invariant.Result) invariantReport {
	i := invariantReport{ID: result.ID, Promise: result.Promise, Status: result.Status, Count: result.Count, Why: result.Why, Broken: result.Broken}
	for n, v := range result.Violations {
		e := k.Explain(v)
		report := violationReport{What: v.What, Expected: v.Expected, Found: v.Found, Event: v.Event.String(), Instructions: v.Count,
			Address: address(v.RIP), Location: e.Location, Line: e.Line, Instruction: e.Instruction}
		for _, note := range v.Trail {
			report.Trail = append(report.Trail, noteReport{note.Count, noteText(note), k.Image.Symbols.Name(note.RIP)})
		}
		if n == 0 {
			i.Detail = fmt.Sprintf("%s: expected %s, found %s", v.What, v.Expected, v.Found)
			i.Location = e.Location
		}
		i.Violations = append(i.Violations, report)
	}
	return i
}

func noteText(n invariant.Note) string {
	if n.By == 0 {
		return n.Kind.String()
	}
	return fmt.Sprintf("%v by %v", n.Kind, n.By)
}

type ruleReport struct {
	ID       string `json:"id"`
	Promise  string `json:"promise"`
	Source   string `json:"source"`
	When     string `json:"when"`
	Observes string `json:"observes"`
	Shows    string `json:"shows"`
	Tier     string `json:"tier"`
	Wanted   bool   `json:"wanted"`
}

func newRuleReport(r invariant.Rule) ruleReport {
	return ruleReport{r.ID, r.Promise, r.Source, r.When, r.Observes, r.Shows, r.Tier.String(), r.Wanted}
}

// printCheck writes the table, and below it what did not hold.
func printCheck(w io.Writer, r *checkReport) error {
	kernel := "Linux " + r.Kernel
	if len(r.Options) > 0 {
		kernel += ", " + strings.Join(r.Options, ", ")
	}
	fmt.Fprintf(w, "%s  %s\n\n", r.Image, kernel)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATUS\tLOOKS\tPROMISE")
	counts := map[invariant.Status]int{}
	for _, i := range r.Invariants {
		counts[i.Status]++
		text := i.Promise
		if i.Why != "" {
			text = i.Why
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", i.ID, strings.ReplaceAll(string(i.Status), "-", " "), i.Count, text)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, i := range r.Invariants {
		printViolation(w, r.Image, &i)
	}
	for _, f := range r.Failures {
		fmt.Fprintf(w, "\nThe scenario %q did not come to its end: %s\n", f.Scenario, f.Error)
	}
	_, err := fmt.Fprintf(w, "\n%d invariants: %d held, %d violated, %d not applicable, %d not exercised; %d scenarios, tier %s, %d instructions, %.1f s\n",
		len(r.Invariants), counts[invariant.Held], counts[invariant.Violated], counts[invariant.NotApplicable], counts[invariant.NotExercised],
		r.Scenarios, r.Tier, r.Instructions, r.Seconds)
	return err
}

// trailShown is how many of the events before a violation people are shown.
const trailShown = 8

func printViolation(w io.Writer, image string, i *invariantReport) {
	if len(i.Violations) == 0 {
		return
	}
	v := &i.Violations[0]
	fmt.Fprintf(w, "\n%s is violated: %s\n  %s: expected %s, found %s\n", i.ID, i.Promise, v.What, v.Expected, v.Found)
	fmt.Fprintf(w, "  seen at %s %s", v.Address, v.Location)
	if v.Instruction != "" {
		fmt.Fprintf(w, ": %s", v.Instruction)
	}
	if v.Line != "" {
		fmt.Fprintf(w, " (%s)", v.Line)
	}
	fmt.Fprintf(w, ", %s, %d of %d looks\n", v.Event, i.Broken, i.Count)
	for _, n := range v.Trail[max(0, len(v.Trail)-trailShown):] {
		fmt.Fprintf(w, "    %12d  %-28s %s\n", n.Instructions, n.Event, n.Location)
	}
	fmt.Fprintf(w, "  again: uklemu check --only %s %s\n", i.ID, image)
}
