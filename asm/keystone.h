// SPDX-License-Identifier: GPL-2.0-or-later
// Keystone's public interface, opened at run time: no header of it is needed to build.

#ifndef UKLEMU_KEYSTONE_H
#define UKLEMU_KEYSTONE_H

#include <stddef.h>
#include <stdint.h>

typedef struct ks_struct ks_engine;

// Numbers of the public interface, 0.9.
enum {
    KS_ARCH_X86 = 4, KS_MODE_16 = 2, KS_MODE_32 = 4, KS_MODE_64 = 8,
    KS_OPT_SYNTAX = 1, KS_OPT_SYNTAX_INTEL = 1, KS_OPT_SYNTAX_ATT = 2,
    KS_WANTED = 9, // ks_version's result: major << 8 | minor
};

// What is looked up in the library: result, name, parameters.
#define KEYSTONE_FUNCTIONS(F) \
    F(unsigned, ks_version, (unsigned *major, unsigned *minor)) \
    F(int, ks_open, (int arch, int mode, ks_engine **ks)) \
    F(int, ks_close, (ks_engine *ks)) \
    F(int, ks_errno, (ks_engine *ks)) \
    F(const char *, ks_strerror, (int code)) \
    F(int, ks_option, (ks_engine *ks, int type, size_t value)) \
    F(int, ks_asm, (ks_engine *ks, const char *text, uint64_t address, unsigned char **code, size_t *size, size_t *count)) \
    F(void, ks_free, (unsigned char *code))

// keystone_load opens the shared object at path. It returns 0, or -1 with a
// sentence in why.
int keystone_load(const char *path, char *why, size_t room, unsigned *version);

// keystone_start opens an engine for a mode of 16, 32 or 64 bits.
int keystone_start(int mode, int att, ks_engine **ks);

// keystone_assemble writes at most room bytes into code and returns how many,
// or -1 with a sentence in why; or KEYSTONE_FATAL, and the engine must not be
// used again.
#define KEYSTONE_FATAL -2
int keystone_assemble(ks_engine *ks, const char *text, unsigned char *code, size_t room, char *why, size_t why_room);

// keystone_call is keystone_assemble as long as nothing is fatal.
int keystone_call(ks_engine *ks, const char *text, unsigned char *code, size_t room, char *why, size_t why_room);

// keystone_lead_exits leads the library's calls that would end the process; it
// returns how many it found.
int keystone_lead_exits(void *handle);

#endif
