/* SPDX-License-Identifier: GPL-2.0-only */
/* Options to the end of a rule; what each reads as its argument stands in option_syntax[]. */
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/parser_syntax.h"

#define COMMENT_LENGTH_MAX (COMMENT_MAX + 4) /* with a blank behind each word, as ipfw counts */

int parse_proto_option(struct parser *parser, unsigned int code)
{
	if (parse_protocol(parser, false) <= 0)
		return parser->error->exit_code ? -1 : 0;
	parser_fail(parser, EX_DATAERR, "invalid protocol ``%s''", parser->word);
	return error_advise(parser->error,
			    "a protocol is a name of /etc/protocols or a number; families are ip4 and ip6");
}

int parse_address4_option(struct parser *parser, unsigned int code)
{
	return parse_address4(parser, code == OPTION_SOURCE_IP4 ? SIDE_SOURCE : SIDE_DESTINATION);
}

int parse_address6_option(struct parser *parser, unsigned int code)
{
	return parse_address6(parser, code == OPTION_SOURCE_IP6 ? SIDE_SOURCE : SIDE_DESTINATION);
}

int parse_comment(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);
	char *text = option->u.text;
	size_t length = 0;

	if (!parser->word)
		return 0;
	for (; parser->word; parser_next(parser)) {
		size_t word = strlen(parser->word);

		if (length + word + 1 > COMMENT_LENGTH_MAX) {
			parser_fail(parser, EX_DATAERR, "comment too long (max %d chars)", COMMENT_MAX);
			return error_advise(parser->error, "shorten it by what is marked and follows");
		}
		memcpy(text + length, parser->word, word);
		text[length + word] = ' ';
		length += word + 1;
	}
	text[length - 1] = '\0';
	return parser_commit(parser, option, length);
}

/* Reads the argument of option `code`; the current word is the one behind the keyword. */
static int parse_option(struct parser *parser, unsigned int code)
{
	if (option_syntax[code].missing && !parser->word) {
		parser_fail(parser, EX_USAGE, "%s", option_syntax[code].missing);
		return error_advise(parser->error, "`%s' wants an argument: %s", option_rows[code].keyword,
				    option_syntax[code].example);
	}
	if (option_syntax[code].forgets_not)
		parser->not_pending = false;
	if (option_syntax[code].parse)
		return option_syntax[code].parse(parser, code);
	return parser_commit(parser, parser_option(parser, code), 0);
}

static int parse_shorthand(struct parser *parser, unsigned int code)
{
	struct option *option;

	if (code == SHORTHAND_OUT) {
		parser->not_pending = !parser->not_pending;
		return parser_commit(parser, parser_option(parser, OPTION_IN), 0);
	}
	option = parser_option(parser, OPTION_TCP_FLAGS);
	option->u.flags_test.set = TCP_FLAG_SYN;
	option->u.flags_test.clear = TCP_FLAG_ACK;
	return parser_commit(parser, option, sizeof(option->u.flags_test));
}

static int fail_structure(struct parser *parser, const char *message, const char *advice)
{
	parser_fail(parser, EX_USAGE, "%s", message);
	return error_advise(parser->error, "%s", advice);
}

static int parse_structure(struct parser *parser, unsigned int code)
{
	switch (code) {
	case STRUCTURE_NOT:
		if (parser->not_pending)
			return fail_structure(parser, "double \"not\" not allowed", "leave both out");
		parser->not_pending = true;
		break;
	case STRUCTURE_OR:
		if (!parser->open || !parser->previous)
			return fail_structure(parser, "invalid \"or\" block",
					      "`or' joins two options in braces, as in `{ in or via em0 }'");
		parser->previous->flags |= OPTION_OR;
		parser->or_word = parser->position;
		break;
	case STRUCTURE_OPEN:
		if (parser->open)
			return fail_structure(parser, "+nested \"(\" not allowed", "or-blocks have one level");
		parser->open = true;
		break;
	default:
		if (!parser->open)
			return fail_structure(parser, "+missing \")\"", "no or-block is open here");
		parser->open = false;
		parser->previous = NULL;
	}
	parser_next(parser);
	return 0;
}

static int fail_unknown(struct parser *parser, const char *word)
{
	char advice[256];

	keyword_advise(PLACE_OF_OPTION, word, advice, sizeof(advice));
	parser_fail(parser, EX_USAGE, "unrecognised option [-1] %s", word);
	return error_advise(parser->error, "%s", advice);
}

int parse_options(struct parser *parser)
{
	const struct keyword *keyword;
	int result = 0;

	parser->previous = NULL;
	while (parser->word && !result) {
		if (*parser->word == '!') { /* another way to write `not` */
			if (parser->not_pending)
				return fail_structure(parser, "double \"not\" not allowed", "leave both out");
			parser->not_pending = true;
			parser->word++;
		}
		keyword = keyword_find(PLACE_OF_OPTION, parser->word);
		if (!keyword)
			return fail_unknown(parser, parser->word);
		if (keyword->kind == KEYWORD_STRUCTURE) {
			result = parse_structure(parser, keyword->code);
			continue;
		}
		if (keyword->kind == KEYWORD_OPTION)
			parser_needs(parser, option_rows[keyword->code].later);
		parser_next(parser);
		result = keyword->kind == KEYWORD_SHORTHAND ? parse_shorthand(parser, keyword->code)
							    : parse_option(parser, keyword->code);
	}
	return result;
}
