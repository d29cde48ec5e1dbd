/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets of named flags, and of small numbers. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/parser_syntax.h"
#include "ipfw/packet.h"

#define DSCP_MAX 63

/*
 * Reads `flag,!flag,...` into *set and *clear. Returns NULL, or where the first unknown flag stands; its
 * length is in *length.
 */
static const char *read_flags(const struct name_value *names, const char *text, __u8 *set, __u8 *clear, size_t *length)
{
	bool negated;
	int value;

	for (; *text; text += *length + (text[*length] == ',')) {
		negated = *text == '!';
		text += negated;
		*length = strcspn(text, ",");
		value = names_value(names, text, *length);
		if (value < 0)
			return text;
		*(negated ? clear : set) |= (__u8)value;
	}
	return NULL;
}

static int advise_flags(struct parser *parser, const struct name_value *names)
{
	char list[128];

	names_list(names, list, sizeof(list));
	return error_advise(parser->error, "flags are %s; `!' before one means that it is off", list);
}

static int commit_flags(struct parser *parser, unsigned int code, __u8 set, __u8 clear)
{
	struct option *option = parser_option(parser, code);

	option->u.flags_test.set = set;
	option->u.flags_test.clear = clear;
	return parser_commit(parser, option, sizeof(option->u.flags_test));
}

int parse_flags(struct parser *parser, unsigned int code)
{
	const struct name_value *names = option_syntax[code].names;
	__u8 set = 0, clear = 0;
	const char *unknown;
	size_t length = 0;

	unknown = read_flags(names, parser->word, &set, &clear, &length);
	if (unknown) {
		parser_fail(parser, EX_DATAERR, "invalid flag %.*s", (int)length, unknown);
		return advise_flags(parser, names);
	}
	parser_next(parser);
	return commit_flags(parser, code, set, clear);
}

int parse_fragment_flags(struct parser *parser, unsigned int code)
{
	const struct name_value *names = option_syntax[code].names;
	__u8 set = 0, clear = 0;
	size_t length = 0;

	if (parser->word && !read_flags(names, parser->word, &set, &clear, &length)) {
		parser_next(parser);
		return commit_flags(parser, code, set, clear);
	}
	/* The rejected word is the next option, unless it was meant as a list. */
	if (parser->word && strchr(parser->word, ',')) {
		parser_fail(parser, EX_USAGE, "unrecognised option [-1] %.*s", (int)strcspn(parser->word, ","),
			    parser->word);
		return advise_flags(parser, names);
	}
	return commit_flags(parser, code, FRAGMENT_OFFSET, 0);
}

int parse_extension_headers(struct parser *parser, unsigned int code)
{
	const struct name_value *names = option_syntax[code].names;
	const char *text = parser->word;
	__u8 set = 0;
	char list[128];

	for (;;) {
		size_t length = strcspn(text, ",");
		int value = names_value(names, text, length);

		if (value < 0) {
			names_list(names, list, sizeof(list));
			parser_fail(parser, EX_DATAERR, "invalid option for ipv6 exten header");
			return error_advise(parser->error, "extension headers are %s, separated by commas", list);
		}
		set |= (__u8)value;
		if (!text[length])
			break;
		text += length + 1;
	}
	parser_next(parser);
	return commit_flags(parser, code, set, 0);
}

/* Numbers separated by commas. As in ipfw 8 bits of each count, and an empty place is a 0. */
int parse_types(struct parser *parser, unsigned int code)
{
	const char *name = option_syntax[code].invalid, *text = parser->word;
	struct option *option = parser_option(parser, code);
	char *end;

	memset(option->u.bitmap, 0, sizeof(option->u.bitmap));
	while (*text) {
		__u8 type = (__u8)strtoul(text + (*text == ','), &end, 0);

		if (*end != ',' && *end) {
			parser_fail(parser, EX_DATAERR, "invalid %s type", name);
			return error_advise(parser->error,
					    "types are numbers separated by commas, without ranges, as in 0,3,8,11");
		}
		if (type > option_syntax[code].highest) {
			parser_fail(parser, EX_DATAERR, "%s type out of range", name);
			return error_advise(parser->error, "types are 0 to %u", option_syntax[code].highest);
		}
		option->u.bitmap[type / 32] |= 1u << (type % 32);
		text = end;
	}
	parser_next(parser);
	return parser_commit(parser, option, sizeof(option->u.bitmap));
}

int parse_dscp_value(struct parser *parser, const char *text, size_t length)
{
	char number[32];
	int value;

	if (isalpha((unsigned char)*text)) {
		value = names_value(names_dscp, text, length);
		if (value >= 0)
			return value;
		parser_fail(parser, EX_DATAERR, "Unknown DSCP code");
	} else {
		snprintf(number, sizeof(number), "%.*s", (int)length, text);
		value = (int)strtoul(number, NULL, 10);
		if (value >= 0 && value <= DSCP_MAX)
			return value;
		parser_fail(parser, EX_DATAERR, "Invalid DSCP value");
	}
	return error_advise(parser->error, "a DSCP is 0 to %d or a name: be, cs1 to cs7, af11 to af43, va, ef",
			    DSCP_MAX);
}

int parse_dscp(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);
	const char *text = parser->word;

	memset(option->u.bitmap, 0, sizeof(option->u.bitmap));
	for (;;) {
		size_t length = strcspn(text, ",");
		int value = parse_dscp_value(parser, text, length);

		if (value < 0)
			return -1;
		option->u.bitmap[value / 32] |= 1u << (value % 32);
		if (!text[length])
			break;
		text += length + 1;
	}
	parser_next(parser);
	return parser_commit(parser, option, sizeof(option->u.bitmap));
}
