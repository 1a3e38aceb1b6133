// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

// Numbers of system calls: arch/x86/entry/syscalls/syscall_64.tbl.
const (
	sysRead          = 0
	sysWrite         = 1
	sysMmap          = 9
	sysMprotect      = 10
	sysMunmap        = 11
	sysRtSigaction   = 13
	sysRtSigreturn   = 15
	sysPipe          = 22
	sysSchedYield    = 24
	sysPause         = 34
	sysNanosleep     = 35
	sysSetitimer     = 38
	sysGetpid        = 39
	sysClone         = 56
	sysFork          = 57
	sysVfork         = 58
	sysExecve        = 59
	sysExit          = 60
	sysWait4         = 61
	sysKill          = 62
	sysSigaltstack   = 131
	sysArchPrctl     = 158
	sysSetTidAddress = 218
	sysTgkill        = 234
	sysExitGroup     = 231
	sysRtSigprocmask = 14
)
