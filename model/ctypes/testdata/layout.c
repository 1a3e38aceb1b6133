/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A structure of each kind that the reader has to know. */

typedef unsigned char u8;
typedef volatile const long counter_t;

enum color { RED, GREEN = 7, BLUE = 200 };
enum sign { MINUS = -5, PLUS = 0x7fffffff };
enum { UNNAMED_A = 3, UNNAMED_B };

struct declared;
struct inner {
	int x;
	struct { short lo, hi; };
	union {
		long whole;
		struct { int left; int right; } halves;
	} u;
};

struct outer {
	char c;
	struct inner in;
	struct inner many[3];
	int grid[2][5];
	struct declared *where;
	struct outer *next;
	void *anything;
	int (*call)(int);
	unsigned int a : 3, b : 7;
	int s : 6;
	unsigned long far : 40;
	u8 flag;
	_Bool truth;
	counter_t count;
	enum color color;
	enum sign sign;
	double real;
	union { long p; char q[8]; };
	const char *const names[4];
	struct {
		u8 deep;
		u8 deeper[2];
	} __attribute__((packed)) packed;
	char tail[];
};

typedef struct { unsigned long bits[2]; } set_t;

struct outer *o;
set_t set;
enum color color;
enum sign sign;
int unnamed = UNNAMED_B;
