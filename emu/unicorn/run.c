// SPDX-License-Identifier: GPL-2.0-or-later
// Entering the engine, stepping it, and telling why it stopped.

#include "engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HF_SS32 (1u << 5)
#define RFLAGS_TF 0x100ull
#define RFLAGS_RF 0x10000ull
#define UC_ERR_EXCEPTION 21

static uint64_t read_register(struct engine *e, int id)
{
    uint64_t value = 0;
    uc_reg_read(e->uc, id, &value);
    return value;
}

void engine_flush_tlb(struct engine *e)
{
    const struct engine *before = engine_asks(e);
    uc_ctl(e->uc, UC_CTL_TLB_FLUSH);
    engine_asks(before);
    for (int i = 0; i < CODE_PAGES; i++) e->code[i].page = ~0ull;
    if (!++e->tlb_generation) e->tlb_generation = 1; // 0 is what never was
    e->flush = 0;
}

// The engine takes virtual addresses here; with identity set they are physical.
void engine_forget_code(struct engine *e, uint64_t physical, uint64_t size)
{
    for (uint64_t page = physical >> 12; page <= (physical + size - 1) >> 12 && page < e->ram_size >> 12; page++) {
        if (!e->has_code[page]) continue;
        engine_flush_tlb(e);
        e->identity = 1;
        uc_ctl(e->uc, UC_CTL_TB_REMOVE, page << 12, (page + 1) << 12);
        e->identity = 0;
        engine_flush_tlb(e);
        if (e->blocks[page]) memset(e->blocks[page], 0, sizeof *e->blocks[page]);
        e->has_code[page] = 0;
    }
}

void engine_save(struct engine *e)
{
    uint32_t flags;
    uc_context_save(e->uc, e->context);
    e->rflags = read_register(e, UC_X86_REG_RFLAGS);
    memcpy(&flags, e->state + e->offset_hflags, 4);
    e->bits = flags & 1u << 15 ? 64 : flags & 1u << 4 ? 32 : 16;
    e->inhibit = flags >> 3 & 1;
}

static void load(struct engine *e)
{
    int32_t none = -1;
    // The engine would take the next contributory exception for a double
    // fault: it clears this only where it delivers by itself.
    memcpy(e->state + e->offset_old_exception, &none, 4);
    uc_context_restore(e->uc, e->context);
    uc_reg_write(e->uc, UC_X86_REG_RFLAGS, &e->rflags);
    e->broken_at = e->visited_count;
    e->state_changed = 0;
}

static void fault_exit(struct engine *e)
{
    uint64_t address;
    memcpy(&address, (uint8_t *)e->uc + e->offset_invalid_address, 8);
    if (address >> 12 != e->refused_page >> 12) address = e->refused_page;
    e->exit.reason = e->refused_valid;
    e->exit.address = address;
    e->exit.kind = e->refused_kind;
    e->exit.vector = e->refused.fault;
    e->exit.error_code = e->refused.error_code;
    e->exit.physical = (e->refused.physical & ~0xfffull) | (address & 0xfff);
    e->exit.insn.length = 0;
    if (e->refused_kind != ACCESS_FETCH) {
        uint64_t rip = read_register(e, UC_X86_REG_RIP);
        decode(&e->exit.insn, e->exit.bytes, engine_code_at(e, rip, e->exit.bytes), e->bits);
        if (e->exit.vector == 14 && e->exit.insn.read_modify_write) e->exit.error_code |= PF_W;
        e->correct = 1;
    }
}

// restore_flags: see pass in hooks.c.
static void restore_flags(struct engine *e, int err)
{
    const uint64_t arithmetic = 0x8d5;
    if (e->passed == NO_PAGE || e->passed != read_register(e, UC_X86_REG_RIP)) return;
    if (err == UC_ERR_EXCEPTION ? e->refused_kind == ACCESS_FETCH : e->exit.reason != EXIT_EXCEPTION || e->exit.vector == 1) return;
    if (e->passed_unread) memcpy(&e->passed_flags, e->live + e->offset_cc_src, 8);
    uint64_t flags = (read_register(e, UC_X86_REG_RFLAGS) & ~arithmetic) | (e->passed_flags & arithmetic);
    uc_reg_write(e->uc, UC_X86_REG_RFLAGS, &flags);
}

// emulate runs the engine once. True if it stopped for a reason that the
// caller of engine_run should know.
static int emulate(struct engine *e)
{
    e->refused_valid = e->correct = e->stale = 0;
    if (e->flush) engine_flush_tlb(e);
    e->runs++;
    e->passed = e->handed_over = NO_PAGE;
    engine_arm(e);
    int err = uc_emu_start(e->uc, read_register(e, UC_X86_REG_RIP), 0, 0, 0);
    engine_disarm(e);
    restore_flags(e, err);
    // One byte, so that blocks that start further on keep what they have.
    if (e->wanted) uc_ctl(e->uc, UC_CTL_TB_REMOVE, e->wanted_pc, e->wanted_pc + 1);
    if (e->stale || e->unhooked) uc_ctl(e->uc, UC_CTL_TB_FLUSH);
    e->unhooked = 0;
    if ((e->wanted || e->stale) && !err && !e->exit.reason) return 0;
    if (err == UC_ERR_EXCEPTION && e->refused_valid == EXIT_REWRITE) {
        engine_forget_code(e, e->refused.physical, 1);
        e->rewriting = e->refused.physical >> 12;
        e->correct = 1;
        e->one_step = !e->stepping;
        return 0;
    } else if (err == UC_ERR_EXCEPTION && e->refused_valid == EXIT_REFILL) {
        // An instruction that needs both linear pages at once goes by itself.
        uint64_t rip = read_register(e, UC_X86_REG_RIP);
        if (e->refilled == rip && e->refilled_visited + 1 >= e->visited_count) e->one_step = 1;
        e->refilled = rip;
        e->refilled_visited = e->visited_count;
        e->flush = 1;
        e->correct = 1;
        return 0;
    } else if (err == UC_ERR_EXCEPTION && e->refused_valid) {
        fault_exit(e);
    } else if (err) {
        e->exit.reason = EXIT_ERROR;
        e->exit.error_code = err;
    } else if (!e->exit.reason) { // it left by itself, such as after a change of state
        return 0;
    }
    return 1;
}

// Whether the instruction at RIP is done with, be it by a fault: it is not
// where it runs again, in a step or once a probe has been told of.
static int tried(const struct engine *e)
{
    switch (e->exit.reason) {
    case EXIT_INSTRUCTION: case EXIT_EXCEPTION: return 1;
    case EXIT_FAULT: return e->exit.kind != ACCESS_FETCH;
    }
    return 0;
}

static void correct(struct engine *e)
{
    if (!e->correct || e->stepping) return;
    e->correct = 0;
    e->broken_at = e->visited_count;
    int ran = engine_count_to(e, read_register(e, UC_X86_REG_RIP));
    if (e->trace) engine_trace_cut(e, ran + tried(e));
    e->count += ran - (uint64_t)last_block(e)->count;
}

// A REP string instruction is done but for finding RCX at zero: no boundary.
static int at_rep_tail(struct engine *e)
{
    struct insn i;
    uint8_t bytes[16];
    uint64_t rip = read_register(e, UC_X86_REG_RIP);
    decode(&i, bytes, engine_code_at(e, rip, bytes), e->bits);
    return i.kind == CLASS_REP_STRING && engine_rep_is_over(e, rip, i.length, engine_counts_in_cx(e, &i));
}

// PUSHF of a stepped instruction stored a TF that is ours, and an RF that is
// never stored (SDM vol. 2B, PUSHF).
static void clean_pushed_flags(struct engine *e, const struct insn *i, int user)
{
    struct translation bad;
    uint64_t top = read_register(e, 44), base; // UC_X86_REG_RSP
    uint32_t hidden = engine_hidden_flags(e), size = (e->bits == 16) != !!(i->prefixes & PREFIX_OPERAND) ? 2 : 4;
    uint8_t bytes[4];
    if (e->bits != 64) {
        memcpy(&base, e->state + e->offset_ss_base, 8);
        top = (uint32_t)(base + (top & (hidden & HF_SS32 ? 0xffffffff : 0xffff)));
    }
    if (engine_read_virtual(e, top, bytes, size, user, 0, &bad)) return;
    if (!e->guest_tf) bytes[1] &= ~1;
    if (size == 4) bytes[2] &= ~1;
    engine_write_virtual(e, top, bytes, size, user, 0, &bad);
    for (uint32_t n = 0; n < e->records; n++)
        if (e->record[n].kind == ACCESS_WRITE) e->record[n].value &= ~((e->guest_tf ? 0 : RFLAGS_TF) | RFLAGS_RF);
}

// step_once runs one instruction by the trap flag, which the guest does not get to see.
static int step_once(struct engine *e)
{
    struct insn i;
    uint8_t bytes[16];
    uint64_t rip = read_register(e, UC_X86_REG_RIP), flags = read_register(e, UC_X86_REG_RFLAGS), own = flags | RFLAGS_TF;
    if (engine_probed(e, rip)) {
        e->exit.reason = EXIT_PROBE;
        return 1;
    }
    if (e->every && !e->trial) engine_look(e, rip, e->count, &flags);
    if (e->place_count && !e->trial && !engine_hit(e, rip, e->count, flags)) {
        e->exit.reason = EXIT_LOG;
        return 1;
    }
    decode(&i, bytes, engine_code_at(e, rip, bytes), e->bits);
    uint16_t cs = 0;
    uc_reg_read(e->uc, UC_X86_REG_CS, &cs);
    if (i.length && engine_stops(e, &i, rip)) {
        if (e->trace) engine_trace_one(e, rip);
        e->exit.reason = EXIT_INSTRUCTION;
        e->exit.insn = i;
        memcpy(e->exit.bytes, bytes, 16);
        return 1;
    }
    e->resume = 0;
    e->step_pc = rip;
    e->step_count = e->count;
    e->aliases = 0;
    if (e->linear_of) engine_flush_tlb(e);
    e->guest_tf = !!(flags & RFLAGS_TF);
    uc_reg_write(e->uc, UC_X86_REG_RFLAGS, &own);
    // With memory hooks there, an instruction is translated so that all its
    // accesses come by; so it must be translated now.
    if (e->assist) uc_ctl(e->uc, UC_CTL_TB_REMOVE, rip, rip + 1);
    int stopped;
    do { // again where it only had to make room
        e->stepping = 1;
        e->records = 0;
        if (e->assist || e->linear_of) engine_hook_accesses(e);
        stopped = emulate(e);
    } while (!stopped && (e->stepping == 1 || e->refused_valid == EXIT_REWRITE));
    if (!stopped) e->exit.reason = EXIT_STEP;
    engine_unhook_accesses(e);
    if (e->linear_of) e->flush = 1;
    if (e->rewriting != NO_PAGE) { // the instruction itself may be on that page, and was translated anew
        engine_forget_code(e, e->rewriting << 12, 1);
        e->rewriting = NO_PAGE;
    }
    e->stepping = 0;
    int done = e->exit.reason == EXIT_STEP || (e->exit.reason == EXIT_EXCEPTION && e->exit.vector == 1);
    if (!e->guest_tf && !(done && i.opmap == 0 && i.opcode == 0x9d)) {
        flags = read_register(e, UC_X86_REG_RFLAGS) & ~RFLAGS_TF;
        uc_reg_write(e->uc, UC_X86_REG_RFLAGS, &flags);
    }
    if (e->trace && (done || tried(e))) engine_trace_one(e, rip);
    if (!done) return stopped;
    e->count++;
    if (i.kind == CLASS_PUSHF && !e->trial) clean_pushed_flags(e, &i, (cs & 3) == 3);
    if (!e->assist) engine_saw_step(e);
    if (e->exit.reason == EXIT_STEP) e->exit.reason = EXIT_NONE;
    return e->exit.reason != EXIT_NONE;
}

// The engine translates ahead into the next page, and faults there before the
// instructions ahead of it have run: then those go one at a time.
static int translated_ahead(struct engine *e)
{
    if (e->exit.reason != EXIT_FAULT && e->exit.reason != EXIT_BUS) return 0;
    if (e->exit.kind != ACCESS_FETCH) return 0;
    uint64_t rip = read_register(e, UC_X86_REG_RIP);
    if (rip >> 12 == e->exit.address >> 12) return 0;
    struct insn i;
    uint8_t bytes[16];
    int room = 4096 - (rip & 0xfff);
    engine_save(e);
    int n = engine_code_at(e, rip, bytes);
    decode(&i, bytes, n < room ? n : room, e->bits);
    return i.length != 0;
}

void engine_run(struct engine *e)
{
    int in_steps = e->want_step || e->assist;
    uint64_t ahead = ~0ull; // the page to leave in steps
    memset(&e->exit, 0, sizeof e->exit);
    e->records = 0;
    e->forced_next = 0;
    e->aliases = 0;
    const struct engine *before = engine_asks(e);
    if (e->state_changed) load(e);
    if (e->flush) engine_flush_tlb(e);
    e->resume_pc = read_register(e, UC_X86_REG_RIP);
    e->resume_count = e->count;
    // The engine would keep RF to the end of the block, not of the instruction.
    if (e->rflags & RFLAGS_RF) e->one_step = 1;
    e->running = 1;
    for (;;) {
        if ((*e->attention || e->count >= e->limit) && !at_rep_tail(e)) {
            e->exit.reason = *e->attention ? EXIT_STOP : EXIT_LIMIT;
            break;
        }
        if (in_steps || e->one_step || ahead == read_register(e, UC_X86_REG_RIP) >> 12) {
            engine_save(e);
            if (e->want_window && e->rflags & 0x200 && !e->inhibit) {
                e->exit.reason = EXIT_WINDOW;
                break;
            }
            e->one_step = 0;
            int stopped = step_once(e);
            if (stopped && !(e->exit.reason == EXIT_NONE)) break;
            if (e->want_step || e->assist) {
                e->exit.reason = EXIT_STEP;
                break;
            }
            continue;
        }
        ahead = ~0ull;
        in_steps = 0;
        if (!emulate(e)) {
            correct(e);
            engine_unsee(e);
            continue;
        }
        if (e->exit.reason == EXIT_LIMIT) { // the limit lies within this block
            e->exit.reason = EXIT_NONE;
            in_steps = 1;
            continue;
        }
        if (translated_ahead(e)) {
            ahead = read_register(e, UC_X86_REG_RIP) >> 12;
            e->exit.reason = EXIT_NONE;
            continue;
        }
        break;
    }
    engine_save(e);
    correct(e);
    engine_unsee(e);
    e->running = 0;
    engine_asks(before);
}

struct engine *engine_new(uint64_t ram_size, uint8_t *ram, char *why, size_t room)
{
    struct engine *e = calloc(1, sizeof *e);
    uint64_t pages = ram_size >> 12;
    int err = 0;
    const char *what = "memory";
    if (!e) goto no_memory;
    e->ram = ram;
    e->ram_size = ram_size;
    e->limit = e->rewriting = e->hit_pc = e->zone_length = ~0ull;
    e->bits = 64;
    e->dirty = calloc(pages, 1);
    e->dirty_list = malloc(pages * sizeof *e->dirty_list);
    e->watch = calloc(pages, 1);
    e->blocks = calloc(pages, sizeof *e->blocks);
    e->has_code = calloc(pages, 1);
    e->code_linear = calloc(pages, sizeof *e->code_linear);
    e->writable_since = calloc(pages, sizeof *e->writable_since);
    e->table_since = calloc(pages, sizeof *e->table_since);
    e->tlb_generation = 1;
    if (!e->dirty || !e->dirty_list || !e->watch || !e->blocks || !e->has_code || !e->code_linear || !e->writable_since || !e->table_since) goto no_memory;
    if ((what = "uc_open", err = uc_open(UC_ARCH_X86, UC_MODE_64, &e->uc))) goto failed;
    if ((what = "the CPU model", err = uc_ctl(e->uc, UC_CTL_CPU_MODEL, UC_CPU_X86_ICELAKE_SERVER))) goto failed;
    if ((what = "the virtual TLB", err = uc_ctl(e->uc, UC_CTL_TLB_TYPE, 1))) goto failed;
    if ((what = "exits", err = uc_ctl(e->uc, UC_CTL_USE_EXITS, 1))) goto failed;
    if ((what = "uc_mem_map_ptr", err = uc_mem_map_ptr(e->uc, 0, ram_size, UC_PROT_ALL, ram))) goto failed;
    if ((what = "uc_context_alloc", err = uc_context_alloc(e->uc, &e->context))) goto failed;
    e->context_size = uc_context_size(e->uc);
    e->state = (uint8_t *)e->context;
    if ((what = "hooks", err = engine_hooks(e))) goto failed;
    engine_flush_tlb(e);
    engine_save(e);
    return e;
no_memory:
    snprintf(why, room, "out of memory for %llu pages of guest RAM", (unsigned long long)pages);
    engine_free(e);
    return NULL;
failed:
    snprintf(why, room, "%s: %s", what, uc_strerror(err));
    engine_free(e);
    return NULL;
}

// The engine tells of blocks that it translates only after it has run one to
// its end: this one, JMP to the next instruction.
void engine_begin(struct engine *e)
{
    engine_find_live(e);
    uint8_t kept[2], jump[2] = {0xeb, 0x00};
    uint64_t rip = 0;
    memcpy(kept, e->ram, 2);
    memcpy(e->ram, jump, 2);
    e->identity = 1;
    e->limit = 1;
    uc_reg_write(e->uc, UC_X86_REG_RIP, &rip);
    uc_emu_start(e->uc, 0, 0, 0, 0);
    uc_context_restore(e->uc, e->context);
    uc_ctl(e->uc, UC_CTL_TB_FLUSH);
    memcpy(e->ram, kept, 2);
    free(e->blocks[0]);
    e->blocks[0] = NULL;
    e->has_code[0] = 0;
    e->identity = 0;
    e->limit = ~0ull;
    e->count = e->visited_count = 0;
    e->recent[0] = (struct recent){0};
    memset(&e->exit, 0, sizeof e->exit);
    engine_flush_tlb(e);
}

void engine_free(struct engine *e)
{
    if (!e) return;
    engine_see_nothing(e);
    if (e->context) uc_context_free(e->context);
    if (e->uc) uc_close(e->uc);
    if (e->blocks) for (uint64_t i = 0; i < e->ram_size >> 12; i++) free(e->blocks[i]);
    free(e->blocks);
    free(e->has_code);
    free(e->code_linear);
    free(e->writable_since);
    free(e->table_since);
    free(e->edges);
    free(e->fill_log);
    engine_set_places(e, NULL, 0, NULL, 0);
    free(e->points);
    free(e->point_kind);
    free(e->watch);
    engine_trace(e, 0, 0, 0);
    engine_free_listings(e);
    free(e->scratch);
    free(e->dirty_list);
    free(e->dirty);
    free(e);
}

const char *engine_error(int code) { return uc_strerror(code); }

// The registers that no rule of the machine touches; between runs. The
// context is what counts there, so it goes in and out.
void engine_read_register(struct engine *e, int id, void *value)
{
    if (e->state_changed) load(e);
    uc_reg_read(e->uc, id, value);
}

void engine_write_register(struct engine *e, int id, const void *value)
{
    if (e->state_changed) load(e);
    uc_reg_write(e->uc, id, value);
    engine_save(e);
}
