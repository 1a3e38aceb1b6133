// SPDX-License-Identifier: GPL-2.0-or-later

package invariant_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/invariant"
)

// places are addresses of the image that events are about.
type places struct {
	img                                        *image.Image
	main, entry, start, rodata, data, function uint64
}

const (
	child     = other // of the stories' task
	userStack = 0x7ffc00001000
)

func placesOf(t *testing.T) places {
	t.Helper()
	p := places{img: of(t, "").img}
	app := p.img.Application()
	require.NotNil(t, app)
	p.main, p.start, p.rodata = app.Main, app.Start, app.ROData[0].Start
	p.data = app.BSS[0].Start
	p.entry, _ = p.img.Address("ukl_entry_SYSCALL_64")
	p.function, _ = p.img.Address("do_syscall_64")
	require.NotZero(t, p.function)
	return p
}

// here is an event of the application's task.
func here(kind event.Kind, rip uint64, change ...func(*event.Event)) event.Event {
	e := event.Event{Kind: kind, Task: task, Tracking: event.TrackingApplication, Stack: thread, TopOfStack: thread + threadSize, PerCPU: percpu,
		Registers: event.Registers{RIP: rip, RFLAGS: 0x202, CS: 0x10, SS: 0x18, GSBase: percpu, CR3: cr3}}
	e.GPR[x86.RSP] = userStack
	for _, c := range change {
		c(&e)
	}
	return e
}

// program makes it one of an ordinary program's.
func program(e *event.Event) {
	e.CS, e.SS, e.Tracking, e.GSBase, e.KernelGSBase = 0x33, 0x2b, event.TrackingNone, 0, percpu
}

// inCall makes it one of a system call, which the application made at main.
func inCall(p places, number uint64, change ...func(*event.Excursion)) func(*event.Event) {
	return func(e *event.Event) {
		x := &event.Excursion{Task: e.Task, By: event.ByCall, Number: number, FromApplication: true, Tracking: event.TrackingApplication,
			Interrupted: event.Registers{RIP: p.main + 5, RFLAGS: 0x202, CS: 0x10, SS: 0x18, GSBase: percpu, CR3: cr3}}
		x.Interrupted.GPR[x86.RSP] = userStack
		x.Interrupted.GPR[x86.RAX] = number
		x.Entry = x.Interrupted
		x.Entry.RIP, x.Entry.GPR[x86.RSP] = p.entry, userStack-8
		x.Begin = &event.Frame{IP: p.main + 5, SP: userStack, OrigAX: number}
		x.End = &event.Frame{IP: p.main + 5, SP: userStack, OrigAX: number}
		for _, c := range change {
			c(x)
		}
		e.Excursion = x
	}
}

// watch shows one invariant events.
func watch(t *testing.T, img *image.Image, id string, events []event.Event) invariant.Result {
	t.Helper()
	found, err := invariant.ByID(id)
	require.NoError(t, err)
	suite := invariant.NewSuite(img, invariant.Full, found...)
	for i := range events {
		suite.See(&events[i])
	}
	return suite.Results()[0]
}

// look is an invariant with events that it is content with, and others that
// it has something to say about.
type look struct {
	id, name string
	healthy  []event.Event
	broken   []event.Event
	what     string // that it says
}

// tables are the looks of groups AS, UA, SG and XT; the stories have the others.
var tables = map[string]func(places) []look{
	"address space": addressSpaceLooks, "user access": userAccessLooks, "signals": signalLooks, "restarts": restartLooks,
	"exec": execLooks, "clone": cloneLooks, "selectors": selectorLooks,
}

// Each invariant is content with events of a healthy kernel, and says what is
// wrong with others.
func TestLooks(t *testing.T) {
	p := placesOf(t)
	for name, table := range tables {
		for _, l := range table(p) {
			t.Run(name+", "+l.id+" "+l.name, func(t *testing.T) {
				held := watch(t, p.img, l.id, l.healthy)
				require.Equal(t, invariant.Held, held.Status, "%+v", held.Violations)
				violated := watch(t, p.img, l.id, l.broken)
				require.Equal(t, invariant.Violated, violated.Status)
				var said []string
				for _, v := range violated.Violations {
					require.Equal(t, l.id, v.ID)
					said = append(said, v.What)
				}
				require.Contains(t, said, l.what)
			})
		}
	}
}

// None of these groups has an invariant that nothing is shown to.
func TestEveryInvariantHasALook(t *testing.T) {
	looked := map[string]bool{
		"XT-4": true, "XT-9": true, "AS-8": true, // TestStaticLooks
		"AS-5": true, "AS-6": true, "AS-7": true, // page tables: TestPageTables
	}
	p := placesOf(t)
	for _, table := range tables {
		for _, l := range table(p) {
			looked[l.id] = true
		}
	}
	for _, i := range invariant.All() {
		switch id := i.Rule().ID; id[:2] {
		case "AS", "UA", "SG", "XT":
			require.True(t, looked[id], id)
		}
	}
}
