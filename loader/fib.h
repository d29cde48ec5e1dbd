/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `setfib N` gives a packet a mark (ipfw/carry.h); rules of the routing policy database, one for each N and address
 * family, make the kernel look into table N for packets with that mark:
 *
 *   ip rule add fwmark N<<16/0xff0000 lookup N priority 10000 protocol 105
 *
 * They are known as ours by all of that. What a table does not answer is looked up in the next ones, as always.
 */
#ifndef LOADER_FIB_H
#define LOADER_FIB_H

#include <stdbool.h>

#include "ipfw/carry.h"
#include "ipfw/error.h"
#include "ipfw/rule.h"

struct fib_tables {
	bool used[CARRY_FIB_MAX + 1]; /* by number; [0] means nothing, 0 needs no rule */
};

/* Which tables the ruleset's rules choose. Returns 0, or -1 with *error set if there can be no such table. */
int fib_collect(struct fib_tables *tables, const struct ruleset *ruleset, struct error *error);

/* Whether there is any. */
bool fib_any(const struct fib_tables *tables);

/* Adds the routing rules that `tables` needs and that are not there. Returns 0 or -errno; what has been added stays. */
int fib_ensure(const struct fib_tables *tables);

/* Removes those of our routing rules that `tables` does not need (NULL: all of them). Returns 0 or -errno. */
int fib_trim(const struct fib_tables *tables);

#endif
