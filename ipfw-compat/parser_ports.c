/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of ports and of other numbers of 16 bits: `22,http,1024-65535`. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/parser_syntax.h"

#define PROTOCOL_LINK 0x1000 /* no IP protocol: the names are EtherTypes */

/* A service name reaches to the next of `-`, `,` or the end; a backslash makes the next character part of it. */
static const char *service_end(const char *text)
{
	for (; isalnum((unsigned char)*text) || (*text && strchr("\\_.", *text)); text++)
		if (*text == '\\' && text[1])
			text++;
	return text;
}

/* The number that a service, or an EtherType, has; -1: none. */
static int name_lookup(const char *text, const char *end, unsigned int protocol)
{
	char name[64];
	size_t length = 0;

	for (; text != end && length < sizeof(name) - 1; text++)
		if (*text != '\\')
			name[length++] = *text;
	name[length] = '\0';
	if (!length || text != end)
		return -1;
	if (protocol == PROTOCOL_LINK)
		return names_value(names_ether_types, name, length);
	return service_port(name, protocol ? protocol_name(protocol) : NULL);
}

__u16 parse_port(const char *text, const char **end, unsigned int protocol)
{
	char *number_end;
	int port;

	*end = text;
	if (isdigit((unsigned char)*text)) {
		port = (int)strtol(text, &number_end, 0);
		*end = number_end;
		return (__u16)port;
	}
	port = name_lookup(text, service_end(text), protocol);
	if (port < 0)
		return 0;
	*end = service_end(text);
	return (__u16)port;
}

/* One port or range. Returns the end of it, or NULL when there is none. */
static const char *parse_range(struct parser *parser, const char *text, unsigned int protocol, struct range16 *range)
{
	const char *end, *high;

	range->low = range->high = parse_port(text, &end, protocol);
	if (end == text)
		return NULL;
	if (*end == '-') {
		high = end + 1;
		range->high = parse_port(high, &end, protocol);
		return end == high || (*end && *end != ',') ? NULL : end;
	}
	if (!*end || *end == ',')
		return end;
	parser_warn(parser, "port list: invalid separator <%c> in <%s>", *end, text);
	return NULL;
}

/* Words that end a port position though a service of that name might exist. */
static bool never_a_port(const char *word)
{
	static const char *const words[] = {"altq",	  "//",	  "diverted",  "dst-port", "src-port", "established",
					    "keep-state", "frag", "icmptypes", "in",	   "out",      "ip6",
					    "any",	  "to",	  "via",       "{"};

	if (isdigit((unsigned char)*word))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

/* As parse_ports(), names being those of `protocol`. */
static int parse_list(struct parser *parser, unsigned int code, unsigned int protocol)
{
	struct option *option = parser_option(parser, code);
	const char *text = parser->word;

	if (!*text)
		return 1;
	for (;; text++) {
		if (option->count == PORT_RANGES_MAX) {
			parser_fail(parser, EX_DATAERR, "too many ports/ranges");
			return error_advise(parser->error, "a list has at most %d", PORT_RANGES_ACCEPTED);
		}
		text = parse_range(parser, text, protocol, &option->u.range[option->count]);
		if (!text)
			return 1;
		option->count++;
		if (!*text)
			break;
	}
	if (option->count > PORT_RANGES_ACCEPTED)
		parser_refuse(parser, "a list has at most 30 numbers and ranges; use an or-block of several lists");
	parser_next(parser);
	return parser_commit(parser, option, option->count * sizeof(option->u.range[0]));
}

int parse_ports(struct parser *parser, unsigned int code)
{
	return never_a_port(parser->word) ? 1 : parse_list(parser, code, parser->protocol);
}

int parse_port_option(struct parser *parser, unsigned int code)
{
	int result;

	if (parser_at(parser, "any")) {
		parser_next(parser);
		return 0;
	}
	result = parse_ports(parser, code);
	if (result <= 0)
		return result;
	parser_fail(parser, EX_DATAERR, "%s %s", option_syntax[code].invalid, parser->word);
	return error_advise(parser->error,
			    "ports are numbers, ranges and services, as in 22,http,8000-8080; `not' goes before "
			    "the option, a `-' inside a service name is written `\\-'");
}

/* As ipfw, an argument that names no EtherTypes is no test at all, and leaves a `not` to the next option. */
int parse_ether_types(struct parser *parser, unsigned int code)
{
	int result;

	if (!strcmp(parser->word, "any")) {
		parser_fail(parser, EX_DATAERR, "%s any", option_syntax[code].invalid);
		return error_advise(parser->error, "leave mac-type out");
	}
	result = parse_list(parser, code, PROTOCOL_LINK);
	if (result > 0)
		parser_next(parser);
	return result < 0 ? -1 : 0;
}

static bool is_list(const char *word)
{
	return strpbrk(word, "-,") != NULL;
}

static int parse_number_list(struct parser *parser, unsigned int code)
{
	int result = never_a_port(parser->word) ? 1 : parse_list(parser, code, 0);

	if (result <= 0)
		return result;
	parser_fail(parser, EX_DATAERR, "%s %s", option_syntax[code].invalid, parser->word);
	return error_advise(parser->error,
			    "numbers are 0 to 65535, ranges are written as 100-200, commas separate them");
}

static int commit_number(struct parser *parser, unsigned int code, __u16 number)
{
	struct option *option = parser_option(parser, code);

	option->count = 1;
	option->u.range[0].low = option->u.range[0].high = number;
	return parser_commit(parser, option, sizeof(option->u.range[0]));
}

/* As in ipfw a single number is read as far as it goes, to nothing at all, and 16 bits of it count. */
int parse_ranges_option(struct parser *parser, unsigned int code)
{
	__u16 number;

	if (is_list(parser->word))
		return parse_number_list(parser, code);
	number = (__u16)strtoul(parser->word, NULL, 0);
	parser_next(parser);
	return commit_number(parser, code, number);
}

int parse_tagged(struct parser *parser, unsigned int code)
{
	struct option *option;
	bool tablearg;
	__u32 tag;

	if (is_list(parser->word))
		return parse_number_list(parser, code);
	if (parse_bounded(parser, option_rows[code].keyword, &tag, &tablearg))
		return -1;
	if (!tablearg)
		return commit_number(parser, code, (__u16)tag);
	option = parser_option(parser, code);
	option->flags = OPTION_TABLEARG;
	return parser_commit(parser, option, 0);
}
