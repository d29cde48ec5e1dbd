/* SPDX-License-Identifier: GPL-2.0-only */
/* The positional part of a body: `proto from source [ports] to destination [ports]`. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/parser.h"

/* Appends the family test `code`; ports that follow belong to `protocol`. */
static int add_family(struct parser *parser, unsigned int code, unsigned int protocol)
{
	parser->protocol = protocol;
	return parser_commit(parser, parser_option(parser, code), 0);
}

/* Appends the test for a protocol by name or decimal number; 16 bits as in ipfw. Returns 1 when the word is none. */
static int add_protocol(struct parser *parser)
{
	struct option *option;
	char *end;
	long number = strtol(parser->word, &end, 10);

	if (*end || (int)number <= 0)
		number = protocol_number(parser->word);
	if (number < 0)
		return 1;
	parser->protocol = (__u8)number;
	option = parser_option(parser, OPTION_PROTOCOL);
	option->u.number = (__u16)number;
	return parser_commit(parser, option, sizeof(option->u.number));
}

int parse_protocol(struct parser *parser, bool positional)
{
	const char *word = parser->word;
	int result = 0;

	if (!word) {
		parser_fail(parser, EX_USAGE, "missing protocol");
		return error_advise(parser->error,
				    "go on with `ip from any to any' or with options, as in `in via em0 proto tcp'");
	}
	if (parser_at(parser, "all") || !strcmp(word, "ip"))
		parser->protocol = 0;
	else if (!strcmp(word, "ip4") || (positional && !strcmp(word, "ipv4")))
		result = add_family(parser, OPTION_IP4, 0);
	else if (!strcmp(word, "ip6") || (positional && !strcmp(word, "ipv6")))
		result = add_family(parser, OPTION_IP6, IPPROTO_IPV6);
	else
		result = add_protocol(parser);
	if (!result)
		parser_next(parser);
	return result;
}

/*
 * What stands first in a body: a protocol, or an option when the rule has no `from ... to`. Returns 1 for the latter.
 */
static int parse_first(struct parser *parser)
{
	bool begun = parser->rule->option_count > parser->options_before;
	int result = parse_protocol(parser, true);

	if (result <= 0 || !begun)
		return result;
	parser_fail(parser, EX_DATAERR, "invalid protocol ``%s''", parser->word);
	return error_advise(parser->error, "a protocol is a name of /etc/protocols, a number, ip, ip4 or ip6");
}

/* Whether the argument begins with an IPv6 address. */
static bool begins_with_address6(const char *word)
{
	size_t length = strcspn(word, "/,");
	char host[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (length >= sizeof(host) || !memchr(word, ':', length))
		return false;
	memcpy(host, word, length);
	host[length] = '\0';
	return inet_pton(AF_INET6, host, &address) == 1;
}

static int parse_address(struct parser *parser, enum address_side side)
{
	if (parser->protocol == IPPROTO_IPV6 || !strcmp(parser->word, "me6") || begins_with_address6(parser->word))
		return parse_address6(parser, side);
	return parse_address4(parser, side);
}

static int parse_source(struct parser *parser)
{
	if (parser->word)
		return parse_address(parser, SIDE_SOURCE);
	parser_fail(parser, EX_USAGE, "missing source address");
	return error_advise(parser->error, "an address, a list of them, me, me6 or any");
}

static int parse_destination(struct parser *parser)
{
	if (parser->word)
		return parse_address(parser, SIDE_DESTINATION);
	parser_fail(parser, EX_USAGE, "missing dst address");
	return error_advise(parser->error, "an address, a list of them, me, me6 or any");
}

static bool at_brace(const struct parser *parser, const char *braces)
{
	return parser->word && *parser->word && strchr(braces, *parser->word);
}

/* Enters an or-block; what sticks to the brace is the next word. */
static void open_block(struct parser *parser)
{
	parser->open = true;
	parser->previous = NULL;
	if (parser->word[1])
		parser->word++;
	else
		parser_next(parser);
}

static int close_block(struct parser *parser)
{
	if (!at_brace(parser, ")}") || parser->word[1]) {
		parser_fail(parser, EX_USAGE, "missing \")\"");
		return error_advise(parser->error, "an or-block is `{ a or b }', with blanks around each word");
	}
	parser->open = false;
	parser->previous = NULL;
	parser_next(parser);
	return 0;
}

/*
 * One positional field: `[not] item` or `{ [not] item or ... }`. Returns what `parse_item` returns when that is
 * not 0.
 */
static int parse_field(struct parser *parser, int (*parse_item)(struct parser *))
{
	int result;

	if (at_brace(parser, "({"))
		open_block(parser);
	for (;;) {
		if (parse_not(parser))
			return -1;
		result = parse_item(parser);
		if (result)
			return result;
		if (!parser_at(parser, "or"))
			return parser->open ? close_block(parser) : 0;
		if (!parser->open || !parser->previous) {
			parser_fail(parser, EX_DATAERR, "invalid OR block");
			return error_advise(parser->error,
					    "`or' joins two tests in braces, as in `{ 10.0.0.0/8 or me }'; "
					    "any and ip are no tests");
		}
		parser->previous->flags |= OPTION_OR;
		parser->or_word = parser->position;
		parser_next(parser);
	}
}

static int parse_optional_ports(struct parser *parser, unsigned int code)
{
	if (parse_not(parser))
		return -1;
	if (!parser->word)
		return 0;
	if (parser_at(parser, "any")) {
		parser_next(parser);
		return 0;
	}
	return parse_ports(parser, code) < 0 ? -1 : 0;
}

static int expect(struct parser *parser, const char *keyword, const char *example)
{
	if (parser_at(parser, keyword)) {
		parser_next(parser);
		return 0;
	}
	parser_fail(parser, EX_USAGE, "missing ``%s''", keyword);
	return error_advise(parser->error, "%s", example);
}

static int parse_addresses(struct parser *parser)
{
	unsigned int before = parser->rule->option_count;

	if (expect(parser, "from",
		   "behind the protocol goes `from SOURCE to DESTINATION'; without them write `proto tcp in'") ||
	    parse_field(parser, parse_source) || parse_optional_ports(parser, OPTION_SOURCE_PORT))
		return -1;
	if (expect(parser, "to",
		   "behind the source goes [ports] and `to DESTINATION'; ports are numbers, ranges or services") ||
	    parse_field(parser, parse_destination) || parse_optional_ports(parser, OPTION_DESTINATION_PORT))
		return -1;
	if (parser->rule->option_count == before)
		parser->rule->flags |= RULE_NO_ADDRESSES;
	return 0;
}

int parse_body(struct parser *parser)
{
	int result;

	parser->options_before = parser->rule->option_count;
	result = parse_field(parser, parse_first);
	if (result < 0)
		return -1;
	if (result)
		parser->rule->flags |= RULE_JUST_OPTIONS;
	else if (parse_addresses(parser))
		return -1;
	return parse_options(parser);
}
