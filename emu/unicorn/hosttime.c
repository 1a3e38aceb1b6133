// SPDX-License-Identifier: GPL-2.0-or-later
// libunicorn chooses the size of its TLB by how full it was in the last tenth
// of a second, and asks the host for the time of day; that is all it asks it
// for. So that the same run misses the same times on every machine, its own
// reference to gettimeofday, and nobody else's, is led here: to time that
// passes with the instructions of the engine that asks.

#define _GNU_SOURCE
#include "engine.h"
#include <sys/time.h>

static __thread const struct engine *asking;

const struct engine *engine_asks(const struct engine *e)
{
    const struct engine *before = asking;
    asking = e;
    return before;
}

// At eight nanoseconds an instruction the tenth of a second is about one of the host's.
static int time_of_day(struct timeval *to, void *zone)
{
    uint64_t microseconds = asking ? asking->count / 125 : 0;
    (void)zone;
    to->tv_sec = microseconds / 1000000;
    to->tv_usec = microseconds % 1000000;
    return 0;
}

#ifdef __linux__
#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct dynamic { uintptr_t base; const char *strings; const ElfW(Sym) *symbols; };

static int lead(const struct dynamic *d, uintptr_t table, size_t size)
{
    const ElfW(Rela) *r = (const ElfW(Rela) *)table;
    int led = 0;
    for (size_t i = 0; table && i < size / sizeof *r; i++) {
        const ElfW(Sym) *symbol = &d->symbols[r[i].r_info >> 32];
        if (!(r[i].r_info >> 32) || strcmp(d->strings + symbol->st_name, "gettimeofday")) continue;
        uintptr_t at = d->base + r[i].r_offset, page = at & -(uintptr_t)sysconf(_SC_PAGESIZE);
        if (mprotect((void *)page, at + sizeof at - page, PROT_READ | PROT_WRITE)) continue;
        *(void **)at = (void *)time_of_day;
        led++;
    }
    return led;
}

int library_lead_time(void *handle)
{
    struct link_map *map;
    struct dynamic d = {0};
    uintptr_t calls = 0, others = 0;
    size_t calls_size = 0, others_size = 0;
    if (sizeof(void *) != 8 || dlinfo(handle, RTLD_DI_LINKMAP, &map)) return 0;
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
int library_lead_time(void *handle)
{
    (void)handle, (void)time_of_day;
    return 0;
}
#endif
