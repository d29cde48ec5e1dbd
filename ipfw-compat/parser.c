/* SPDX-License-Identifier: GPL-2.0-only */
/* A rule: `[number] [set N] [prob P] action body`. */
#include "ipfw-compat/parser.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/parser_keywords.h"

static int parse_number(struct parser *parser)
{
	__u32 number;

	if (!parser->word || !isdigit((unsigned char)*parser->word))
		return 0;
	number = (__u32)strtol(parser->word, NULL, 10);
	if (number >= RULE_NUMBER_DEFAULT) {
		parser_refuse(parser,
			      "rule numbers are 1 to 65534: 65535 is the default rule, which cannot be changed");
	} else {
		parser->rule->number = (__u16)number;
	}
	parser_next(parser);
	return 0;
}

/* Whether an argument follows the current word. */
static bool has_argument(const struct parser *parser)
{
	return parser->word && parser->words->word[parser->position + 1];
}

static int parse_set(struct parser *parser)
{
	int set;

	if (!has_argument(parser) || !parser_at(parser, "set"))
		return 0;
	parser_next(parser);
	set = (int)strtoul(parser->word, NULL, 10);
	if (set < 0 || set >= RULE_SETS) {
		parser_fail(parser, EX_DATAERR, "illegal set %s", parser->word);
		return error_advise(parser->error, "sets are 0 to %d", RULE_SETS - 1);
	}
	parser->rule->set = (__u8)set;
	parser_next(parser);
	return 0;
}

static int parse_probability(struct parser *parser)
{
	struct option *option;
	double probability;

	if (!has_argument(parser) || !parser_at(parser, "prob"))
		return 0;
	parser_next(parser);
	probability = strtod(parser->word, NULL);
	if (!(probability > 0 && probability <= 1)) {
		parser_fail(parser, EX_DATAERR, "illegal match prob. %s", parser->word);
		return error_advise(parser->error, "a probability is more than 0 and at most 1, as in `prob 0.25'");
	}
	if (probability < 1) {
		option = parser_option(parser, OPTION_PROBABILITY);
		option->u.number = (__u64)(probability * PROBABILITY_ONE);
		if (parser_commit(parser, option, sizeof(option->u.number)))
			return -1;
		parser->previous = NULL;
	}
	parser_next(parser);
	return 0;
}

struct rule *rule_parse(const struct words *words, int first, const struct parse_context *context, struct error *error)
{
	struct parser parser;

	memset(&parser, 0, offsetof(struct parser, block)); /* the block is filled as it grows */
	parser.words = words;
	parser.position = first;
	parser.word = words->word[first];
	parser.context = context;
	parser.error = error;
	parser.refused_word = parser.later_word = -1;
	parser.rule = memset(parser.block, 0, sizeof(struct rule));
	parser.used = sizeof(struct rule);
	if (parse_number(&parser) || parse_set(&parser) || parse_probability(&parser))
		return NULL;
	if (parse_action(&parser))
		return NULL;
	if (parser.action.code == ACTION_CHECK_STATE ? parse_check_state_rest(&parser)
						     : parse_modifiers(&parser) || parse_body(&parser))
		return NULL;
	return parser_finish(&parser);
}

static bool option_names_object(const struct option *option)
{
	switch (option_rows[option->code].argument) {
	case ARGUMENT_TABLE:
	case ARGUMENT_LOOKUP:
	case ARGUMENT_LIMIT:
		return true;
	default:
		return option->code == OPTION_KEEP_STATE || option->code == OPTION_RECORD_STATE;
	}
}

bool rule_names_objects(const struct rule *rule)
{
	const struct action *action = rule_action(rule);

	RULE_FOR_EACH_OPTION (option, rule)
		if (option_names_object(option))
			return true;
	switch (action_rows[action->code].argument) {
	case ACTION_ARGUMENT_STATE:
		return strcmp(action_text(action), STATE_NAME_ANY) != 0;
	case ACTION_ARGUMENT_NAME:
	case ACTION_ARGUMENT_NAMES:
	case ACTION_ARGUMENT_MSS: /* to ipfw the name of a module */
		return true;
	default:
		return false;
	}
}
