/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "library.h"
#include "line.h"

void line_text(struct line *line, const char *text)
{
	while (*text && line->length < sizeof(line->text) - 1)
		line->text[line->length++] = *text++;
}

void line_number(struct line *line, long number)
{
	unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;
	char digits[24], *p = digits + sizeof(digits) - 1;

	*p = 0;
	do
		*--p = '0' + rest % 10;
	while (rest /= 10);
	if (number < 0)
		*--p = '-';
	line_text(line, p);
}

void line_end(struct line *line)
{
	line->text[line->length++] = '\n';
	sys(__NR_write, 1, line->text, line->length);
	line->length = 0;
}
