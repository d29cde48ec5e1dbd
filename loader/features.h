/* SPDX-License-Identifier: GPL-2.0-only */
/* What the running kernel offers. */
#ifndef LOADER_FEATURES_H
#define LOADER_FEATURES_H

#include <stdbool.h>

struct features {
	char release[65];  /* uname -r */
	bool jit;	   /* programs are compiled to machine code */
	bool tcx;	   /* TC programs without qdiscs (Linux 6.6) */
	bool coarse_clock; /* BPF programs can read the coarse clock */
};

/* Asked for when somebody wants to know, never on a commit. */
void features_read(struct features *features);

/*
 * Has libbpf ask the kernel what it asks before it loads a first program, and remember it. By any thread; if it does
 * not work, who loads programs learns so.
 */
void features_ask(void);

#endif
