/* SPDX-License-Identifier: GPL-2.0-only */
/* Interfaces and link addresses. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/parser_syntax.h"

/* As ipfw, a value behind the table's name is forgotten. */
static int parse_interface_table(struct parser *parser, unsigned int code)
{
	if (parse_table(parser, code == OPTION_RECV   ? OPTION_RECV_TABLE
				: code == OPTION_XMIT ? OPTION_XMIT_TABLE
						      : OPTION_VIA_TABLE))
		return -1;
	parser->previous->u.table.value_type = TABLE_VALUE_ANY;
	parser->previous->u.table.value = 0;
	return 0;
}

int parse_interface(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);
	struct interface_match *interface = &option->u.interface;
	const char *word = parser->word;
	struct in_addr address;

	memset(interface, 0, sizeof(*interface));
	if (!strcmp(word, "any")) { /* says nothing, even negated */
		parser->not_pending = false;
		parser_next(parser);
		return 0;
	}
	if (parser_at_table(parser))
		return parse_interface_table(parser, code);
	if (!isdigit((unsigned char)*word)) {
		strncpy(interface->name, word, sizeof(interface->name) - 1);
		interface->kind = strpbrk(interface->name, "*?[") ? INTERFACE_PATTERN : INTERFACE_NAME;
	} else if (inet_aton(word, &address)) {
		interface->kind = INTERFACE_ADDRESS;
		interface->address = address.s_addr;
	} else {
		parser_fail(parser, EX_DATAERR, "bad ip address ``%s''", word);
		return error_advise(parser->error,
				    "an interface is a name (em0), a pattern (em*, vlan[0-9]), an IPv4 address or any");
	}
	parser_next(parser);
	return parser_commit(parser, option, sizeof(*interface));
}

bool read_mac(const char *text, __u8 bytes[MAC_BYTES])
{
	unsigned int value[MAC_BYTES];
	int end = 0;

	if (strspn(text, "0123456789abcdefABCDEF:") != strlen(text))
		return false;
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &value[0], &value[1], &value[2], &value[3], &value[4], &value[5],
		   &end) != MAC_BYTES ||
	    text[end])
		return false;
	for (int i = 0; i < MAC_BYTES; i++)
		bytes[i] = (__u8)value[i];
	return true;
}

/* A number of leading one bits. */
static bool read_mask_length(const char *text, __u8 mask[MAC_BYTES])
{
	char *end;
	long length = strtol(text, &end, 10);

	if (*end || length < 0 || length > MAC_BYTES * 8)
		return false;
	memset(mask, 0, MAC_BYTES);
	for (long bit = 0; bit < length; bit++)
		mask[bit / 8] |= (__u8)(0x80 >> bit % 8);
	return true;
}

static int fail_mac(struct parser *parser, const char *message)
{
	parser_fail(parser, EX_DATAERR, "%s", message);
	return error_advise(parser->error, "a link address is any, 10:20:30:40:50:60, 10:20:30:40:50:60/33 or "
					   "10:20:30:40:50:60&ff:ff:ff:ff:0:0");
}

/* The current word, `any` or `address[/length|&mask]`. */
static int parse_mac_address(struct parser *parser, __u8 address[MAC_BYTES], __u8 mask[MAC_BYTES])
{
	size_t length = strcspn(parser->word, "&/");
	char separator = parser->word[length], text[32];
	const char *rest = parser->word + length + 1;

	memset(address, 0, MAC_BYTES);
	memset(mask, 0, MAC_BYTES);
	if (strcmp(parser->word, "any") != 0) {
		snprintf(text, sizeof(text), "%.*s", (int)length, parser->word);
		if (!read_mac(text, address))
			return fail_mac(parser, "Incorrect MAC address");
		if (!separator)
			memset(mask, 0xff, MAC_BYTES);
		else if (separator == '/' && !read_mask_length(rest, mask))
			return fail_mac(parser, "Incorrect mask length");
		else if (separator == '&' && !read_mac(rest, mask))
			return fail_mac(parser, "Incorrect mask");
		for (int i = 0; i < MAC_BYTES; i++)
			address[i] &= mask[i];
	}
	parser_next(parser);
	return 0;
}

int parse_mac(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);
	struct mac_match *mac = &option->u.mac;

	if (!parser->word || !parser->words->word[parser->position + 1]) {
		parser_fail(parser, EX_DATAERR, "MAC dst src");
		return error_advise(parser->error, "two link addresses follow, destination first; each may be any");
	}
	if (parse_mac_address(parser, mac->destination, mac->destination_mask) ||
	    parse_mac_address(parser, mac->source, mac->source_mask))
		return -1;
	return parser_commit(parser, option, sizeof(*mac));
}
