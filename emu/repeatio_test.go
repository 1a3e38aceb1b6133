// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

const (
	repSTOS = "f3 aa  rep stosb"
	repINS  = "f3 6c  rep insb"
	repOUTS = "f3 6e  rep outsb"
	repINSD = "f3 6d  rep insd"
)

// repeated is a program that goes through a repeated instruction EDX times, at
// offset 5, three iterations each.
func repeated(instruction string) []byte {
	return listing("b9 03 00 00 00  mov ecx,0x3\n" + instruction + `
ff ca                           dec edx
75 f5                           jne 0
90                              nop
0f 0b                           ud2
`)
}

func stringOperands(s *x86.State) {
	s.GPR[x86.RSI], s.GPR[x86.RDI] = kernelData, kernelData
	s.GPR[x86.RBX] = kernelData
}

// SDM vol. 3B, "Instruction-Breakpoint Exception Condition": a breakpoint on a
// repeated string instruction is met at its start, not by every iteration; and
// again where the program comes back to it.
func TestInstructionBreakpointOnARepeatedInstruction(t *testing.T) {
	for _, instruction := range []string{repSTOS, repINS, repOUTS} {
		for rounds, want := range map[uint64]string{1: "5/1", 2: "5/1 5/1"} {
			t.Run(fmt.Sprintf("%s, %d times", instruction, rounds), func(t *testing.T) {
				r := newRig(t, "")
				require.Equal(t, want, r.trapLog(repeated(instruction), false, func(s *x86.State) {
					breakpoint(kernelCode+5, 0, 0)(s)
					stringOperands(s)
					s.GPR[x86.RDX] = rounds
				}))
			})
		}
	}
}

// An interrupt between two iterations pushes RF, so that the breakpoint at the
// instruction is not met when the handler returns (SDM vol. 3B, ibid.); a
// handler that clears RF in the frame meets it.
func TestInterruptBetweenIterationsPushesRF(t *testing.T) {
	for _, instruction := range []string{repSTOS, repINS, repOUTS} {
		for _, clears := range []bool{false, true} {
			for _, broken := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, handler clears RF %v, breakpoint %v", instruction, clears, broken), func(t *testing.T) {
					r := newRig(t, "")
					var flags []uint64
					r.Observe(func(e emu.Event) {
						if e.Kind == emu.EventInterrupt {
							flags = append(flags, r.frame(false).RFLAGS&x86.FlagRF)
							if clears {
								at := r.State().GPR[x86.RSP] + 16
								_, err := r.WriteMemory(at, []byte{0x02, 0x02, 0, 0})
								require.NoError(t, err)
							}
						}
					})
					after := uint64(3) // MOV, and two iterations
					got := r.trapLog(repeated(instruction), false, func(s *x86.State) {
						if broken {
							breakpoint(kernelCode+5, 0, 0)(s)
							after += 2 // OR and IRET of the #DB's handler
						}
						stringOperands(s)
						s.RFLAGS |= x86.FlagIF
						s.GPR[x86.RDX] = 1
						r.InterruptAt(after, 0x30)
					})
					require.Equal(t, []uint64{x86.FlagRF}, flags)
					switch {
					case broken && clears:
						require.Equal(t, "5/1 5 5/1", got)
					case broken:
						require.Equal(t, "5/1 5", got)
					default:
						require.Equal(t, "5", got)
					}
				})
			}
		}
	}
}

// An interrupt before the first iteration, or behind the last, finds RF clear.
func TestInterruptAroundARepeatedInstruction(t *testing.T) {
	for _, instruction := range []string{repSTOS, repINS} {
		for after, want := range map[uint64]frame{
			1: {RIP: kernelCode + 5, RFLAGS: 0}, 2: {RIP: kernelCode + 5, RFLAGS: x86.FlagRF},
			3: {RIP: kernelCode + 5, RFLAGS: x86.FlagRF}, 4: {RIP: kernelCode + 7, RFLAGS: 0},
		} {
			for _, probed := range []bool{false, true} {
				r := newRig(t, "")
				if probed {
					r.Probe(kernelCode+5, func(*emu.Machine) bool { return false })
				}
				r.kernel(repeated(instruction), func(s *x86.State) {
					stringOperands(s)
					s.RFLAGS |= x86.FlagIF
				})
				r.InterruptAt(after, 0x30)
				r.run()
				f := r.frame(false)
				require.Equal(t, want, frame{RIP: f.RIP, RFLAGS: f.RFLAGS & x86.FlagRF}, "%s, after %d, probed %v", instruction, after, probed)
			}
		}
	}
}

// So it does where the machine went back to a snapshot in between.
func TestInterruptBetweenIterationsAfterARestore(t *testing.T) {
	for _, instruction := range []string{repSTOS, repINS} {
		for executed, want := range map[uint64]uint64{1: 0, 2: x86.FlagRF, 4: 0} {
			r := newRig(t, "")
			r.kernel(repeated(instruction), func(s *x86.State) {
				stringOperands(s)
				s.RFLAGS |= x86.FlagIF
				s.GPR[x86.RDX] = 1
			})
			r.Run(emu.Until{Instructions: executed})
			s, err := r.Snapshot()
			require.NoError(t, err)
			for _, more := range []uint64{1, 2, 3, 4} {
				r.Run(emu.Until{Instructions: more})
				require.NoError(t, r.Restore(s))
				r.InterruptAt(0, 0x30)
				r.run()
				require.Equal(t, want, r.frame(false).RFLAGS&x86.FlagRF, "%s, after %d, and %d more", instruction, executed, more)
				require.NoError(t, r.Restore(s))
			}
		}
	}
}

// Nor is the breakpoint at the instruction met again by a machine that went
// back to the middle of it.
func TestInstructionBreakpointAfterARestoreBetweenIterations(t *testing.T) {
	for _, instruction := range []string{repSTOS, repINS} {
		r := newRig(t, "")
		r.write(entryAt+16*uint64(x86.VectorDB), listing(`
80 4c 24 12 01                  or BYTE PTR [rsp+0x12],0x1
48 cf                           iretq
`))
		r.RemoveProbe(r.handler(x86.VectorDB))
		r.kernel(repeated(instruction), func(s *x86.State) {
			breakpoint(kernelCode+5, 0, 0)(s)
			stringOperands(s)
			s.GPR[x86.RDX] = 1
		})
		r.Run(emu.Until{Instructions: 5}) // MOV, the handler, two iterations
		require.EqualValues(t, 1, r.State().GPR[x86.RCX])
		s, err := r.Snapshot()
		require.NoError(t, err)
		r.run()
		require.Equal(t, "#DB #UD", r.deliveries())
		r.log = nil
		require.NoError(t, r.Restore(s))
		r.run()
		require.Equal(t, "#UD", r.deliveries())
	}
}

// SDM vol. 3B, "Data Breakpoint Match and I/O Breakpoint Exception
// Conditions": INS and OUTS access memory and a port, and a trap follows the
// iteration that met either.
func TestDataBreakpointsOnTheMemoryOfINSAndOUTS(t *testing.T) {
	const write, io, access = 1, 2, 3
	for _, c := range []struct {
		name, instruction string
		edit              func(*x86.State)
		want              string
	}{
		{"INS writes", repINS, breakpoint(kernelData+1, write, 0), "5/1"},
		{"INS writes, the last iteration", repINS, breakpoint(kernelData+2, write, 0), "7/1"},
		{"INS writes beside it", repINS, breakpoint(kernelData+3, write, 0), ""},
		{"INS of doublewords", repINSD, breakpoint(kernelData+7, access, 0), "5/1"},
		{"OUTS reads", repOUTS, breakpoint(kernelData+1, access, 0), "5/1"},
		{"OUTS does not write", repOUTS, breakpoint(kernelData+1, write, 0), ""},
		{"the port of every iteration", repOUTS, breakpoint(1, io, 0), "5/1 5/1 7/1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "")
			var flags []uint64
			r.Observe(func(e emu.Event) {
				if e.Kind == emu.EventException && e.Vector == x86.VectorDB {
					flags = append(flags, r.frame(false).RFLAGS&x86.FlagRF)
				}
			})
			require.Equal(t, c.want, r.trapLog(repeated(c.instruction), false, func(s *x86.State) {
				c.edit(s)
				stringOperands(s)
				s.GPR[x86.RDX] = 1 // and the port
			}))
			for i, f := range flags {
				want := uint64(x86.FlagRF) // more iterations are to come
				if c.want[4*i] == '7' {
					want = 0
				}
				require.Equal(t, want, f)
			}
		})
	}
}

// SDM vol. 2A, INS, and vol. 1 3.3.7: with 32-bit addresses the index wraps at
// 4 GiB, and writing it clears the upper half; the count is ECX.
func TestINSAndOUTSWith32BitAddresses(t *testing.T) {
	const below, above = 0xffffffff, 0
	for _, c := range []struct {
		name, code string
		index      int
		flags      uint64
		start, end uint64
	}{
		{"INS upwards", "67 f3 6c  rep ins BYTE PTR es:[edi],dx", x86.RDI, 0, 0xdead0000_ffffffff, 1},
		{"INS downwards", "67 f3 6c  rep ins BYTE PTR es:[edi],dx", x86.RDI, x86.FlagDF, 0xdead0000_00000000, 0xfffffffe},
		{"OUTS upwards", "67 f3 6e  rep outs dx,BYTE PTR [esi]", x86.RSI, 0, 0xdead0000_ffffffff, 1},
		{"OUTS downwards", "67 f3 6e  rep outs dx,BYTE PTR [esi]", x86.RSI, x86.FlagDF, 0xdead0000_00000000, 0xfffffffe},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "")
			r.mapPage(below&^0xfff, dataAt, 0, pteP|pteW|pteA|pteD)
			r.mapPage(above, dataAt+0x1000, 0, pteP|pteW|pteA|pteD)
			r.kernel(listing(c.code+"\n0f 0b  ud2"), func(s *x86.State) {
				s.RFLAGS |= c.flags
				s.GPR[c.index], s.GPR[x86.RCX] = c.start, 0xbeef0000_00000002
			})
			r.run()
			require.Equal(t, "#UD", r.deliveries())
			s := r.State()
			require.Equal(t, c.end, s.GPR[c.index])
			require.Zero(t, s.GPR[x86.RCX])
			if c.index == x86.RDI { // nothing answers at the port: ones
				require.EqualValues(t, 0xff, r.get64(dataAt+0xff8)>>56)
				require.EqualValues(t, 0xff, r.get64(dataAt+0x1000))
			}
		})
	}
}

// CLTS writes CR0, and those who observe are told (SDM vol. 2A, CLTS).
func TestCLTSIsAWriteToCR0(t *testing.T) {
	r := newRig(t, "")
	var seen []emu.Event
	r.Observe(func(e emu.Event) {
		if e.Kind == emu.EventControl {
			seen = append(seen, e)
		}
	})
	r.kernel(listing(`
0f 06                           clts
d9 e8                           fld1
0f 0b                           ud2
`), func(s *x86.State) { s.CR0 |= x86.CR0TS })
	r.run()
	require.Equal(t, "#UD", r.deliveries())
	require.Zero(t, r.State().CR0&x86.CR0TS)
	require.Len(t, seen, 1)
	require.Equal(t, emu.Event{Kind: emu.EventControl, RIP: kernelCode, Value: r.State().CR0, Write: true}, seen[0])
}

// SDM vol. 3A 7.8.3: the traps of MOV SS are delivered behind the instruction
// after it. INT1's own #DB reports them: DR6 has the breakpoint, not BS.
func TestINT1BehindMOVSS(t *testing.T) {
	r := newRig(t, "")
	r.put64(dataAt, selData)
	r.kernel(listing(`
8e 13                           mov ss,WORD PTR [rbx]
f1                              int1
90                              nop
0f 0b                           ud2
`), func(s *x86.State) {
		breakpoint(kernelData, 3, 1)(s)
		trapFlag(s)
	})
	r.run()
	require.Equal(t, "int 1", r.deliveries())
	require.EqualValues(t, x86.DR6B0, r.State().DR[6]&^x86.DR6Fixed)
	require.EqualValues(t, uint64(kernelCode+3), r.frame(false).RIP)
	r.write(entryAt+16, listing(`48 cf  iretq`))
	s := r.State()
	s.DR[6], s.DR[7] = x86.DR6Fixed, x86.DR7Fixed
	r.SetState(&s)
	r.run() // TF of the frame: the trap after NOP, and none of MOV SS any more
	require.Equal(t, "int 1 #DB", r.deliveries())
	require.EqualValues(t, uint64(kernelCode+4), r.frame(false).RIP)
	require.EqualValues(t, x86.DR6BS, r.State().DR[6]&^x86.DR6Fixed)
}
