// SPDX-License-Identifier: GPL-2.0-or-later

// Package sequence is what happens to an application: a list of operations, as
// text that people write, as bytes that Go's fuzzing mutates, and as a run of a
// machine.
//
//	seq, err := sequence.Parse(text)
//	runner, err := sequence.NewRunner(driver, sequence.Options{})
//	outcome := runner.Run(seq)
//
//	uklemu sequence 1
//	handle(SIGUSR1, nested, SA_NODEFER, getpid)
//	flags(DF|AC)
//	r2 = getpid() (irq: 12)
//	kill(r2, SIGUSR1)
//
// All operations are in one table (Operations), with their arguments and what
// these may be. The parser, the printer, the generator and the manual are made from it.
package sequence
