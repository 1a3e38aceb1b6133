// SPDX-License-Identifier: GPL-2.0-or-later
// Keystone is LLVM, which ends the process over what it calls a fatal error:
// it prints a line and calls exit. Its own references to exit, abort and write,
// and nobody else's, are led here, where they end the call of keystone_assemble
// that they are in. What that call held is lost, which is a leak of a few
// kilobytes; its engine is not used again.

#define _GNU_SOURCE
#include "keystone.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __thread jmp_buf way_out;
static __thread int inside;
static __thread char said[128];
static __thread size_t said_length;

int keystone_assemble(ks_engine *ks, const char *text, unsigned char *code, size_t room, char *why, size_t why_room)
{
    int result;
    said_length = 0;
    if (setjmp(way_out)) {
        static const char prefix[] = "LLVM ERROR: ";
        const char *from = said;
        inside = 0;
        said[said_length] = 0;
        if (!strncmp(from, prefix, sizeof prefix - 1)) from += sizeof prefix - 1;
        snprintf(why, why_room, "%.*s", (int)strcspn(from, "\n"), from);
        return KEYSTONE_FATAL;
    }
    inside = 1;
    result = keystone_call(ks, text, code, room, why, why_room);
    inside = 0;
    return result;
}

static void leave(int status)
{
    if (inside) longjmp(way_out, 1);
    _exit(status);
}

static void leave_at_once(void) { leave(134); }

static ssize_t listen(int file, const void *bytes, size_t size)
{
    if (!inside || file != STDERR_FILENO) return write(file, bytes, size);
    size_t room = sizeof said - 1 - said_length, n = size < room ? size : room;
    memcpy(said + said_length, bytes, n);
    said_length += n;
    return (ssize_t)size;
}

#if defined(__linux__) && defined(__LP64__)
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>

struct dynamic { uintptr_t base; const char *strings; const ElfW(Sym) *symbols; };

static void *instead_of(const char *name)
{
    if (!strcmp(name, "exit")) return (void *)leave;
    if (!strcmp(name, "abort")) return (void *)leave_at_once;
    if (!strcmp(name, "write")) return (void *)listen;
    return 0;
}

static int lead(const struct dynamic *d, uintptr_t table, size_t size)
{
    const ElfW(Rela) *r = (const ElfW(Rela) *)table;
    int led = 0;
    for (size_t i = 0; table && i < size / sizeof *r; i++) {
        unsigned long index = r[i].r_info >> 32;
        void *to = index ? instead_of(d->strings + d->symbols[index].st_name) : 0;
        uintptr_t at = d->base + r[i].r_offset, page = at & -(uintptr_t)sysconf(_SC_PAGESIZE);
        if (!to || mprotect((void *)page, at + sizeof at - page, PROT_READ | PROT_WRITE)) continue;
        *(void **)at = to;
        led++;
    }
    return led;
}

int keystone_lead_exits(void *handle)
{
    struct link_map *map;
    struct dynamic d = {0};
    uintptr_t calls = 0, others = 0;
    size_t calls_size = 0, others_size = 0;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map)) return 0;
    d.base = map->l_addr;
    for (const ElfW(Dyn) *e = map->l_ld; e->d_tag != DT_NULL; e++) {
        // Some loaders have added the base to these already, some have not.
        uintptr_t address = e->d_un.d_ptr < d.base ? e->d_un.d_ptr + d.base : e->d_un.d_ptr;
        switch (e->d_tag) {
        case DT_STRTAB: d.strings = (const char *)address; break;
        case DT_SYMTAB: d.symbols = (const ElfW(Sym) *)address; break;
        case DT_JMPREL: calls = address; break;
        case DT_PLTRELSZ: calls_size = e->d_un.d_val; break;
        case DT_RELA: others = address; break;
        case DT_RELASZ: others_size = e->d_un.d_val; break;
        case DT_PLTREL: if (e->d_un.d_val != DT_RELA) return 0; break;
        }
    }
    if (!d.strings || !d.symbols) return 0;
    return lead(&d, calls, calls_size) + lead(&d, others, others_size);
}
#else
int keystone_lead_exits(void *handle)
{
    (void)handle, (void)leave_at_once, (void)listen;
    return 0;
}
#endif
