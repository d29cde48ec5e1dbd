/* SPDX-License-Identifier: GPL-2.0-only */
/* What a handle of loader/firewall.h holds; for the files that implement it alone. */
#ifndef LOADER_STATE_H
#define LOADER_STATE_H

#include "ipfw/variable.h"
#include "loader/explain.h"
#include "loader/firewall.h"
#include "maps/lasting.h"
#include "maps/pins.h"

struct programs_begun;

struct firewall {
	enum firewall_access access;
	struct pins pins;	    /* the lock */
	struct lasting lasting;	    /* lasting.control is NULL while there is no firewall */
	struct variables variables; /* in force */
	struct ruleset ruleset;	    /* the active one */
	__u32 compiled_switches;    /* of the active programs; ruleset.switches tell what is in force: ruleset_off()
				       without    them */
	struct rule_counter *sums;  /* counters of all slots as first read, NULL: not yet */
	struct clock_reading now;   /* when `sums` was read; zeros: not known */
	struct table_epochs table_epochs; /* what the next programs are given; zeros: no tables change with the rules */
	struct programs_begun *begun;	  /* of the next commit, NULL: nothing has begun */
	struct explain *explain;	  /* what explaining packets takes, NULL: not asked for yet */
};

/* Makes the pinned maps, with firewall->variables, if there are none. Returns 0, or -1 with *error set. */
int firewall_make(struct firewall *firewall, struct error *error);

/*
 * Stops filtering, takes the hooks off all interfaces and the routing rules away; the firewall is then one that was
 * never committed. Returns 0, or -1 with *error set and no packet filtered.
 */
int firewall_release(struct firewall *firewall, struct error *error);

/*
 * Takes everything of ours off this namespace, which must have a firewall of this layout: from the first step on no
 * packet is filtered. Returns 0, or -1 with *error set and what could not be removed still pinned.
 */
int firewall_take_down(struct firewall *firewall, struct error *error);

/* Refuses handles that were opened for reading. Returns 0, or -1 with *error set. */
int firewall_check_write(const struct firewall *firewall, struct error *error);

#endif
