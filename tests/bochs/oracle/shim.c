// SPDX-License-Identifier: GPL-2.0-or-later
// bochscpu-python was linked against glibc 2.38, which has new names for
// functions that read numbers. They differ in taking 0b101 for a binary one.
// This gives them to an older glibc, such as Debian 12's 2.36, by LD_PRELOAD.

#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

unsigned long long __isoc23_strtoull(const char *text, char **end, int base)
{
    return strtoull(text, end, base);
}

int __isoc23_sscanf(const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsscanf(text, format, arguments);
    va_end(arguments);
    return n;
}
