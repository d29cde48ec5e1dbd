/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one run of the tool changes, a single command or a whole rules file: edits are collected on a copy of the
 * ruleset and reach the kernel in one commit. Standard output is collected as well and appears only once the
 * commit has succeeded and the lock is gone, so that it never tells of rules that were not added, and a reader that
 * blocks cannot keep others waiting.
 */
#ifndef COMPAT_TRANSACTION_H
#define COMPAT_TRANSACTION_H

#include <stdbool.h>
#include <stdio.h>

#include "ipfw-compat/ruleset_edit.h"
#include "loader/firewall.h"
#include "loader/tables.h"

#define RESET_COUNTERS 0x01
#define RESET_LOG 0x02	  /* the count of `log` */
#define RESET_STATES 0x04 /* the rule's dynamic rules, which end */

struct transaction {
	bool rules_file;	    /* many commands: always opened for writing, counters outlive flush */
	struct firewall *firewall;  /* NULL until a command needs it */
	struct ruleset ruleset;	    /* the copy that is edited */
	struct ruleset removed;	    /* what was taken out of it, see ruleset_add() */
	struct variables variables; /* likewise a copy */
	struct tables *tables;	    /* likewise; NULL until a command needs them */
	bool changed;		    /* the copy of the ruleset has to be committed */
	bool tables_changed;	    /* that of the tables */
	bool refused;		    /* the firewall could not be opened: no other command will fare better */
	bool linear;		    /* as straight-line code (--no-optimize) */
	__u8 *resets;		    /* per counter slot: RESET_*, done after the commit; NULL: none */
	FILE *out;		    /* standard output of the commands */
	char *text;		    /* what has been written there */
	size_t text_size;
};

/* Starts a transaction; nothing is locked yet. Returns 0, or -1 with *error set. */
int transaction_begin(struct transaction *transaction, bool rules_file, struct error *error);

/*
 * Opens the firewall and fills the copies, unless an earlier command already did. A command that changes
 * anything asks for FIREWALL_WRITE. Returns 0, or -1 with *error set.
 */
int transaction_open(struct transaction *transaction, enum firewall_access access, struct error *error);

/* Likewise, and fills transaction->tables. */
int transaction_open_tables(struct transaction *transaction, enum firewall_access access, struct error *error);

/* Adds a table (tables_make()) to the opened ones, if there may be one more. Returns it, or NULL. */
struct table *transaction_make_table(struct transaction *transaction, const struct table_info *info);

/*
 * The value of a variable after this transaction so far. The firewall has been opened.
 */
__u32 transaction_variable(const struct transaction *transaction, enum variable variable);

/* Marks what `what` (RESET_*) says of `rule` to start from zero; what the rule does not have is passed over. Returns 0
 * or -ENOMEM. */
int transaction_reset(struct transaction *transaction, const struct rule *rule, unsigned int what);

/* Counters of `rule` as they are after this transaction so far: 0 for new rules and for what was zeroed. */
int transaction_counters(struct transaction *transaction, const struct rule *rule, struct counters *counters,
			 struct error *error);

/*
 * Commits what was changed, closes, and prints the collected output. Returns 0, or -1 with *error set and nothing
 * printed: the rules are the old ones, or, when only resetting counters or setting variables failed behind the commit,
 * the new ones. The transaction is over in all cases.
 */
int transaction_finish(struct transaction *transaction, struct error *error);

/* Ends the transaction without any effect or output. */
void transaction_abandon(struct transaction *transaction);

#endif
