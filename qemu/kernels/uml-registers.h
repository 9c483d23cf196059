/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read before registers.c of the uml kernel, which has 2,696 bytes for the host's
 * floating-point registers. Processors with AMX have 11,000, and the host refuses
 * to take back a part of them: so those of the FXSAVE area only, which it does
 * not refuse. Nothing that runs there has others to lose.
 */
#include <sys/ptrace.h>

#undef PTRACE_GETREGSET
#undef PTRACE_SETREGSET
