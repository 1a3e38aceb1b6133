/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LINE_H
#define LINE_H

/* A line is put together here and leaves in one write, so that nothing gets between. */
struct line {
	char text[256];
	unsigned int length;
};

void line_text(struct line *line, const char *text);
void line_number(struct line *line, long number);
void line_end(struct line *line);

#endif
