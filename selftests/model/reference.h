/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second, plain reading of the rule IR: what the manual page (and ipfw's behaviour beyond it) says that rules do to a
 * packet. Generated code is compared with it.
 */
#ifndef MODEL_REFERENCE_H
#define MODEL_REFERENCE_H

#include "ipfw/packet.h"
#include "ipfw/rule.h"
#include "ipfw/verdict.h"
#include "loader/interface.h"
#include "selftests/model/random_tables.h"
#include "selftests/model/reference_states.h"

/* Tag numbers 0..65535, a bit each. */
struct tag_set {
	__u64 bits[65536 / 64];
};

/* A packet on its way through the rules. */
struct subject {
	struct packet packet; /* all fields filled; `tags', which only a program can read, and `resume' are not used */
	struct tag_set tags;
};

/* How often an option was asked about a packet that it fits, and about one that it does not; OPTION_NOT aside. */
struct reference_tally {
	__u64 hits[OPTION_CODES], misses[OPTION_CODES];
	__u64 actions[ACTION_CODES]; /* performed */
	__u64 lookup_hits[LOOKUP_KEYS], lookup_misses[LOOKUP_KEYS];
};

struct reference {
	const struct ruleset *ruleset;
	const struct interface_list *interfaces;
	bool input;
	struct reference_tally *tally; /* NULL: nobody wants to know */
	const struct model_tables *tables;
	/*
	 * Whether an option holds that asks the kernel about sockets, routes or IPsec: its answer belongs to the test.
	 * Asked only about packets for which the option asks the kernel.
	 */
	bool (*kernel)(const struct option *option, const struct packet *packet);
	__u32 socket_value;	     /* that OPTION_SOCKARG gives to the rule if it holds */
	struct model_states *states; /* which packets change; NULL: no rule has to do with states */
};

/*
 * How a packet ended. With VERDICT_BOUND, which ends a search that would never end, the rules have counted no one knows
 * how often.
 */
struct outcome {
	enum verdict verdict; /* VERDICT_NONE: no rule ended the search */
	__u32 slot;	      /* of the rule that did, 0 with VERDICT_BOUND and VERDICT_NONE */
	__u32 argument;	      /* as in MATCH_RESULT */
};

/*
 * Runs the subject through the rules, which may change its mark, routing table, tags, traffic class and MSS; each rule
 * that is performed adds packet.segments to counted[slot].
 */
struct outcome reference_run(const struct reference *reference, struct subject *subject, __u64 *counted);

/* Whether an option of `rule' fits the packet, OPTION_NOT aside. */
bool reference_option(const struct reference *reference, const struct rule *rule, const struct option *option,
		      const struct subject *subject);

/* What an option that looks into a table finds there for the packet, or NULL (reference_table.c). */
const struct table_record *reference_table(const struct reference *reference, const struct rule *rule,
					   const struct option *option, const struct packet *packet);

/* Whether tags 0..65535 are in the set; adding and taking out. */
static inline bool tag_set_has(const struct tag_set *set, unsigned int tag)
{
	return set->bits[tag / 64] >> tag % 64 & 1;
}

static inline void tag_set_put(struct tag_set *set, unsigned int tag, bool present)
{
	set->bits[tag / 64] &= ~(1ull << tag % 64);
	set->bits[tag / 64] |= (__u64)present << tag % 64;
}

#endif
