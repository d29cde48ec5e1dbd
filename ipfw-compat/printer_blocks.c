/* SPDX-License-Identifier: GPL-2.0-only */
/* Or-blocks, and which of them ipfw's way of listing would tear apart. */
#include <netinet/in.h>
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/printer.h"

bool option_joins(const struct rule *rule, const struct option *option)
{
	return option->flags & OPTION_OR || (rule->flags & RULE_OPEN_BLOCK && !rule_next_option(rule, option));
}

bool block_uniform(const struct rule *rule, const struct option *option)
{
	unsigned int place = option_rows[option->code].place;

	while (option_joins(rule, option)) {
		option = rule_next_option(rule, option);
		if (!option || option_rows[option->code].place != place)
			return false;
	}
	return true;
}

static bool empty_set(const struct option *option)
{
	static const struct address_set none;

	return option_rows[option->code].argument == ARGUMENT_ADDRESS_SET &&
	       !memcmp(option->u.address_set.member, none.member, sizeof(none.member));
}

/* Protocols whose names are also families. */
static bool ambiguous_protocol(const struct option *option)
{
	return option->code == OPTION_PROTOCOL && (option->u.number == 0 || option->u.number == IPPROTO_IPV6);
}

/* Addresses that the parser does not take behind `ip6 from`, or takes for others. */
static bool is_address4(const struct option *option)
{
	switch (option->code) {
	case OPTION_SOURCE_IP4:
	case OPTION_SOURCE_SET:
	case OPTION_SOURCE_ME:
	case OPTION_DESTINATION_IP4:
	case OPTION_DESTINATION_SET:
	case OPTION_DESTINATION_ME:
		return true;
	default:
		return false;
	}
}

bool listing_doubtful(const struct rule *rule)
{
	bool six = false, four = false, empty = true;

	RULE_FOR_EACH_OPTION (option, rule) {
		const struct option *next = option->flags & OPTION_OR ? rule_next_option(rule, option) : NULL;

		if (ambiguous_protocol(option) || empty_set(option))
			return true;
		if (next && option->code != next->code &&
		    (option_rows[option->code].place != PLACE_BODY || option_rows[next->code].place != PLACE_BODY) &&
		    (!(rule->flags & RULE_JUST_OPTIONS) || next->code == OPTION_COMMENT))
			return true;
		six |= option->code == OPTION_IP6;
		four |= is_address4(option);
		empty &= option_rows[option->code].place == PLACE_HEAD ||
			 option_rows[option->code].place == PLACE_MODIFIER;
	}
	if (rule->flags & RULE_JUST_OPTIONS)
		return empty;
	return (six && four) || rule->flags & RULE_OPEN_BLOCK;
}
