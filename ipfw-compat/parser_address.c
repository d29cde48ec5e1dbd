/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv4 arguments: any, me, `address[/length|:mask][,...]` and sets `address[/length]{list}`. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/parser.h"
#include "ipfw-compat/parser_keywords.h"

static const __u16 list_codes[] = {[SIDE_SOURCE] = OPTION_SOURCE_IP4, [SIDE_DESTINATION] = OPTION_DESTINATION_IP4};
static const __u16 set_codes[] = {[SIDE_SOURCE] = OPTION_SOURCE_SET, [SIDE_DESTINATION] = OPTION_DESTINATION_SET};
static const __u16 me_codes[] = {[SIDE_SOURCE] = OPTION_SOURCE_ME, [SIDE_DESTINATION] = OPTION_DESTINATION_ME};

static int parse_mask(struct parser *parser, char separator, const char *text, __u32 *mask)
{
	struct in_addr dotted;
	int length;

	if (separator == ':') {
		if (inet_aton(text, &dotted)) {
			*mask = dotted.s_addr;
			return 0;
		}
		parser_fail(parser, EX_DATAERR, "bad netmask ``%s''", text);
		return error_advise(parser->error,
				    "a mask behind `:' has dots, as in 10.0.0.1:255.0.0.255; a length goes behind `/'");
	}
	length = atoi(text);
	if (length > 32) {
		parser_fail(parser, EX_DATAERR, "bad width ``%s''", text);
		return error_advise(parser->error, "a prefix length is 0 to 32; a mask with dots goes behind `:'");
	}
	*mask = length ? htonl(0xffffffffu << ((32 - length) & 31)) : 0;
	return 0;
}

/*
 * One `host[/length|:mask]` at *text, which is moved to the `,`, `{` or end behind it. A set without length is a /24.
 */
static int parse_entry(struct parser *parser, const char **text, struct address4 *entry)
{
	const char *host_end = *text + strcspn(*text, "/:,{"), *end = host_end;
	char buffer[HOST_NAME_MAX_IPFW];

	if (!host_address4(copy_text(buffer, sizeof(buffer), *text, (size_t)(host_end - *text)), &entry->address)) {
		parser_fail(parser, EX_NOHOST, "hostname ``%.*s'' unknown", (int)(host_end - *text), *text);
		return error_advise(parser->error,
				    "an address is any, me, me6, 192.0.2.1, 192.0.2.0/24, 192.0.2.0:255.255.255.0, "
				    "2001:db8::/32 or the name of a host");
	}
	entry->mask = *host_end == '{' ? htonl(0xffffff00) : 0xffffffff;
	if (*host_end == '/' || *host_end == ':') {
		end = host_end + 1 + strcspn(host_end + 1, ",{");
		copy_text(buffer, sizeof(buffer), host_end + 1, (size_t)(end - host_end - 1));
		if (parse_mask(parser, *host_end, buffer, &entry->mask))
			return -1;
	}
	entry->address &= entry->mask;
	*text = end;
	return 0;
}

static void set_members(struct address_set *set, int from, int to)
{
	for (; from <= to; from++)
		set->member[from / 32] |= 1u << (from % 32);
}

/* The numbers between the braces, last bytes of addresses. What is no number ends the list, as in ipfw. */
static int parse_members(struct parser *parser, const char *text, struct address_set *set)
{
	int low = set->base & 0xff, high = low + (1 << (32 - set->prefix_length)) - 1, from = -1;
	char *end;

	for (; isdigit((unsigned char)*text); text = end + 1) {
		int member = (int)strtol(text, &end, 0);

		if (member < low || member > high)
			return parser_fail(parser, EX_DATAERR, "addr %d out of range [%d-%d]", member, low, high);
		if (from > member)
			return parser_fail(parser, EX_DATAERR, "invalid range %d-%d", from, member);
		if (from >= 0 && *end == '-')
			return parser_fail(parser, EX_DATAERR, "double '-' in range");
		set_members(set, (from < 0 ? member : from) - low, member - low);
		from = *end == '-' ? member : -1;
		if (*end == '}' || !*end)
			break;
	}
	return 0;
}

/* A set whose base is `entry`; `text` is behind the opening brace. */
static int parse_set(struct parser *parser, const char *text, const struct address4 *entry, enum address_side side)
{
	struct option *option = parser_option(parser, set_codes[side]);
	struct address_set *set = &option->u.address_set;
	int length = mask_length4(entry->mask);

	if (length < ADDRESS_SET_PREFIX_MIN || length > ADDRESS_SET_PREFIX_MAX) {
		parser_fail(parser, EX_DATAERR, "invalid set with mask %d", length);
		return error_advise(parser->error, "the prefix of a set is %d to %d bits", ADDRESS_SET_PREFIX_MIN,
				    ADDRESS_SET_PREFIX_MAX);
	}
	memset(set, 0, sizeof(*set));
	set->base = ntohl(entry->address);
	set->prefix_length = (__u32)length;
	if (parse_members(parser, text, set))
		return error_advise(parser->error, "a set lists last bytes of addresses, as in 192.0.2.0/24{4,7-9}");
	parser_next(parser);
	return parser_commit(parser, option, sizeof(*set));
}

/* The end of a list that turned out to hold everything: it is no test. */
static int drop_list(struct parser *parser, bool only_entry)
{
	if (parser->not_pending && only_entry) {
		parser_fail(parser, EX_DATAERR, "not any never matches");
		return error_advise(parser->error, "a length or mask of 0 means any address");
	}
	parser_next(parser);
	return 0;
}

static int parse_list(struct parser *parser, enum address_side side)
{
	struct option *option = parser_option(parser, list_codes[side]);
	const char *text = parser->word;

	for (;; text++) {
		struct address4 *entry = &option->u.address4[option->count];

		if (parse_entry(parser, &text, entry))
			return -1;
		if (*text == '{' && option->count) {
			parser_fail(parser, EX_DATAERR, "address set cannot be in a list");
			return error_advise(parser->error, "put the set and the list into an or-block");
		}
		if (*text == '{')
			return parse_set(parser, text + 1, &(struct address4){entry->address, entry->mask}, side);
		if (!entry->mask)
			return drop_list(parser, !*text && !option->count);
		if (++option->count > ADDRESSES4_MAX)
			return parser_fail_list(parser, 2, ADDRESSES4_ACCEPTED);
		if (!*text)
			break;
	}
	if (option->count > ADDRESSES4_ACCEPTED)
		parser_refuse(parser, "an address list has at most 15 entries; use an or-block of several lists");
	parser_next(parser);
	return parser_commit(parser, option, option->count * sizeof(option->u.address4[0]));
}

int parse_address4(struct parser *parser, enum address_side side)
{
	if (parser_at(parser, "any")) {
		parser_next(parser);
		return 0;
	}
	if (parser_at(parser, "me")) {
		parser_next(parser);
		return parser_commit(parser, parser_option(parser, me_codes[side]), 0);
	}
	if (parser_at_table(parser))
		return parse_table(parser, side == SIDE_SOURCE ? OPTION_SOURCE_TABLE : OPTION_DESTINATION_TABLE);
	return parse_list(parser, side);
}
