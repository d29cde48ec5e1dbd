/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules from text, for unit tests. */
#ifndef UNIT_SUPPORT_H
#define UNIT_SUPPORT_H

/* cmocka wants these before itself */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/model/rule_text.h"

/* Parses `add` words; fails the test with the message when that does not work. Free with free(). */
static inline struct rule *rule_from(const char *text)
{
	struct error error;
	struct rule *rule = rule_from_text(text, NULL, &error);

	if (!rule)
		fail_msg("%s: %s", text, error.message);
	return rule;
}

/* Rule 65535, which cannot be entered as text. */
static inline struct rule *rule_default(const char *action)
{
	char text[64];
	struct rule *rule;

	snprintf(text, sizeof(text), "%s ip from any to any", action);
	rule = rule_from(text);
	rule->number = RULE_NUMBER_DEFAULT;
	rule->set = RULE_SET_DEFAULT;
	rule->slot = COUNTER_SLOT_DEFAULT;
	return rule;
}

/* The rule of `text` with another action, given as the compiler sees it. */
static inline struct rule *rule_with_action(const char *text, enum action_code code, __u32 argument)
{
	struct rule *rule = rule_from(text);
	struct action *action = (struct action *)rule_action(rule);

	action->code = (__u16)code;
	action->argument = argument;
	return rule;
}

/*
 * A ruleset from texts, ended by NULL, and the default rule behind them; slots are 1, 2, ... in the order given. Frames
 * meet it, too, so that no option is decided in advance.
 */
static inline struct ruleset ruleset_from(const char *const *texts)
{
	struct ruleset ruleset = {.switches = RULESET_WITH_LAYER2};
	struct rule *last = rule_default("deny");
	__u32 slot = 1;

	for (; *texts; texts++) {
		struct rule *rule = rule_from(*texts);

		rule->slot = slot++;
		assert_int_equal(ruleset_insert(&ruleset, rule), 0);
	}
	assert_int_equal(ruleset_insert(&ruleset, last), 0);
	return ruleset;
}

#endif
