/* SPDX-License-Identifier: GPL-2.0-only */
/* States: keep-state, limit and their kin. */
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/parser_syntax.h"

#define STATE_NAME_DEFAULT "default"

static const char *fail_name(struct parser *parser)
{
	parser_fail(parser, EX_DATAERR, "Invalid state name %s", parser->word);
	error_advise(parser->error, "behind a colon, a name is 1 to %d letters, digits and any of - _ ., and not `any'",
		     OBJECT_NAME_MAX - 1);
	return NULL;
}

const char *parse_state_name(struct parser *parser)
{
	const char *name;

	if (!parser->word || *parser->word != ':')
		return STATE_NAME_DEFAULT;
	name = parser->word + 1;
	if (!object_name_valid(name, strlen(name)) || !strcmp(name, STATE_NAME_ANY))
		return fail_name(parser);
	parser_next(parser);
	return name;
}

int parse_check_state(struct parser *parser)
{
	const char *name = STATE_NAME_DEFAULT;

	if (parser->word && *parser->word == ':' && !strcmp(parser->word + 1, STATE_NAME_ANY)) {
		name = STATE_NAME_ANY;
		parser_next(parser);
	} else if (parser->word && strcmp(parser->word, "//") != 0) {
		name = *parser->word == ':' ? parse_state_name(parser) : fail_name(parser);
	}
	if (!name)
		return -1;
	memcpy(parser_action_payload(parser, strlen(name) + 1), name, strlen(name) + 1);
	return 0;
}

int parse_check_state_rest(struct parser *parser)
{
	size_t used = parser->used;
	__u16 count = parser->rule->option_count;

	if (parse_modifiers(parser))
		return -1;
	parser->used = used;
	parser->rule->option_count = count;
	parser->rule->flags |= RULE_JUST_OPTIONS;
	return parser->word && !strcmp(parser->word, "//") ? parse_options(parser) : 0;
}

/* ipfw's rules for all of these options. The current word is the one behind the keyword; errors are about the keyword.
 */
static int check_state_option(struct parser *parser, const char *in_block)
{
	static const unsigned int codes[] = {OPTION_KEEP_STATE, OPTION_RECORD_STATE, OPTION_LIMIT, OPTION_SET_LIMIT};

	if (parser->open) {
		parser->position--;
		parser_fail(parser, EX_USAGE, "%s cannot be part of an or block", in_block);
		return error_advise(parser->error, "move it out of the braces");
	}
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (!parser_has(parser, codes[i]))
			continue;
		parser->position--;
		parser_fail(parser, EX_USAGE, "only one of keep-state, record-state,  limit and set-limit is allowed");
		return error_advise(parser->error, "a rule makes one state; use two rules");
	}
	return 0;
}

int parse_state(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);
	const char *name;

	parser->has_state = true;
	if (check_state_option(parser, "keep-state or record-state"))
		return -1;
	name = parse_state_name(parser);
	if (!name)
		return -1;
	memcpy(option->u.text, name, strlen(name) + 1);
	return parser_commit(parser, option, strlen(name) + 1);
}

/* What connections that are counted together have in common. */
static int parse_limit_fields(struct parser *parser, struct state_limit *limit)
{
	int value;

	for (; parser->word; parser_next(parser)) {
		value = names_value(names_limit_fields, parser->word, strlen(parser->word));
		if (value < 0)
			break;
		limit->fields |= (__u16)value;
	}
	if (limit->fields)
		return 0;
	parser_fail(parser, EX_USAGE, "limit: missing limit mask");
	return error_advise(
		parser->error,
		"any of src-addr, src-port, dst-addr and dst-port, then a number, as in `limit src-addr 10'");
}

int parse_limit(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);
	struct state_limit *limit = &option->u.limit;
	const char *name;
	bool tablearg;

	parser->has_state = true;
	memset(limit, 0, offsetof(struct state_limit, name));
	if (check_state_option(parser, "limit or set-limit") || parse_limit_fields(parser, limit) ||
	    parse_bounded(parser, "limit", &limit->connections, &tablearg))
		return -1;
	option->flags = tablearg ? OPTION_TABLEARG : 0;
	name = parse_state_name(parser);
	if (!name)
		return -1;
	memcpy(limit->name, name, strlen(name) + 1);
	return parser_commit(parser, option, offsetof(struct state_limit, name) + strlen(name) + 1);
}

int parse_defer(struct parser *parser, unsigned int code)
{
	parser->has_state = true;
	if (!parser_has(parser, code))
		return parser_commit(parser, parser_option(parser, code), 0);
	parser->position--;
	parser_fail(parser, EX_USAGE, "only one defer-action is allowed");
	return error_advise(parser->error, "leave one of them out");
}
