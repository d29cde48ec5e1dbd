/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments that are numbers. */
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/parser_syntax.h"

#define BOUNDED_MIN 1
#define BOUNDED_MAX 65534
#define FLOW_LABELS_MAX 60 /* what ipfw's instruction has room for */

static int fail_bounded(struct parser *parser, const char *name)
{
	return error_advise(parser->error, "`%s' wants a number from %d to %d, in decimal", name, BOUNDED_MIN,
			    BOUNDED_MAX);
}

int parse_bounded(struct parser *parser, const char *name, __u32 *number, bool *tablearg)
{
	char *end;
	long value;

	*number = 0;
	*tablearg = false;
	if (!parser->word) {
		parser_fail(parser, EX_USAGE, "%s: missing argument", name);
		return fail_bounded(parser, name);
	}
	if (parse_tablearg(parser)) {
		*tablearg = true;
		return 0;
	}
	value = strtol(parser->word, &end, 10);
	if (!isdigit((unsigned char)*parser->word) || *end) {
		parser_fail(parser, EX_DATAERR, "%s: invalid argument: %s", name, parser->word);
		return fail_bounded(parser, name);
	}
	if (value < BOUNDED_MIN || value > BOUNDED_MAX) {
		parser_fail(parser, EX_DATAERR, "%s: argument is out of range (%d..%d): %s", name, BOUNDED_MIN,
			    BOUNDED_MAX, parser->word);
		return fail_bounded(parser, name);
	}
	*number = (__u32)value;
	parser_next(parser);
	return 0;
}

/* As in ipfw the number is read as far as it goes, to nothing at all; `highest` has the bits of it that count. */
int parse_number_option(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);

	option->u.number = strtoul(parser->word, NULL, 0) & option_syntax[code].highest;
	parser_next(parser);
	return parser_commit(parser, option, sizeof(option->u.number));
}

int parse_fib_option(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);

	option->u.number = (__u16)strtoul(parser->word, NULL, 0);
	if (option->u.number >= ROUTING_TABLES)
		parser_refuse(parser, "routing tables are 0 to 15");
	parser_next(parser);
	return parser_commit(parser, option, sizeof(option->u.number));
}

static int fail_label(struct parser *parser, const char *message, const char *where)
{
	parser_fail(parser, EX_DATAERR, "%s %s", message, where);
	return error_advise(parser->error, "flow labels are numbers from 0 to %u, separated by commas",
			    option_syntax[OPTION_FLOW_LABEL].highest);
}

/* Numbers separated by commas; as in ipfw an empty place is a 0. */
static int read_labels(struct parser *parser, struct option *option)
{
	const char *text = parser->word;
	char *end;

	while (*text) {
		unsigned int label = (unsigned int)strtoul(text + (*text == ','), &end, 0);

		if (*end != ',' && *end)
			return fail_label(parser, "invalid ipv6 flow number", end);
		if (label > option_syntax[option->code].highest)
			return fail_label(parser, "flow number out of range", end);
		if (option->count == FLOW_LABELS_MAX) {
			parser_fail(parser, EX_DATAERR, "Rule too long");
			return error_advise(parser->error, "a list has at most %d flow labels", FLOW_LABELS_MAX);
		}
		option->u.number32[option->count++] = label;
		text = end;
	}
	return option->count ? 0 : fail_label(parser, "invalid ipv6 flow number", text);
}

int parse_flow_labels(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);

	if (parser->protocol != IPPROTO_IPV6) {
		parser_fail(parser, EX_USAGE, "flow-id filter is active only for ipv6 protocol");
		return error_advise(parser->error,
				    "begin the rule with `ip6', as in `allow ip6 from any to any flow-id 5'");
	}
	if (!parser->word) {
		parser_fail(parser, EX_USAGE, "missing flow number");
		return error_advise(parser->error, "`flow-id' wants an argument: 5 or 5,6");
	}
	if (read_labels(parser, option))
		return -1;
	parser_next(parser);
	return parser_commit(parser, option, option->count * sizeof(option->u.number32[0]));
}

int parse_mark_option(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);
	struct masked_number *mark = &option->u.masked;
	const char *mask = strchr(parser->word, ':');
	size_t length;

	mark->value = (__u32)strtoul(parser->word, NULL, 0);
	length = strcspn(parser->word, ":");
	if (length == strlen("tablearg") && !strncmp(parser->word, "tablearg", length))
		option->flags = OPTION_TABLEARG;
	mark->mask = mask ? (__u32)strtoul(mask + 1, NULL, 0) : 0xffffffff;
	if (mark->value & ~mark->mask) {
		parser_fail(parser, EX_DATAERR,
			    "Static mark value: some bits in value are set that will be masked out by mask: "
			    "(%#x & %#x) = %#x != %#x",
			    mark->value, mark->mask, mark->value & mark->mask, mark->value);
		return error_advise(parser->error,
				    "no mark can match: take these bits off the value, or into the mask");
	}
	parser_next(parser);
	return parser_commit(parser, option, sizeof(*mark));
}
