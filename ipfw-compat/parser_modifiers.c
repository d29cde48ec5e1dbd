/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands between the action and the body: log, altq, tag, untag. */
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/parser_syntax.h"

static int parse_log_amount(struct parser *parser, struct log_settings *log)
{
	int limit;

	if (!parser_at(parser, "logamount"))
		return 0;
	parser_next(parser);
	if (!parser->word) {
		parser_fail(parser, EX_USAGE, "logamount requires argument");
		return error_advise(parser->error, "a number of records follows, as in `log logamount 100'");
	}
	limit = atoi(parser->word);
	if (limit < 0) {
		parser_fail(parser, EX_DATAERR, "logamount must be positive");
		return error_advise(parser->error, "at most 2147483647; 0 means no limit");
	}
	log->limit = (__u32)limit;
	parser_next(parser);
	return 0;
}

static int parse_log_destinations(struct parser *parser, struct log_settings *log)
{
	const char *text;
	size_t length;

	if (!parser->word || strcmp(parser->word, "logdst") != 0)
		return 0;
	parser_next(parser);
	if (!parser->word) {
		parser_fail(parser, EX_USAGE, "logdst requires argument");
		return error_advise(parser->error, "destinations are syslog, bpf and rtsock, separated by commas");
	}
	for (text = parser->word;; text += length + 1) {
		int value;

		length = strcspn(text, ",");
		value = names_value(names_log_destinations, text, length);
		if (value < 0) {
			parser_fail(parser, EX_DATAERR, "unsupported logdst token %.*s", (int)length, text);
			return error_advise(parser->error,
					    "destinations are syslog, bpf and rtsock, separated by commas");
		}
		log->destinations |= (__u32)value;
		if (!text[length])
			break;
	}
	parser_next(parser);
	return 0;
}

static int parse_log(struct parser *parser)
{
	struct option *option = parser_option(parser, OPTION_LOG);

	if (parser_has(parser, OPTION_LOG)) {
		parser_fail(parser, EX_DATAERR, "log cannot be specified more than once");
		return error_advise(parser->error, "leave one of them out");
	}
	option->u.log = (struct log_settings){.limit = LOG_DEFAULT_LIMIT};
	if (parse_log_amount(parser, &option->u.log) || parse_log_destinations(parser, &option->u.log))
		return -1;
	return parser_commit(parser, option, sizeof(option->u.log));
}

static int parse_tag(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);
	bool tablearg;
	__u32 tag;

	if (parser_has(parser, OPTION_TAG) || parser_has(parser, OPTION_UNTAG)) {
		parser_fail(parser, EX_USAGE, "tag and untag cannot be specified more than once");
		return error_advise(parser->error, "use a `count' rule with the other one in front of this rule");
	}
	if (parse_bounded(parser, option_rows[code].keyword, &tag, &tablearg))
		return -1;
	option->u.number = tag;
	option->flags = tablearg ? OPTION_TABLEARG : 0;
	return parser_commit(parser, option, sizeof(option->u.number));
}

static int parse_altq(struct parser *parser)
{
	struct option *option = parser_option(parser, OPTION_ALTQ);
	size_t length;

	if (!parser->word) {
		parser_fail(parser, EX_USAGE, "missing altq queue name");
		return error_advise(parser->error, "the name of a queue follows, as in `altq http'");
	}
	if (parser_has(parser, OPTION_ALTQ)) {
		parser_fail(parser, EX_DATAERR, "altq cannot be specified more than once");
		return error_advise(parser->error, "leave one of them out");
	}
	length = strlen(parser->word);
	if (length >= OBJECT_NAME_MAX) {
		parser_fail(parser, EX_DATAERR, "altq has no queue named `%s'", parser->word);
		return error_advise(parser->error, "a name is at most %d characters long", OBJECT_NAME_MAX - 1);
	}
	memcpy(option->u.text, parser->word, length + 1);
	parser_next(parser);
	return parser_commit(parser, option, length + 1);
}

static int parse_modifier(struct parser *parser, unsigned int code)
{
	switch (code) {
	case OPTION_LOG:
		return parse_log(parser);
	case OPTION_ALTQ:
		return parse_altq(parser);
	default:
		return parse_tag(parser, code);
	}
}

int parse_modifiers(struct parser *parser)
{
	const struct keyword *keyword;
	int result = 0;

	while (!result && parser->word && (keyword = keyword_find(PLACE_OF_MODIFIER, parser->word))) {
		parser_needs(parser, option_rows[keyword->code].later);
		parser_next(parser);
		result = parse_modifier(parser, keyword->code);
	}
	parser->previous = NULL;
	return result;
}
