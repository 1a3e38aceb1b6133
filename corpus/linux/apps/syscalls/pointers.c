/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every pointer of many calls, to everywhere: each call must work with what the
 * application may hand over (stack, heap, data, constants) and answer -EFAULT to
 * what it may not, ring 0 or not.
 */
#include "pointers.h"

/* What is there is enough for the largest argument, and begins where the check says. */
#define ROOM 512

static char in_data[ROOM] __attribute__((aligned(64))) = { 1 };
static char in_bss[ROOM] __attribute__((aligned(64)));
static const char in_constants[ROOM] __attribute__((aligned(64))) = { 1 };

static void try(const struct argument *argument, const char *where, char *place)
{
	long result;

	if (argument->prepare)
		argument->prepare(place);
	result = argument->call(place);
	if (argument->positive)
		expect_at_least(where, 1, result);
	else
		expect(where, argument->result, result);
}

static void good(const struct argument *argument)
{
	char on_stack[ROOM] __attribute__((aligned(64))), *mapped = fresh(3 * PAGE);

	try(argument, "on the stack", on_stack);
	try(argument, "in mapped memory", mapped);
	try(argument, "at the end of mapped memory", mapped + 2 * PAGE - argument->size);
	try(argument, "across a page's end", mapped + PAGE - (argument->size > 8 ? 8 : 0));
	try(argument, "in data", in_data);
	try(argument, "in bss", in_bss);
	if (!argument->aligned)
		try(argument, "in data, unaligned", in_data + 1);
}

static void bad(const struct argument *argument)
{
	char *gone = fresh(2 * PAGE), *none = fresh(PAGE), *fixed = fresh(PAGE);
	const struct {
		const char *where;
		char *place;
		int only_writes;
	} places[] = {
		{ "near page 0", (char *)16, 0 },
		{ "unmapped", gone, 0 },
		{ "PROT_NONE", none, 0 },
		{ "read-only memory", fixed, 1 },
		{ "constants", (char *)in_constants, 1 },
		{ "instructions", (char *)bad, 1 },
		{ "the end of the lower half", (char *)0x7ffffffff000, 0 },
		{ "above the lower half", (char *)0x800000000000, 0 },
		{ "not canonical", (char *)(1UL << 62), 0 },
		{ "the start of the kernel's half", (char *)0xffff800000000000, 0 },
		{ "the direct map", (char *)0xffff888000001000, 0 },
		{ "no kernel memory", (char *)0xffffff9000000000, 0 },
		{ "the kernel's text", (char *)0xffffffff81000000, 0 },
		{ "the top", (char *)-16, 0 },
		{ "half inside", gone + PAGE - (argument->size > 8 ? 8 : 1), 0 },
	};
	unsigned int i;

	if (argument->prepare) {
		argument->prepare(fixed);
		argument->prepare(none);
	}
	if (argument->size > 1) {
		char *whole = gone + PAGE - argument->size;

		if (argument->prepare)
			argument->prepare(whole);
		memmove(gone + PAGE - 8, whole, 8);
	}
	succeeds("munmap", sys(SYS_munmap, gone + PAGE, PAGE));
	succeeds("mprotect", sys(SYS_mprotect, none, PAGE, PROT_NONE));
	succeeds("mprotect", sys(SYS_mprotect, fixed, PAGE, PROT_READ));
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *place = places[i].place;

		if (places[i].only_writes && !argument->written)
			continue;
		if (strcmp(places[i].where, "unmapped") == 0)
			place = gone + PAGE;
		if (strcmp(places[i].where, "half inside") == 0 && (argument->size <= 8 || argument->partial))
			continue;
		expect(places[i].where, -EFAULT, argument->call(place));
	}
}

static void try_all(long index)
{
	const struct argument *argument = &arguments[index];

	if (argument->start)
		argument->start();
	good(argument);
	bad(argument);
}

void pointer_items(void)
{
	int i;

	for (i = 0; arguments[i].name; i++)
		run(arguments[i].name, try_all, i);
}
