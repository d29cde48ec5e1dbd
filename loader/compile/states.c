/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

bool rule_implies_check(const struct rule *rule)
{
	return rule_find_option(rule, OPTION_KEEP_STATE) || rule_find_option(rule, OPTION_LIMIT);
}

bool rule_defers(const struct rule *rule)
{
	const struct option *option = rule_state_option(rule);

	return rule_find_option(rule, OPTION_DEFER_ACTION) || (option && option->flags & OPTION_NOT);
}

static bool number_taken(const struct state_names *names, __u16 number)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->names[i].number == number)
			return true;
	return !number;
}

static struct state_name *find_name(const struct state_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->names[i].name, name))
			return names->names + i;
	return NULL;
}

static void add_name(struct state_names *names, const char *name, bool made)
{
	struct state_name *known = find_name(names, name);
	unsigned long checksum = crc32(0, (const Bytef *)name, (uInt)strlen(name));
	__u16 number = (__u16)(checksum ^ checksum >> 16);

	if (known) {
		known->made |= made;
		return;
	}
	while (number_taken(names, number))
		number++;
	names->names[names->count++] = (struct state_name){name, number, made};
}

int state_names_collect(struct state_names *names, const struct ruleset *ruleset)
{
	*names = (struct state_names){.names = calloc(ruleset->count + 1, sizeof(*names->names))};
	if (!names->names)
		return -ENOMEM;
	for (size_t i = 0; i < ruleset->count; i++) {
		const struct option *option = rule_state_option(ruleset->rules[i]);
		const struct action *action = rule_action(ruleset->rules[i]);

		if (option)
			add_name(names, state_option_name(option), true);
		else if (action->code == ACTION_CHECK_STATE && strcmp(action_text(action), STATE_NAME_ANY) != 0)
			add_name(names, action_text(action), false);
	}
	return 0;
}

__u16 state_names_number(const struct state_names *names, const char *name)
{
	const struct state_name *known = find_name(names, name);

	return known ? known->number : 0;
}

void state_names_free(struct state_names *names)
{
	free(names->names);
	*names = (struct state_names){0};
}
