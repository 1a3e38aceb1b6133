// SPDX-License-Identifier: GPL-2.0-or-later
// One engine: libunicorn's CPU with this project's MMU, clock and stops around
// it. Go fills the first part of struct engine, calls engine_run, and reads
// the exit, as with KVM's run structure. No hook calls Go.

#ifndef UKLEMU_ENGINE_H
#define UKLEMU_ENGINE_H

#include "decode.h"
#include "library.h"

enum exit_reason {
    EXIT_NONE,
    EXIT_LIMIT,       // `count` has reached `limit`
    EXIT_WINDOW,      // the boundary takes interrupts, and that was asked for
    EXIT_INSTRUCTION, // at an instruction that the machine does itself: `insn`
    EXIT_EXCEPTION,   // the engine raised `vector` with `error_code`
    EXIT_FAULT,       // a refused access: `address`, `error_code`; vector 14, or 13 for a non-canonical address
    EXIT_BUS,         // an access to physical memory that is not RAM: `address`, `physical`
    EXIT_WATCH,       // an access to a watched page: `address`, `physical`
    EXIT_PROBE,       // at an address with a probe
    EXIT_STEP,        // the step asked for is done
    EXIT_STOP,        // asked for from another thread
    EXIT_ERROR,       // libunicorn failed: `error_code` is its uc_err
    EXIT_LOG,         // what is written down must be taken before there is room for more
};

#define NO_PAGE (~0ull)
#define TRIAL_REFUSED 0xfff0000000000000ull // physical, in records: of pages that paging refuses

// Within C: a write to a page that code was translated from; an access to a
// page that is in the TLB as another linear page.
enum { EXIT_REWRITE = 100, EXIT_REFILL };

enum { ACCESS_READ = 0, ACCESS_WRITE = 1, ACCESS_FETCH = 2, ACCESS_PEEK = 3 }; // peek: ask no rights

// Error code of a #PF, SDM vol. 3A 4.7.
enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16, PF_PK = 32 };

struct access_record { uint64_t physical, linear, value; uint32_t size, kind; };
struct fill_record { uint64_t linear, physical, count; uint32_t kind; };
struct range { uint64_t begin, size; };

struct exit {
    uint32_t reason, vector, error_code, kind; // kind: ACCESS_
    uint64_t address, physical;
    struct insn insn;
    uint8_t bytes[16]; // of insn
};

// What a walk of the page tables answers.
struct translation {
    uint64_t physical;
    uint32_t error_code; // of the #PF; meaningful if fault
    uint8_t fault;       // 0, 13 (not canonical) or 14
    uint8_t executable, user, writable, global;
    uint8_t page_shift; // 12, 21 or 30 (22 for 4 MiB)
};

// Blocks that start in one page of RAM, by offset in it: how many instructions.
struct block { uint16_t size, count : 10, flags : 6; };
enum {
    BLOCK_REP = 1, // starts with a REP string instruction, which loops through it
    BLOCK_CX = 2,  // and counts in CX
    BLOCK_ECX = 4, // or in ECX
    BLOCK_SEVERAL = 8, // has more than one point
};
struct page_blocks { struct block at[4096]; };
struct code_page { uint64_t page; struct page_blocks *blocks; const uint8_t *host; };
struct visited { uint64_t pc; uint32_t size, count; }; // count: of instructions

// A block that was entered under the current TLB: found by its address alone.
struct recent { uint64_t pc; uint16_t size, count; uint32_t generation; };

#define RECENT 4096
// An SSE instruction whose operand has to be aligned, and was looked at.
struct aligned_insn { uint64_t pc; uint8_t bytes[16]; struct insn insn; };
// What a block has made sure of: the last four bits of some registers.
struct known_aligned { uint32_t bases; uint8_t residue[16]; };

// What is written down without leaving, as words: see hits.c.
struct log { uint64_t *words; size_t used, room; };

// Memory to write down, at one of enum capture_base plus an offset.
struct capture { int64_t offset; uint32_t base, size; };
enum capture_base { BASE_ABSOLUTE, BASE_FS, BASE_GS, BASE_KERNEL_GS, BASE_REGISTER = 0x10, BASE_WORD = 0x100 };

// An address at which to write down; `next` is another one there, or NO_PLACE.
struct place { uint64_t address; uint32_t first, captures, words, next; };
#define NO_PLACE (~0u)
#define MAX_CAPTURES 32 // of a place

// A hit: these words, then those of its captures.
enum {
    HIT_PLACE, // and in the upper half how many words follow this part
    HIT_SEQUENCE, HIT_COUNT, HIT_GPR, HIT_RIP = HIT_GPR + 16, HIT_RFLAGS, HIT_FS, HIT_GS, HIT_KERNEL_GS, HIT_CR3,
    HIT_SEGMENTS, // CS, SS; in the upper half a bit for each capture that is missing
    HIT_WORDS
};

// A linear page and the entries that led to it.
struct peeked { uint64_t page, cr3, mode, physical, at[5], entry[5]; uint32_t levels; };

#define RANGES 16

// Linear addresses by number; those between are 0. `begin` and `length` are
// about the last answer.
struct zone { uint64_t begin, last; uint32_t number; };
struct zones { uint64_t begin, length; struct zone *zone; uint32_t number, count; };

#define ZONES 64      // their numbers are below
#define EVERY_WORDS 64
#define EVERY_CAPTURES 8

// The full tier: what is looked at.
struct every {
    struct zones code, stack, data;      // of RIP, RSP, and accesses
    struct range fine[RANGES];           // where each instruction is looked at
    uint32_t fine_count, asks_gs, captures, words;
    uint64_t flags_mask, gs;
    struct capture capture[EVERY_CAPTURES];
    uint64_t reads[ZONES], writes[ZONES]; // by zone of code, a bit for each zone of data
    uint64_t key, flags, last[EVERY_WORDS];
    uint64_t asked;                       // zones of data: those pages are in the TLB so that accesses come by
};

// A state in the log is laid out as a hit, but for its first word: SEEN_STATE,
// 16 bits of how many words follow, and the zones of RIP and RSP, a byte each.
// An access is laid out so, and its first word is SEEN_ACCESS, size, SEEN_
// flags, and the zones of RIP and the address.
enum { SEEN_STATE = 0xffffffff, SEEN_ACCESS = 0xfffffffe };
enum { SEEN_WHAT, SEEN_SEQUENCE, SEEN_COUNT, SEEN_RIP, SEEN_ADDRESS, SEEN_VALUE, SEEN_WORDS };
enum { SEEN_WRITE = 1, SEEN_MACHINE = 2 }; // MACHINE: of a delivery, or an instruction that the machine carries out

// Where in the last block engine_index was asked for last.
struct listing_cursor { uint64_t visited, pc; const uint8_t *lengths; uint32_t index, count; };

#define PEEKED 64
#define ALIGNED 256
#define CODE_PAGES 64
#define VISITED 32
#define ALIASES 8
#define RECORDS 256 // XSAVE makes about a hundred accesses

struct engine {
    // What on_block touches, together.
    uint64_t count;          // instructions retired since the engine was made
    uint64_t limit;          // stop when `count` is there
    volatile int32_t *attention; // set by another thread: EXIT_STOP; outlives the engine
    uint32_t want_window;    // stop at the first boundary that takes interrupts
    uint32_t resume;         // the probe at the first instruction has been reported
    uint32_t stepping;
    uint32_t armed;          // the next block is translated with the hook where `wanted_` says
    uint32_t observing;      // edges, a trace or the full tier are wanted
    uint32_t log_full;
    uint32_t unhooked;       // the library lets go of a hook when a run ends, and translates with it until then
    uint64_t zone_begin, zone_length; // of code in which what the TLB says of accesses to look at is right
    uint32_t tlb_generation;
    uint64_t visited_count;
    uint64_t rep_visited, rep_left; // the visited_count behind an iteration of a REP, and how many are to come
    struct visited visited[VISITED]; // a ring of the last blocks
    struct recent recent[RECENT];
    struct code_page code[CODE_PAGES];

    // Set by Go before a run.
    uint64_t tsc_offset;     // RDTSC is count + tsc_offset
    uint64_t tsc_aux;
    uint64_t pdpte[4];       // of PAE paging, loaded with CR3
    struct range tables[2];  // GDT and LDT
    uint64_t cr0, cr3, cr4, efer, physical_mask; // physical_mask: bits below MAXPHYADDR
    uint32_t gigabyte_pages, bits;               // bits: of the code segment, 16, 32 or 64
    uint32_t want_step;      // one instruction
    uint32_t assist;         // one instruction, with refused pages let through and all its accesses recorded
    uint32_t ram_only;       // with assist: what is not RAM is refused all the same
    uint32_t trial;          // with assist: nothing is written, and what paging says is passed over
    uint32_t state_changed;  // the context holds a state to load
    uint64_t denied;         // a bit for each of enum insn_needs that the CPU lacks
    uint32_t guest_tf;
    uint64_t rflags;
    uint64_t forced_reads[8];
    uint32_t forced_count, forced_next;

    // Set by a run.
    struct exit exit;
    uint64_t fills, runs;
    uint32_t failed;       // a uc_err that leaves nothing to go on with; it stays
    struct access_record record[RECORDS];
    uint32_t records, inhibit;

    // Memory.
    uint8_t *ram;
    uint64_t ram_size;
    uint8_t *dirty;        // DIRTY_, by page of RAM
    uint32_t *dirty_list;
    uint32_t dirty_count;
    uint64_t restored;     // `runs` at the last restore
    uint32_t kept;         // that restore kept the TLB
    uint8_t *watch;        // a byte per page of RAM: refuse it
    uint32_t watched_pages;
    uint64_t watch_virtual[16];
    uint32_t watch_virtual_count;

    // Observation.
    uint8_t *edges; // edge coverage, or NULL
    uint64_t edge_mask, edge_previous;
    struct range edge_range[RANGES];
    uint32_t edge_ranges;
    struct range probe_range[RANGES]; // stop at every instruction in there
    uint32_t probe_ranges;
    struct fill_record *fill_log;     // a ring of TLB misses, or NULL
    uint64_t fill_log_mask, fill_log_count;
    uint64_t *trace;       // addresses of every instruction in the observed range, a ring
    uint64_t trace_mask, trace_count, trace_begin, trace_length;
    uint64_t trace_mark;   // trace_count before the last block
    struct log hits;       // arrivals at the places below
    uint64_t written;      // how much has been written down of any kind, for the order
    uint64_t hit_pc, hit_count; // the arrival written down last
    struct every *every;   // the full tier, or NULL
    struct log seen;
    uint64_t seen_mark;    // behind it are accesses of instructions only
    struct listing_cursor cursor;
    uint64_t *linear_of;   // by page of RAM: which linear page it is in the TLB as, if linear_since is tlb_generation
    uint32_t *linear_since;
    uint64_t step_pc, step_count;
    uint64_t refilled, refilled_visited; // where EXIT_REFILL was last
    uc_hook seen_hook[2];
    uint32_t aliased;      // RAM is at SEEN_RAM as well
    uint32_t hooks_all;    // each instruction comes by, for RIP
    struct listing *listing;
    uint8_t *lengths;
    uint32_t length_next;

    // Private to C.
    uc_engine *uc;
    uc_context *context;
    uint8_t *state; // context's bytes
    size_t context_size;
    struct page_blocks **blocks; // by page of RAM
    uint8_t *has_code;           // by page of RAM: translated code exists
    uint64_t *code_linear;       // by page of RAM with code: at which linear page, NO_PAGE if at several
    uint32_t *writable_since;    // by page of RAM: in the TLB as writable, if it is tlb_generation
    uint32_t *table_since;       // by page of RAM: what is in the TLB was found through it, if it is tlb_generation
    uint32_t running, one_step, identity, flush, correct;
    uint32_t wanted, stale;      // a block is to be translated again; one was not, though it was wanted
    uint64_t wanted_pc, wanted_first, wanted_last;
    uint64_t rewriting;          // the page that the instruction being stepped may write though it has code
    struct translation refused;
    uint32_t refused_valid, refused_kind;
    uint64_t refused_page;
    uint64_t *points; // open hash of addresses to come back at
    uint8_t *point_kind;
    uint32_t points_size, points_used, stops;
    uc_hook code_hook;
    struct aligned_insn aligned[ALIGNED];
    uint64_t alias[ALIASES], alias_linear[ALIASES];
    uint64_t passed, passed_flags; // the last instruction of the block with a hook that went on, and the flags then
    uint32_t passed_unread;        // those flags are still to be had where the hook has made the engine put them
    uint64_t handed_over;          // the same, if it is a POINT_OVER
    uc_hook access_hook[2];
    void *scratch;
    uint64_t resume_pc, resume_count, broken_at; // broken_at: the visited_count whose block did not run to its end
    uint32_t aliases;
    uint8_t *live;         // where a context's start would be in front of the CPU's state itself, or NULL
    struct place *places;  // where to write down, and what
    struct capture *captures;
    uint32_t *place_index; // open hash of their addresses
    uint32_t place_count, place_mask;
    struct peeked peeked[PEEKED], walked;
    uint32_t offset_cpu, offset_live, offset_gpr, offset_rip, offset_eflags, offset_df, offset_cc_src, offset_selector[2], offset_base[2], offset_kernel_gs_base, offset_cs_base;
    uint32_t offset_hflags, offset_invalid_address, offset_pkru, offset_ss_base, offset_old_exception, offset_hook_begin, offset_hook_end;
};

// Kept: written before the last restore, and in the TLB as writable: any run may write it.
enum { DIRTY_NOT, DIRTY_WRITTEN, DIRTY_KEPT };

enum { POINT_INSN = 1, POINT_PROBE = 2, POINT_FLAGS = 4, POINT_NONE = 8, POINT_KEEP = 16, POINT_HIT = 32, POINT_OVER = 64 };

struct engine *engine_new(uint64_t ram_size, uint8_t *ram, char *why, size_t room);
void engine_begin(struct engine *e); // once, when all that Go sets is set
void engine_free(struct engine *e);
void engine_run(struct engine *e);
void engine_save(struct engine *e);  // the CPU's state into the context
void engine_walk(struct engine *e, uint64_t address, int kind, int user, int implicit, int set, struct translation *out);
int engine_read_virtual(struct engine *e, uint64_t address, void *to, uint32_t size, int user, int implicit, struct translation *bad);
int engine_write_virtual(struct engine *e, uint64_t address, const void *from, uint32_t size, int user, int implicit, struct translation *bad);
void engine_flush_tlb(struct engine *e);
void engine_forget_code(struct engine *e, uint64_t physical, uint64_t size); // RAM was written from outside
int engine_add_probe(struct engine *e, uint64_t address);
void engine_remove_probe(struct engine *e, uint64_t address);
int engine_set_places(struct engine *e, const struct place *places, uint32_t n, const struct capture *captures, uint32_t captures_n);
int engine_arrive(struct engine *e, uint64_t pc); // between runs
int engine_see(struct engine *e, const struct every *what, const struct zone *zones, int accesses);
void engine_see_nothing(struct engine *e);
void engine_forget_look(struct engine *e);
void engine_saw_step(struct engine *e);
int engine_probe_range(struct engine *e, uint64_t begin, uint64_t size);
void engine_remove_range(struct engine *e, uint64_t begin, uint64_t size);
int engine_trace(struct engine *e, uint64_t begin, uint64_t end, uint64_t size);
void engine_mark_dirty(struct engine *e, uint64_t page);
void engine_put_page(struct engine *e, uint64_t page, const uint8_t *from);
void engine_restore(struct engine *e, const uint8_t *const *table);
void engine_clean(struct engine *e);
void engine_read_register(struct engine *e, int id, void *value);
void engine_write_register(struct engine *e, int id, const void *value);
const char *engine_error(int code);

// Shared by the C files.
void engine_stop(struct engine *e, int reason);
int engine_code_at(struct engine *e, uint64_t pc, uint8_t *to); // bytes readable as code, at most 15
int engine_count_to(struct engine *e, uint64_t pc);             // instructions from the last block's start to pc
static inline struct visited *last_block(struct engine *e) { return &e->visited[(e->visited_count - 1) & (VISITED - 1)]; }
int engine_hooks(struct engine *e);
int engine_hook_blocks(struct engine *e);
int engine_hook_code(struct engine *e);
void engine_arm(struct engine *e);
void engine_disarm(struct engine *e);
void engine_want(struct engine *e, uint64_t pc, uint64_t first, uint64_t last);
uint32_t engine_hidden_flags(struct engine *e); // reads bits and inhibit from the running CPU
int engine_cpl(struct engine *e);
void engine_fail(struct engine *e, int err);
int engine_holds_descriptors(const struct engine *e, uint64_t page);
int engine_reads_descriptor(struct engine *e, uint64_t va);
void engine_remember_code(struct engine *e, uint64_t va, uint64_t physical);
const struct engine *engine_asks(const struct engine *e); // whom this thread's calls into libunicorn are for; returns whom they were for
void engine_observe(struct engine *e); // edges or the trace have come or gone
void engine_trace_block(struct engine *e, uint64_t pc, uint32_t size, uint32_t n);
void engine_trace_cut(struct engine *e, uint32_t n);
void engine_trace_one(struct engine *e, uint64_t pc);
void engine_hook_accesses(struct engine *e);
void engine_unhook_accesses(struct engine *e);
int engine_counts_in_cx(const struct engine *e, const struct insn *i);
int engine_rep_is_over(struct engine *e, uint64_t pc, uint32_t size, int in_cx);
int engine_point(const struct engine *e, uint64_t pc);
int engine_has_several_points(struct engine *e, uint64_t pc);
int engine_comes_back(const struct engine *e, uint64_t pc);
int engine_probed(const struct engine *e, uint64_t pc);
int engine_add_point(struct engine *e, uint64_t pc, int kind);
int engine_sensitive(const struct engine *e, const struct insn *i);
int engine_may_go_on(const struct engine *e, const struct insn *i);
int engine_stops(struct engine *e, const struct insn *i, uint64_t pc);
int engine_operand(struct engine *e, const struct insn *i, uint64_t rip, uint64_t *out);
int engine_is_relative(const struct engine *e, const struct insn *i);
int engine_misaligned(struct engine *e, const struct insn *i, uint64_t rip);
int engine_needs_check(struct known_aligned *k, const struct insn *i);
void engine_keep_aligned(struct engine *e, uint64_t pc, const struct insn *i);
int engine_is_aligned(struct engine *e, uint64_t pc);
#define MMIO_WINDOW 0x800000000000ull // physical; where recorded accesses go
#define SCRATCH 0x810000000000ull      // and those of trials
int engine_map_scratch(struct engine *e);
#define SEEN_RAM 0x820000000000ull     // physical, RAM once more: what goes through there is looked at
const uint8_t *engine_code_host(struct engine *e, uint64_t pc);
int engine_list_blocks(struct engine *e);
void engine_free_listings(struct engine *e);
void engine_listing_changed(struct engine *e, uint64_t pc);
const uint8_t *engine_list(struct engine *e, uint64_t pc, uint32_t size, uint32_t *count);
uint32_t engine_index(struct engine *e, uint64_t pc);
int engine_peek(struct engine *e, uint64_t va, void *to, uint32_t size);
int engine_add_stop(struct engine *e, uint64_t address, int kind);
void engine_drop_stop(struct engine *e, uint64_t address, int kind);
int engine_hit(struct engine *e, uint64_t pc, uint64_t count, uint64_t flags);
void engine_find_live(struct engine *e);
void engine_went_back(struct engine *e);
void engine_registers(struct engine *e, uint64_t *hit, const uint8_t *cpu, uint64_t pc, uint64_t count, uint64_t flags);
uint32_t engine_captured(struct engine *e, const uint8_t *cpu, uint64_t *words, const struct capture *c, uint32_t n);
uint32_t engine_zone(struct zones *z, uint64_t address);
uint64_t *engine_seen(struct engine *e, uint32_t words);
void engine_look(struct engine *e, uint64_t pc, uint64_t count, const uint64_t *flags);
void engine_look_at_block(struct engine *e, uint64_t pc, uint32_t n);
int engine_is_fine(const struct engine *e, uint64_t pc);
int engine_fill_seen(struct engine *e, uint64_t va, uint64_t *physical);
int engine_enters_zone(struct engine *e, uint64_t pc, uint32_t size);
void engine_saw_machine(struct engine *e, uint64_t address, const void *bytes, uint32_t size, int write);
void engine_unsee(struct engine *e);
int engine_hook_seen(struct engine *e);
void engine_unhook_seen(struct engine *e);
void engine_record(struct engine *e, uint64_t physical, uint64_t value, uint32_t size, int kind);
const uint8_t *engine_cpu_bytes(struct engine *e);

#endif
