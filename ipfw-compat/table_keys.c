/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys of entries, read and compared. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/language.h"
#include "ipfw-compat/names.h"
#include "ipfw-compat/parser_syntax.h"
#include "ipfw-compat/table_text.h"

#define KEY_MAX 256

/* Cuts off what is behind the first `separator`; that is returned, or NULL. */
static char *split(char *text, char separator)
{
	char *found = strchr(text, separator);

	if (found)
		*found++ = '\0';
	return found;
}

/* Zeros all bits of `bytes` but the first `bits`. */
static void mask_bytes(__u8 *bytes, size_t size, unsigned int bits)
{
	for (size_t i = 0; i < size; i++) {
		unsigned int first = (unsigned int)i * 8;

		if (bits <= first)
			bytes[i] = 0;
		else if (bits < first + 8)
			bytes[i] &= (__u8)(0xff << (first + 8 - bits));
	}
}

static int parse_address(struct table_key *key, char *text, int word, struct error *error)
{
	const char *mask = split(text, '/');
	unsigned long bits = mask ? strtoul(mask, NULL, 10) : 0;

	if (inet_pton(AF_INET, text, key->u.address) == 1 ||
	    (inet_pton(AF_INET6, text, key->u.address) != 1 && host_address4(text, key->u.address))) {
		key->family = 4;
		key->bits = mask ? (__u8)bits : 32;
		if (bits > 32)
			return error_set(error, EX_DATAERR, word, "bad IPv4 mask width: %s", mask);
	} else if (inet_pton(AF_INET6, text, key->u.address) == 1) {
		key->family = 6;
		key->bits = mask ? (__u8)bits : 128;
		if (bits > 128)
			return error_set(error, EX_DATAERR, word, "bad IPv6 mask width: %s", mask);
	} else {
		return error_set(error, EX_NOHOST, word, "hostname ``%s'' unknown", text);
	}
	mask_bytes((__u8 *)key->u.address, sizeof(key->u.address), key->bits);
	return 0;
}

static int parse_link_address(struct table_key *key, char *text, int word, struct error *error)
{
	const char *mask = split(text, '/');
	unsigned long bits = mask ? strtoul(mask, NULL, 10) : 48;

	if (!read_mac(text, key->u.mac))
		return error_set(error, EX_DATAERR, word, "Incorrect MAC address: %s", text);
	if (bits > 48)
		return error_set(error, EX_DATAERR, word, "bad MAC mask width: %s", mask);
	key->bits = (__u8)bits;
	mask_bytes(key->u.mac, sizeof(key->u.mac), key->bits);
	return 0;
}

static int parse_number(struct table_key *key, const char *text, int word, struct error *error)
{
	char *end;

	key->u.number = (__u32)strtoul(text, &end, 10);
	return *end ? error_set(error, EX_DATAERR, word, "Invalid number: %s", text) : 0;
}

/* One address of a flow; both must be of one family. */
static int parse_flow_address(struct table_flow *flow, __u32 address[4], const char *text, int word,
			      struct error *error)
{
	__u8 family = inet_pton(AF_INET, text, address) == 1 ? 4 : inet_pton(AF_INET6, text, address) == 1 ? 6 : 0;

	if (!family)
		return error_set(error, EX_DATAERR, word, "invalid key: %s is no address", text);
	if (flow->family && flow->family != family)
		return error_set(error, EX_DATAERR, word, "Inconsistent address family");
	flow->family = family;
	return 0;
}

static int parse_flow_protocol(struct table_flow *flow, const char *text, int word, struct error *error)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*end)
		number = protocol_number(text);
	if (number < 0)
		return error_set(error, EX_DATAERR, word, "Unknown proto: %s", text);
	if (number > 255)
		return error_set(error, EX_DATAERR, word, "Bad protocol number: %ld", number);
	flow->protocol = (__u8)number;
	return 0;
}

static int parse_flow_port(__u16 *port, const char *text, int word, struct error *error)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*end)
		number = service_port(text, NULL);
	if (number < 0)
		return error_set(error, EX_DATAERR, word, "Unknown service: %s", text);
	*port = (__u16)number;
	return 0;
}

static int parse_flow_field(struct table_flow *flow, unsigned int field, const char *text, int word,
			    struct error *error)
{
	switch (field) {
	case FLOW_SOURCE:
		return parse_flow_address(flow, flow->source, text, word, error);
	case FLOW_PROTOCOL:
		return parse_flow_protocol(flow, text, word, error);
	case FLOW_SOURCE_PORT:
		return parse_flow_port(&flow->source_port, text, word, error);
	case FLOW_DESTINATION:
		return parse_flow_address(flow, flow->destination, text, word, error);
	default:
		return parse_flow_port(&flow->destination_port, text, word, error);
	}
}

/* The fields that the table has, in their order, separated by commas. */
static int parse_flow(struct table_flow *flow, unsigned int fields, char *text, int word, struct error *error)
{
	static const char *const names[] = {"src ip", "proto", "src port", "dst ip", "dst port"};
	char *rest = text;

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!(fields & 1u << i))
			continue;
		text = rest;
		if (!text)
			return error_set(error, EX_DATAERR, word, "invalid key: %s missing", names[i]);
		rest = split(text, ',');
		if (parse_flow_field(flow, 1u << i, text, word, error))
			return -1;
	}
	return 0;
}

int table_key_parse(struct table_key *key, const struct table_info *info, const char *text, int word,
		    struct error *error)
{
	char copy[KEY_MAX];

	memset(key, 0, sizeof(*key));
	copy_text(copy, sizeof(copy), text, strlen(text));
	switch (info->type) {
	case TABLE_ADDRESS:
		return parse_address(key, copy, word, error);
	case TABLE_INTERFACE:
		copy_text(key->u.name, sizeof(key->u.name), copy, strnlen(copy, sizeof(key->u.name) - 1));
		return 0;
	case TABLE_NUMBER:
		return parse_number(key, copy, word, error);
	case TABLE_MAC:
		return parse_link_address(key, copy, word, error);
	default:
		return parse_flow(&key->u.flow, info->flow_fields, copy, word, error);
	}
}

int table_key_guess(const char *text)
{
	char copy[KEY_MAX], *end;
	__u8 address[16];
	__u32 host;

	copy_text(copy, sizeof(copy), text, strlen(text));
	if (isxdigit((unsigned char)*copy) || *copy == ':') {
		split(copy, '/');
		if (inet_pton(AF_INET, copy, address) == 1 || inet_pton(AF_INET6, copy, address) == 1)
			return TABLE_ADDRESS;
		strtol(copy, &end, 10);
		if (!*end)
			return TABLE_NUMBER;
	}
	if (!strchr(copy, '.'))
		return TABLE_INTERFACE;
	return host_address4(copy, &host) ? TABLE_ADDRESS : -1;
}

/* The bucket of a name in FreeBSD's hash of named objects: FNV-1 of the name, 32 buckets. */
static unsigned int name_bucket(const char *name)
{
	__u32 hash = 33554467;

	for (; *name; name++)
		hash = hash * 0x01000193 ^ (unsigned char)*name;
	return hash % 32;
}

static int compare_numbers(__u32 left, __u32 right)
{
	return left < right ? -1 : left > right;
}

int table_key_compare(unsigned int type, const struct table_key *left, const struct table_key *right)
{
	int order;

	switch (type) {
	case TABLE_ADDRESS:
		order = left->family != right->family
				? left->family - right->family
				: memcmp(left->u.address, right->u.address, sizeof(left->u.address));
		return order ? order : right->bits - left->bits;
	case TABLE_MAC:
		order = memcmp(left->u.mac, right->u.mac, sizeof(left->u.mac));
		return order ? order : right->bits - left->bits;
	case TABLE_NUMBER:
		return compare_numbers(left->u.number, right->u.number);
	case TABLE_INTERFACE:
		order = compare_numbers(name_bucket(left->u.name), name_bucket(right->u.name));
		return order ? order : strcmp(left->u.name, right->u.name);
	default:
		return memcmp(&left->u.flow, &right->u.flow, sizeof(left->u.flow));
	}
}
