/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps that live as long as the firewall (maps/layout.h): made together, opened together. */
#ifndef MAPS_LASTING_H
#define MAPS_LASTING_H

#include <linux/types.h>
#include <stdbool.h>

#include "ipfw/error.h"
#include "ipfw/limits.h"
#include "ipfw/variable.h"
#include "maps/layout.h"
#include "maps/pins.h"

enum lasting_map {
	LASTING_CONTROL,
	LASTING_COUNTERS,					  /* and the next COUNTER_BANKS - 1 */
	LASTING_COUNTER_ZEROS = LASTING_COUNTERS + COUNTER_BANKS, /* likewise */
	LASTING_DROPS = LASTING_COUNTER_ZEROS + COUNTER_BANKS,
	LASTING_HOOKS,
	LASTING_VLANS,
	LASTING_TRACE,
	LASTING_FAST_FORWARD,
	LASTING_LOG_RECORDS,
	LASTING_LOG_COUNTS,
	LASTING_LOG_LOSSES,
	LASTING_STATES4,
	LASTING_STATES6,
	LASTING_STATE_PARENTS,
	LASTING_STATE_RING_PARENTS,
	LASTING_STATE_TOTALS,
	LASTING_STATE_SWEEP,
	LASTING_STATE_OWNERS,
	LASTING_TABLES,
	LASTING_TABLE_SLOTS,
	LASTING_TABLE_ADDRESS4,
	LASTING_TABLE_ADDRESS6,
	LASTING_TABLE_INTERFACE,
	LASTING_TABLE_NUMBER,
	LASTING_TABLE_FLOW,
	LASTING_TABLE_MAC,
	LASTING_TABLE_TIMED4,
	LASTING_TABLE_TIMED6,
	LASTING_TABLE_COUNTERS,
	LASTING_TABLE_COUNTS,
	LASTING_TYPED_MAPS, /* above: with type information; below: program arrays */
	LASTING_XDP_PROGRAMS = LASTING_TYPED_MAPS,
	LASTING_TC_PROGRAMS,
	LASTING_MAPS
};

extern const char *const lasting_names[LASTING_MAPS];

/* Pinned beside them, once a rule makes states. */
#define SWEEP_PROGRAM "state_sweep_all"
#define KILL_PROGRAM "state_kill"
#define RESTORE_PROGRAM "state_restore"

struct lasting {
	int fds[LASTING_MAPS];	 /* -1: not open */
	struct control *control; /* the map, in memory; NULL: there is no firewall */
	bool alien;		 /* made by a tool with another layout: `control` is all that may be read */
};

/* Opens what is pinned. No firewall is no error: lasting->control is NULL then. Returns 0, or -1 with *error set. */
int lasting_open(struct lasting *lasting, const struct pins *pins, bool write, struct error *error);

/* Says in *error that the layout is another tool's. Returns -1. */
int lasting_alien(const struct lasting *lasting, struct error *error);

/*
 * Makes and pins the maps of a firewall that does not filter yet, from the declarations in `object_path`, after
 * removing debris, with these values of the variables. On failure nothing is left. Returns 0, or -1 with *error set.
 */
int lasting_make(struct lasting *lasting, const struct pins *pins, const char *object_path,
		 const struct variables *variables, struct error *error);

/* How many elements a map has; 0 if the kernel does not tell. */
__u32 lasting_entries(const struct lasting *lasting, enum lasting_map map);
/*
 * Makes a map anew with `entries` elements, as long as no rule uses it. Running programs keep the small one. Returns 0
 * or -errno with nothing changed.
 */
int lasting_grow(struct lasting *lasting, const struct pins *pins, const char *object_path, enum lasting_map map,
		 __u32 entries);

void lasting_close(struct lasting *lasting);

/* Makes `generation` the active one and filtering on or off, in one store that every hook sees at once. */
void lasting_switch(struct lasting *lasting, __u32 generation, bool enabled);

/* Removes the pins of lasting maps, `control` first. */
void lasting_unpin(const struct pins *pins);

/* Inode of the namespace that the firewall pinned in `directory` filters, 0: unknown. */
__u64 lasting_namespace_inode(const char *directory);

#endif
