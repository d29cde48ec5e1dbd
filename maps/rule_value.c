/* SPDX-License-Identifier: GPL-2.0-only */
/* `tablearg': which parts of a rule give a value out of a table, and which take one; contracts in ipfw/rule.h. */
#include "ipfw/rule.h"

static const __u8 option_arguments[OPTION_CODES] = {
#define OPTION(code, keyword, aliases, argument, ...) [OPTION_##code] = ARGUMENT_##argument,
#include "ipfw/options.def"
#undef OPTION
};

unsigned int option_table_value(const struct option *option)
{
	if (!(option->flags & OPTION_TABLEARG))
		return TABLE_VALUE_ANY;
	switch (option->code) {
	case OPTION_LIMIT:
	case OPTION_SET_LIMIT:
		return TABLE_VALUE_LIMIT;
	case OPTION_MARK:
		return TABLE_VALUE_MARK;
	default:
		return TABLE_VALUE_TAG;
	}
}

unsigned int action_table_value(const struct action *action)
{
	static const __u8 values[ACTION_CODES] = {
		[ACTION_SKIPTO] = TABLE_VALUE_SKIPTO,	  [ACTION_CALL] = TABLE_VALUE_SKIPTO,
		[ACTION_SETFIB] = TABLE_VALUE_FIB,	  [ACTION_SETDSCP] = TABLE_VALUE_DSCP,
		[ACTION_SETMARK] = TABLE_VALUE_MARK,	  [ACTION_NAT] = TABLE_VALUE_NAT,
		[ACTION_PIPE] = TABLE_VALUE_PIPE,	  [ACTION_QUEUE] = TABLE_VALUE_PIPE,
		[ACTION_DIVERT] = TABLE_VALUE_DIVERT,	  [ACTION_TEE] = TABLE_VALUE_DIVERT,
		[ACTION_NETGRAPH] = TABLE_VALUE_NETGRAPH, [ACTION_NGTEE] = TABLE_VALUE_NETGRAPH,
		[ACTION_FORWARD] = TABLE_VALUE_IPV4,
	};

	return action->flags & ACTION_TABLEARG ? values[action->code] : TABLE_VALUE_ANY;
}

bool rule_takes_value(const struct rule *rule)
{
	if (action_table_value(rule_action(rule)))
		return true;
	RULE_FOR_EACH_OPTION (option, rule)
		if (option_table_value(option))
			return true;
	return false;
}

/* `sockarg' gives the mark of the socket, of whatever kind. */
bool option_gives_value(const struct option *option)
{
	return option_arguments[option->code] == ARGUMENT_TABLE || option_arguments[option->code] == ARGUMENT_LOOKUP ||
	       option->code == OPTION_SOCKARG;
}

bool rule_gives_value(const struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule)
		if (option_gives_value(option))
			return true;
	return false;
}
