// SPDX-License-Identifier: GPL-2.0-or-later
// A scratch engine in which known values are put to find out where the
// library keeps them. Only its public functions are used.

#ifndef UKLEMU_CALIBRATE_H
#define UKLEMU_CALIBRATE_H

#include "library.h"

struct scratch {
    uc_engine *uc;
    uc_context *context, *clean;
    uint8_t *memory;
};

enum { SCRATCH_CODE = 0x1000, SCRATCH_GDT = 0x2000, SCRATCH_SIZE = 0x10000, SCRATCH_HOOK_SIZE = 64 };

int scratch_open(struct scratch *s, int refuse_data);
void scratch_close(struct scratch *s);
void scratch_reset(struct scratch *s);
int scratch_write(struct scratch *s, int id, uint64_t value);
int scratch_write_msr(struct scratch *s, uint32_t msr, uint64_t value);
int scratch_write_table(struct scratch *s, int id, uint16_t selector, uint64_t base, uint32_t limit, uint32_t flags);
int scratch_execute(struct scratch *s, const uint8_t *code, size_t size);
size_t scratch_context(struct scratch *s, uint8_t *to, size_t room); // the bytes behind uc_context
size_t scratch_struct(struct scratch *s, uint8_t *to, size_t room);  // the bytes of uc_struct itself

size_t scratch_hook(struct scratch *s, uint64_t begin, uint64_t end, uint8_t *to, size_t room); // the first bytes of a hook with a range
size_t scratch_behind(struct scratch *s, size_t offset, uint8_t *to, size_t room); // what the word at an offset in uc_struct points to, as far as it can be read

#endif
