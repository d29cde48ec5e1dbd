/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules and rulesets from a stream of choices. They are made as text, so that they can be printed and read. */
#ifndef MODEL_RANDOM_RULES_H
#define MODEL_RANDOM_RULES_H

#include <stdbool.h>

#include "ipfw/rule.h"
#include "selftests/model/choice.h"

#define RANDOM_RULE_TEXT_MAX 1024

/* A word of the language, and the row that it stands for. */
struct row_text {
	int row; /* OPTION_* or ACTION_* */
	const char *text;
};

/*
 * What rules are put together from, random_rules_texts.c. Each list ends with a NULL text. Numbers in texts are those
 * that random_packets.c likes.
 */
extern const struct row_text random_protocols[], random_hosts[], random_ports[], random_options[], random_modifiers[],
	random_actions[], random_state_options[];

/* Whether rules with this option or action can be installed: its row of the table does not say `later'. */
bool random_option_works(int option);
bool random_action_works(int action);

/* Whether the option looks into a table. */
bool random_option_asks_table(int option);

/* How the rules of a ruleset may look. */
struct rule_shape {
	unsigned int highest; /* number of the last rule */
	bool calls;	      /* with call and return */
	bool sets;	      /* in sets 0 to 3 */
	unsigned int counts;  /* of so many rules all but one count; packets get to see as many at least */
	bool spread;	      /* many have addresses and ports of random_spread_packet() */
	bool states;	      /* many make states, or look for them */
	bool plain_states;    /* those all have one name */
	unsigned int alike;   /* they differ in one such field: which one, from 1 on; 0: in anything */
	bool tables;	      /* some look into tables: the verifier takes longest about these programs */
};

/* Writes the words behind `add' of a rule, which need not parse: not every combination does. */
void random_rule_text(struct choices *choices, const struct rule_shape *shape, unsigned int number,
		      char text[RANDOM_RULE_TEXT_MAX]);

/*
 * A rule from such a text, malloc'ed. Never NULL: if nothing parses it counts all packets. Tables are those of
 * random_tables.h.
 */
struct rule *random_rule(struct choices *choices, const struct rule_shape *shape, unsigned int number);

/*
 * A ruleset of `rules' rules and the default rule; their counter slots are 1, 2, ... and 0. Numbers repeat, and sets
 * are disabled, now and then. Free with ruleset_free().
 */
struct ruleset random_ruleset(struct choices *choices, unsigned int rules);

/* Likewise, one with states. */
struct ruleset random_ruleset_with_states(struct choices *choices, unsigned int rules);

/* How many rules such a ruleset should have: mostly few, some more than one generated function holds. */
unsigned int random_ruleset_size(struct choices *choices);

#endif
