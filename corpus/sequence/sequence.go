// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import "fmt"

// Sequence is what happens to an application, in order.
type Sequence []Op

// MaxOps is how long a sequence may be, and MaxBoundary the last boundary of an
// operation at which something can come.
const (
	MaxOps      = 64
	MaxBoundary = 1<<16 - 1
	MaxArgs     = 6
)

// Op is an operation with its arguments. Ops can be compared.
type Op struct {
	Code  Code
	Event Event // what comes in the middle of it
	At    uint16
	// SYSCALL makes a system call by that instruction, though the application may
	// have another way.
	SYSCALL bool
	Args    [MaxArgs]Value
}

// Event comes at an instruction boundary of an operation: behind Op.At
// instructions.
type Event uint8

// Events.
const (
	NoEvent    Event = iota
	Interrupt        // from outside, of a harmless vector
	NMI              //
	Breakpoint       // #DB: a hardware breakpoint at the instruction, if that is the application's
	eventKinds = iota
)

var eventNames = [eventKinds]string{"", "irq", "nmi", "db"}

func (e Event) String() string { return eventNames[e%eventKinds] }

// Operation describes what kind it is.
func (o *Op) Operation() *Operation { return &operations[int(o.Code)%len(operations)] }

// interruptible says whether something can come in the middle: whether it
// executes anything.
func (o *Operation) interruptible() bool {
	return o.kind != moveStack && o.kind != setFlags && o.kind != setField
}

func (o *Operation) isCall() bool { return o.kind == systemCall || o.kind == anyCall }

// Make is an operation by its name.
func Make(name string, values ...Value) (Op, error) {
	c, ok := findOperation(name)
	if !ok {
		return Op{}, fmt.Errorf("there is no operation %q", name)
	}
	o := Op{Code: c}
	if len(values) > len(operations[c].Args) {
		return Op{}, fmt.Errorf("%s takes %d arguments, not %d", name, len(operations[c].Args), len(values))
	}
	copy(o.Args[:], values)
	return o, nil
}

// Normal is a sequence that has the nearest allowed value wherever this one has
// another, in the same memory: nothing is longer than it may be, no result of
// a later operation is used, a closed domain has what is in it.
func (s Sequence) Normal() Sequence {
	if len(s) > MaxOps {
		s = s[:MaxOps]
	}
	for i := range s {
		s[i] = s[i].normal(i)
	}
	return s
}

func (o Op) normal(index int) Op {
	o.Code %= Code(len(operations))
	op := &operations[o.Code]
	o.Event %= eventKinds
	if !op.interruptible() {
		o.Event = NoEvent
	}
	if o.Event == NoEvent {
		o.At = 0
	}
	o.SYSCALL = o.SYSCALL && op.isCall()
	for i := range o.Args {
		if i >= len(op.Args) {
			o.Args[i] = Value{}
			continue
		}
		o.Args[i] = op.Args[i].Domain.bring(o.Args[i].normal(index))
	}
	return o
}
