/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv6 arguments: any, me, me6 and `address[/length|/mask][,...]`. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/parser.h"
#include "ipfw-compat/parser_keywords.h"

static const __u16 list_codes[] = {[SIDE_SOURCE] = OPTION_SOURCE_IP6, [SIDE_DESTINATION] = OPTION_DESTINATION_IP6};
static const __u16 me_codes[] = {[SIDE_SOURCE] = OPTION_SOURCE_ME6, [SIDE_DESTINATION] = OPTION_DESTINATION_ME6};

static bool zero(const __u8 bytes[16])
{
	static const __u8 zeros[16];

	return !memcmp(bytes, zeros, sizeof(zeros));
}

static int parse_mask(struct parser *parser, const char *text, __u8 mask[16])
{
	int length;

	if (strchr(text, ':')) {
		if (inet_pton(AF_INET6, text, mask) == 1)
			return 0;
		parser_fail(parser, EX_DATAERR, "bad mask \"%s\"", text);
		return error_advise(parser->error, "a mask is written as an address, as in 2001:db8::1/ffff:ffff::1");
	}
	length = atoi(text);
	if (length < 0 || length > 128) {
		parser_fail(parser, EX_DATAERR, "bad width \"%s''", text);
		return error_advise(parser->error, "an IPv6 prefix length is 0 to 128");
	}
	memset(mask, 0, 16);
	memset(mask, 0xff, (size_t)length / 8);
	if (length % 8)
		mask[length / 8] = (__u8)(0xff << (8 - length % 8));
	return 0;
}

/* One `address[/length|/mask]` of `length` characters. */
static int parse_entry(struct parser *parser, const char *text, size_t length, struct address6 *entry)
{
	char buffer[HOST_NAME_MAX_IPFW];
	char *mask;

	if (length >= sizeof(buffer))
		length = sizeof(buffer) - 1;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	mask = strchr(buffer, '/');
	if (mask)
		*mask++ = '\0';
	if (!host_address6(buffer, entry->address)) {
		parser_fail(parser, EX_DATAERR, "bad address \"%s\"", buffer);
		return error_advise(
			parser->error,
			"here only IPv6 fits: any, me6, 2001:db8::1, 2001:db8::/32 or a host that has such an address");
	}
	if (!mask)
		memset(entry->mask, 0xff, sizeof(entry->mask));
	else if (parse_mask(parser, mask, entry->mask))
		return -1;
	for (int i = 0; i < 16; i++)
		entry->address[i] &= entry->mask[i];
	return 0;
}

static int fail_not_any(struct parser *parser)
{
	parser_fail(parser, EX_DATAERR, "not any never matches");
	return error_advise(parser->error, "a length or mask of 0 means any address");
}

static int add_me(struct parser *parser, enum address_side side)
{
	parser_next(parser);
	return parser_commit(parser, parser_option(parser, me_codes[side]), 0);
}

static int parse_list(struct parser *parser, enum address_side side)
{
	struct option *option = parser_option(parser, list_codes[side]);
	const char *text = parser->word, *end;

	for (;; text = end + 1) {
		struct address6 *entry = &option->u.address6[option->count];

		end = text + strcspn(text, ",");
		if (parse_entry(parser, text, (size_t)(end - text), entry))
			return -1;
		if (!zero(entry->mask))
			option->count++;
		else if (parser->not_pending && !*end && !option->count)
			return fail_not_any(parser);
		if (option->count > ADDRESSES6_MAX)
			return parser_fail_list(parser, 8, ADDRESSES6_MAX);
		if (!*end)
			break;
	}
	if (!option->count) /* ipfw's rules with nothing but ::/0 mean, and are listed as, me6 */
		return add_me(parser, side);
	parser_next(parser);
	return parser_commit(parser, option, option->count * sizeof(option->u.address6[0]));
}

int parse_address6(struct parser *parser, enum address_side side)
{
	if (!strcmp(parser->word, "any")) {
		parser_next(parser);
		return 0;
	}
	if (!strcmp(parser->word, "me") || !strcmp(parser->word, "me6"))
		return add_me(parser, side);
	if (parser_at_table(parser))
		return parse_table(parser, side == SIDE_SOURCE ? OPTION_SOURCE_TABLE : OPTION_DESTINATION_TABLE);
	return parse_list(parser, side);
}
