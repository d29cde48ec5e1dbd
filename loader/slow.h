/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slow parsers (bpf/slow.h): programs that every generation has in its slots, but that are loaded once, and the map
 * "handover" that they share with the rules programs. A commit takes over those of the active generation, unless
 * another version of the tool made them.
 */
#ifndef LOADER_SLOW_H
#define LOADER_SLOW_H

#include <stdbool.h>

#include "ipfw/error.h"
#include "maps/lasting.h"

enum slow_parser {
	SLOW_XDP, /* bpf/xdp_slow.bpf.c */
	SLOW_TC,  /* bpf/tc_slow.bpf.c, both directions */
	SLOW_PARSERS
};

/* Names of the programs and of their pins. */
extern const char *const slow_names[SLOW_PARSERS];

#define SLOW_MAP "handover"

struct slow {
	int fds[SLOW_PARSERS]; /* -1: not wanted */
	int handover;	       /* the map */
	__u32 checksum;	       /* for control->kept_checksum */
	bool known;	       /* the active generation was made from the same object files */
};

/*
 * Opens or makes the map and the slow parsers, that for XDP only `with_xdp`. Returns 0, or -1 with *error set and
 * nothing open.
 */
int slow_open(struct slow *slow, const struct lasting *lasting, const struct pins *pins, bool with_xdp,
	      struct error *error);
void slow_close(struct slow *slow);

#endif
