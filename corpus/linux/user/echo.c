/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An init that prints back each line it reads from the console; `exit N` ends the machine with N. */
#include "user.h"

static char input[256];

int main(void)
{
	struct line line = { .length = 0 };
	long length;

	mount_all();
	say("echo: ready");
	for (;;) {
		length = sys(__NR_read, 0, input, sizeof(input) - 1);
		if (length <= 0)
			finish(1); /* the console is gone */
		while (length > 0 && (input[length - 1] == '\n' || input[length - 1] == '\r'))
			length--;
		input[length] = '\0';
		if (memcmp(input, "exit ", 5) == 0)
			finish(atoi(input + 5));
		line_text(&line, "echo: ");
		line_text(&line, input);
		line_end(&line);
	}
}
