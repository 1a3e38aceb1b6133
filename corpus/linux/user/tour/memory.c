/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about memory that is there when it should be. */
#include "tour.h"

static void maps_are_listed(void)
{
	expect("names the program", 1, maps_contain("/init"));
	expect("names the stack", 1, maps_contain("[stack]"));
	expect("names the vdso", 1, maps_contain("[vdso]"));
	expect("has executable memory", 1, maps_contain(" r-xp "));
	expect("has writable and executable memory", 0, maps_contain(" rwxp "));
}

const struct item memory_items[] = {
	{ "anonymous memory", anonymous_memory },
	{ "file mapping", mapped_file },
	{ "shared memory", memory_shared_with_a_child },
	{ "copy on write", copy_on_write },
	{ "mremap", remapped_memory },
	{ "madvise", discarded_memory },
	{ "stack growth", stack_grows },
	{ "self-modifying code", runs_code_it_wrote },
	{ "maps", maps_are_listed },
	{ NULL, NULL },
};
