// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// board is a Platform whose counter stands still.
type board struct {
	r                     *MSRs
	count, deadline, apic uint64
}

func (b *board) TSC() uint64             { return b.count + b.r.TSCOffset }
func (b *board) TSCDeadline() uint64     { return b.deadline }
func (b *board) SetTSCDeadline(v uint64) { b.deadline = v }
func (b *board) APICBase() uint64        { return b.apic }
func (b *board) SetAPICBase(v uint64)    { b.apic = v }

// msrWorld is a world with its MSRs.
type msrWorld struct {
	*world
	cpu   *CPU
	msrs  MSRs
	board *board
}

func newMSRs(c *CPU) *msrWorld {
	w := &msrWorld{world: newWorld(), cpu: c, msrs: NewMSRs(c)}
	w.board = &board{r: &w.msrs, count: 1000, apic: APICBaseReset}
	return w
}

func (w *msrWorld) read(n MSR) (uint64, *Exception) {
	return w.cpu.ReadMSR(w.State, &w.msrs, w.board, n)
}

func (w *msrWorld) write(n MSR, v uint64) *Exception {
	_, e := w.cpu.WriteMSR(w.State, &w.msrs, w.board, n, v)
	return e
}

func amd() *CPU {
	c := everything()
	c.Vendor = AMD
	return c
}

// Writes of the kernel, and what they read back.
func TestWRMSR(t *testing.T) {
	const gp = "#GP(0)"
	all := everything()
	tests := []struct {
		name  string
		cpu   *CPU
		n     MSR
		v     uint64
		fault string
		want  uint64 // what is read after
	}{
		{"FS base", all, MSRFSBase, 0x7f0000001000, "", 0x7f0000001000},
		{"FS base, not canonical", nothing(), MSRFSBase, noncanon, gp, 0},
		{"FS base, LA57 in the CPU though not in CR4", all, MSRFSBase, noncanon, "", noncanon},
		{"FS base, not canonical with LA57", all, MSRFSBase, 1 << 60, gp, 0},
		{"GS base, not canonical", nothing(), MSRGSBase, noncanon, gp, 0},
		{"kernel GS base, not canonical", nothing(), MSRKernelGSBase, noncanon, gp, 0},
		{"kernel GS base", all, MSRKernelGSBase, ^uint64(0), "", ^uint64(0)},
		{"LSTAR", all, MSRLSTAR, kernelCode, "", kernelCode},
		{"LSTAR, not canonical", nothing(), MSRLSTAR, noncanon, gp, 0},
		{"CSTAR, not canonical", nothing(), MSRCSTAR, noncanon, gp, 0},
		{"STAR takes anything", all, MSRSTAR, noncanon + 5, "", noncanon + 5},
		{"FMASK", all, MSRFMASK, 0x47700, "", 0x47700},
		{"SYSENTER_CS", all, MSRSysenterCS, 0x10, "", 0x10},
		{"SYSENTER_ESP, not canonical", all, MSRSysenterESP, 1 << 60, gp, 0},
		{"SYSENTER_EIP, not canonical", all, MSRSysenterEIP, 1 << 60, gp, 0},
		{"SYSENTER_CS without SEP", nothing(), MSRSysenterCS, 0x10, gp, 0},
		{"TSC_AUX", all, MSRTSCAux, 0x1001, "", 0x1001},
		{"TSC_AUX, upper half", all, MSRTSCAux, 1 << 32, gp, 0},
		{"TSC_AUX without RDTSCP", nothing(), MSRTSCAux, 1, gp, 0},
		{"TSC", all, MSRTSC, 5, "", 5},
		{"TSC deadline", all, MSRTSCDeadline, 99, "", 99},
		{"TSC deadline, not there", nothing(), MSRTSCDeadline, 99, gp, 0},
		{"APIC base", all, MSRAPICBase, APICBaseReset &^ APICBaseEnable, "", APICBaseReset &^ APICBaseEnable},
		{"APIC base, x2APIC", all, MSRAPICBase, APICBaseReset | APICBaseX2, gp, APICBaseReset},
		{"APIC base, reserved", all, MSRAPICBase, APICBaseReset | 1, gp, APICBaseReset},
		{"APIC base beyond MAXPHYADDR", all, MSRAPICBase, APICBaseReset | 1<<PhysicalBits, gp, APICBaseReset},
		{"APIC base without an APIC", nothing(), MSRAPICBase, APICBaseReset, gp, 0},
		{"PAT", all, MSRPAT, 0x0407050600070106, "", 0x0407050600070106},
		{"PAT, reserved type 2", all, MSRPAT, 0x0007040600070402, gp, PATReset},
		{"PAT, reserved type 3 on top", all, MSRPAT, 3 << 56, gp, PATReset},
		{"PAT, reserved bits", all, MSRPAT, 0x08, gp, PATReset},
		{"MISC_ENABLE, CPUID limit", all, MSRMiscEnable, miscEnable | 1<<22, "", miscEnable | 1<<22},
		{"MISC_ENABLE, a bit that isn't there", all, MSRMiscEnable, miscEnable | 1<<34, gp, miscEnable},
		{"MISC_ENABLE, a bit that can't be cleared", all, MSRMiscEnable, 1, gp, miscEnable},
		{"MISC_ENABLE on AMD", amd(), MSRMiscEnable, miscEnable, gp, 0},
		{"MTRRcap", all, MSRMTRRCap, 0, gp, mtrrCap},
		{"MTRR default type", all, MSRMTRRDefType, mtrrEnable | mtrrFixed, "", mtrrEnable | mtrrFixed},
		{"MTRR default type, reserved", all, MSRMTRRDefType, 1 << 9, gp, mtrrDefType},
		{"MTRR default type 2", all, MSRMTRRDefType, 2, gp, mtrrDefType},
		{"MTRR base", all, MSRMTRRPhysBase0 + 2, 0x80000006, "", 0x80000006},
		{"MTRR base, reserved", all, MSRMTRRPhysBase0, 0x100, gp, 0},
		{"MTRR base, type 7", all, MSRMTRRPhysBase0, 7, gp, 0},
		{"MTRR mask", all, MSRMTRRPhysBase0 + 15, 0xff80000800, "", 0xff80000800},
		{"MTRR mask, reserved", all, MSRMTRRPhysBase0 + 1, 0x400, gp, 0},
		{"MTRR mask beyond MAXPHYADDR", all, MSRMTRRPhysBase0 + 1, 1 << PhysicalBits, gp, 0},
		{"ninth MTRR", all, MSRMTRRPhysBase0 + 16, 0, gp, 0},
		{"MTRR fixed", all, MSRMTRRFix16K + 1, 0x0606060606060606, "", 0x0606060606060606},
		{"MTRR fixed 4K", all, MSRMTRRFix4K + 7, 0x0505050505050505, "", 0x0505050505050505},
		{"MTRR fixed 64K, type 2", all, MSRMTRRFix64K, 2 << 16, gp, 0},
		{"MTRR fixed, a gap", all, MSRMTRRFix64K + 1, 0, gp, 0},
		{"MCG_CAP", all, MSRMCGCap, 0, gp, 0},
		{"MCG_STATUS", all, MSRMCGStatus, 4, "", 4},
		{"MCG_STATUS, reserved", all, MSRMCGStatus, 8, gp, 0},
		{"MCG_CTL, for which MCG_CAP has no bit", all, 0x17b, 0, gp, 0},
		{"microcode revision", all, MSRBIOSSignID, 0, "", microcode},
		{"locked feature control", all, MSRFeatureControl, 5, gp, featureControl},
		{"misc features", all, MSRMiscFeatures, 0, "", 0},
		{"misc features, CPUID faulting", all, MSRMiscFeatures, 1, gp, 0},
		{"platform information", all, MSRPlatformInfo, 0, gp, 10 << 8},
		{"SPEC_CTRL", all, MSRSpecCtrl, 1, "", 1},
		{"SPEC_CTRL, not there", nothing(), MSRSpecCtrl, 1, gp, 0},
		{"ARCH_CAPABILITIES", all, MSRArchCapabilities, 0, gp, archCapabilities},
		{"DEBUGCTL", all, MSRDebugCtl, 2, "", 2},
		{"DEBUGCTL, reserved", all, MSRDebugCtl, 4, gp, 0},
		{"HWCR on Intel", all, MSRAMDHWCR, 0, gp, 0},
		{"HWCR", amd(), MSRAMDHWCR, hwcr | 1, "", hwcr | 1},
		{"SYSCFG", amd(), MSRAMDSYSCFG, 1 << 18, "", 1 << 18},
		{"DE_CFG", amd(), MSRAMDDECfg, 2, "", 2},
		{"NB_CFG", amd(), MSRAMDNBCFG, 1 << 46, "", 1 << 46},
		{"NB_CFG on Intel", all, MSRAMDNBCFG, 0, gp, 0},
		{"XSS, without XSAVES", all, 0xda0, 0, gp, 0},
		{"unknown", all, 0x12345678, 0, gp, 0},
		{"x2APIC register", all, 0x802, 0, gp, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newMSRs(test.cpu)
			requireFault(t, test.fault, w.write(test.n, test.v))
			if v, e := w.read(test.n); e == nil {
				require.Equal(t, test.want, v)
			} else {
				require.Zero(t, test.want)
			}
		})
	}
}

// What Linux 6.1 asks for with rdmsr_safe and gets #GP for on hardware that
// lacks it, or reads in earnest.
func TestRDMSR(t *testing.T) {
	there := []MSR{MSRPlatformID, MSRFeatureControl, MSRBIOSSignID, MSRPlatformInfo, MSRMTRRCap,
		MSRArchCapabilities, MSRMiscFeatures, MSRMCGCap, MSRMiscEnable, MSRPAT, MSREFER, MSRTSCAdjust}
	absent := []MSR{0x33 /* TEST_CTRL */, 0x34 /* SMI_COUNT */, 0x4e /* PPIN_CTL */, 0xcf, /* CORE_CAPABILITIES */
		0xe7 /* MPERF */, 0x1ad /* TURBO_RATIO_LIMIT */, 0x17f /* ERROR_CONTROL */, 0x186 /* PERFEVTSEL0 */, 0x345, /* PERF_CAPABILITIES */
		0x480 /* VMX_BASIC */, 0x606 /* RAPL */, 0x770 /* HWP */, MSRPredCmd}
	c := DefaultCPU()
	w := newMSRs(&c)
	for _, n := range there {
		_, e := w.read(n)
		require.Nil(t, e, "MSR %#x", n)
	}
	for _, n := range absent {
		_, e := w.read(n)
		requireFault(t, "#GP(0)", e)
	}
	w.user()
	_, e := w.read(MSRPAT)
	requireFault(t, "#GP(0)", e)
	requireFault(t, "#GP(0)", w.write(MSRPAT, PATReset))
}

func TestPredCmdCanOnlyBeWritten(t *testing.T) {
	w := newMSRs(everything())
	require.Nil(t, w.write(MSRPredCmd, 1))
	requireFault(t, "#GP(0)", w.write(MSRPredCmd, 2))
	_, e := w.read(MSRPredCmd)
	requireFault(t, "#GP(0)", e)
}

// SDM vol. 3B, "Time-Stamp Counter Adjustment".
func TestTSCAdjustFollowsTheCounter(t *testing.T) {
	w := newMSRs(everything())
	require.Nil(t, w.write(MSRTSC, 1500))
	adjust, _ := w.read(MSRTSCAdjust)
	require.Equal(t, uint64(500), adjust)
	require.Nil(t, w.write(MSRTSCAdjust, 0))
	tsc, _ := w.read(MSRTSC)
	require.Equal(t, uint64(1000), tsc)
}
