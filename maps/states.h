/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of dynamic rules (maps/layout.h), as userland sees them. */
#ifndef MAPS_STATES_H
#define MAPS_STATES_H

#include <linux/types.h>
#include <stdbool.h>

#include "ipfw/rule.h"
#include "maps/lasting.h"

/* Number of elements of the map "state_rules" for `ruleset`. */
__u32 state_rules_elements(const struct ruleset *ruleset);
/*
 * Tells the sweep of the rules in the map "state_rules" at `fd`, before a commit; and behind it, that those of `old`
 * which `ruleset` has not are gone. Return the number of rules concerned, or -errno.
 */
int state_owners_add(const struct lasting *lasting, int fd, const struct ruleset *ruleset);
int state_owners_remove(const struct lasting *lasting, const struct ruleset *old, const struct ruleset *ruleset);

/*
 * Fills the map "state_rules" at `fd` for `ruleset` in generation `number`; `old` is that of the generation before, -1
 * if there is none: rules that stay keep their identity. Returns 0 or -errno.
 */
int state_rules_write(int fd, int old, __u32 number, const struct ruleset *ruleset);

/* Elements that a map "states*" needs for so many states. */
__u32 state_table_elements(__u32 states);
/* Writes the head of the empty table at `fd`. Returns 0 or -errno. */
int state_table_prepare(int fd, __u32 states);
/* How many states there is room for in the map at `fd`. */
__u32 state_table_room(int fd);

/* The cells of states of one family, in memory: what is in them may change at any time. */
struct state_cells {
	const char *memory; /* NULL: not open */
	size_t size, cell_size;
	__u32 count;
};

/* Maps the cells of the map at `fd`. Returns 0 or -errno; call state_cells_close() always. */
int state_cells_open(struct state_cells *cells, __u32 family, int fd);
void state_cells_close(struct state_cells *cells);

static inline const struct state *state_cells_at(const struct state_cells *cells, __u32 number)
{
	/* In front of the groups is the head. */
	return (const struct state *)(const void *)(cells->memory + (STATE_GROUP_CELLS + number) * cells->cell_size);
}

#define STATE_TABLES 3
#define STATE_TABLE_MAPS 2

/* Maps that larger ones take the place of, in the order of the tables in states_grow.c. */
struct states_room {
	bool made[STATE_TABLES];
	int old[STATE_TABLES][STATE_TABLE_MAPS];
};

/* Whether dyn_max or dyn_parent_max ask for more room than there is, and a rule makes states. */
bool states_need_room(const struct lasting *lasting, const struct ruleset *ruleset);
/*
 * Makes larger maps for the programs of the next commit to use; *room keeps the old ones. Call states_room_end()
 * whatever it returns: 0 or -errno.
 */
int states_room_make(struct states_room *room, struct lasting *lasting, const struct pins *pins,
		     const char *object_path, const struct ruleset *ruleset);
/*
 * Just before the commit, when the sweep works on the new maps: fills them with what is in the old ones, and pins them
 * in their place. Returns 0 or -errno.
 */
int states_room_pin(const struct states_room *room, const struct lasting *lasting, const struct pins *pins);
/* Behind the commit: takes over what has come to the old maps meanwhile. Or, not `committed`, goes back to them. */
void states_room_end(struct states_room *room, struct lasting *lasting, const struct pins *pins, bool committed);

/* One entry as it was when it was read. Addresses in network order, all else in host order. */
struct state_entry {
	enum { STATE_ENTRY_STATE, STATE_ENTRY_LIMIT, STATE_ENTRY_PARENT } kind;
	bool dead;   /* expired or killed; of a parent: without states */
	__u8 family; /* 4 or 6 */
	__u8 protocol;
	__u16 name;	   /* number of the flow's name; rules say which */
	__u16 source_port; /* of the packet that made it; 0 where the protocol has none, or the limit names none */
	__u16 destination_port;
	__u32 source[4]; /* IPv4 in [0] */
	__u32 destination[4];
	__u32 zone;	 /* ifindex of link-local addresses, else 0 */
	__u32 slot;	 /* counter slot of the rule that made it */
	__u32 rule;	 /* STATE_RULE(): its identity */
	__u32 count;	 /* of a parent: its states */
	__u32 remaining; /* milliseconds that it still lives, 0: dead */
	__u64 packets, bytes;
	__u32 flags;  /* STATE_* of a state */
	__u32 ack[2]; /* as state.ack */
};

/* Returns 0 to go on, anything else to end the walk. */
typedef int (*states_visit)(const struct state_entry *entry, void *data);

/*
 * Calls `visit` for all parents, then all states, dead ones included, of rules that `lasting` knows or not. `now` is
 * the time they live by: states_now(). Returns 0, what `visit` returned, or -errno.
 */
int states_walk(const struct lasting *lasting, __u32 now, states_visit visit, void *data);

/* The time that states live by, from a reading of jiffies64. */
__u32 states_now(const struct lasting *lasting, __u64 jiffies);

/*
 * Lets a state (not a parent) die at once; the sweep removes it. `program` is KILL_PROGRAM: packets change states
 * atomically, which userland cannot. Returns 0 or -errno.
 */
int state_kill(int program, const struct state_entry *entry);

/* What "state_totals" counts. Returns 0 or -errno. */
int states_totals(const struct lasting *lasting, struct state_totals *totals);

#endif
