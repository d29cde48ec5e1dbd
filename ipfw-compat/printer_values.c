/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments of options that are numbers, flags, names. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/printer.h"

/* `ip` and `ipv6` are what ipfw calls protocols 0 and 41; read back they are families. */
static bool print_ambiguous_protocol(struct printer *printer, unsigned int number)
{
	if (!printer->careful || (number && (number != IPPROTO_IPV6 || printer->have_protocol)))
		return false;
	text_add(&printer->text, number ? "41" : "hopopt");
	return true;
}

static void print_protocol(struct printer *printer, const struct option *option)
{
	unsigned int number = (unsigned int)option->u.number;
	const char *name = protocol_name(number);

	text_character(&printer->text, ' ');
	printer->protocol = number;
	if (print_ambiguous_protocol(printer, number))
		return;
	if (name)
		text_add(&printer->text, name);
	else
		text_number(&printer->text, number);
}

#define OWNER_NAME_MAX 256 /* LOGIN_NAME_MAX, NUL included */

static void print_owner(struct text *text, bool (*find)(__u32 number, char *name, size_t size), __u32 number)
{
	char name[OWNER_NAME_MAX];

	text_character(text, ' ');
	if (find(number, name, sizeof(name)))
		text_add(text, name);
	else
		text_number(text, number);
}

static bool print_tablearg(struct text *text, const struct option *option)
{
	if (option->flags & OPTION_TABLEARG)
		text_add(text, " tablearg");
	return option->flags & OPTION_TABLEARG;
}

void print_number(struct printer *printer, const struct option *option)
{
	struct text *text = &printer->text;
	__u32 number = (__u32)option->u.number;

	switch (option->code) {
	case OPTION_PROTOCOL:
		print_protocol(printer, option);
		break;
	case OPTION_UID:
		print_owner(text, user_name, number);
		break;
	case OPTION_GID:
		print_owner(text, group_name, number);
		break;
	case OPTION_TCP_SEQUENCE: /* with a sign, as ipfw; the parser takes the same 32 bits from it */
	case OPTION_TCP_ACKNOWLEDGMENT:
		text_add(text, number >> 31 ? " -" : " ");
		text_number(text, number >> 31 ? -number : number);
		break;
	default:
		if (print_tablearg(text, option))
			break;
		text_character(text, ' ');
		text_number(text, number);
	}
}

static void print_port(struct printer *printer, unsigned int port)
{
	const char *name = printer->format->resolve ? service_name(port, protocol_name(printer->protocol)) : NULL;

	if (name)
		text_add(&printer->text, name);
	else
		text_number(&printer->text, port);
}

static void print_ether_type(struct printer *printer, unsigned int type)
{
	const char *name = printer->format->resolve ? names_name(names_ether_types, type) : NULL;
	char digits[8];

	snprintf(digits, sizeof(digits), "0x%04x", type & 0xffff);
	text_add(&printer->text, name ? name : digits);
}

/* One number of a list, as the option it belongs to wants it. */
static void print_entry(struct printer *printer, unsigned int code, unsigned int number)
{
	switch (code) {
	case OPTION_SOURCE_PORT:
	case OPTION_DESTINATION_PORT:
		print_port(printer, number);
		break;
	case OPTION_MAC_TYPE:
		print_ether_type(printer, number);
		break;
	default:
		text_number(&printer->text, number);
	}
}

void print_ranges(struct printer *printer, const struct option *option)
{
	print_tablearg(&printer->text, option);
	for (int i = 0; i < option->count; i++) {
		const struct range16 *range = &option->u.range[i];

		text_character(&printer->text, i ? ',' : ' ');
		print_entry(printer, option->code, range->low);
		if (range->low == range->high)
			continue;
		text_character(&printer->text, '-');
		print_entry(printer, option->code, range->high);
	}
}

static const struct name_value *flag_names(unsigned int code)
{
	switch (code) {
	case OPTION_FRAGMENT:
		return names_fragment_flags;
	case OPTION_IP_TOS:
		return names_ip_tos;
	case OPTION_IP_OPTIONS:
		return names_ip_options;
	case OPTION_TCP_OPTIONS:
		return names_tcp_options;
	case OPTION_EXTENSION_HEADER:
		return names_extension_headers;
	default:
		return names_tcp_flags;
	}
}

/* Names may overlap: each takes the bits that it stands for. */
void print_flags(struct text *text, const struct option *option)
{
	__u8 set = option->u.flags_test.set, clear = option->u.flags_test.clear;
	const char *separator = " ";

	for (const struct name_value *names = flag_names(option->code); names->name; names++) {
		if (set & names->value) {
			text_add(text, separator);
			text_add(text, names->name);
			separator = ",";
			set &= (__u8)~names->value;
		}
		if (clear & names->value) {
			text_add(text, separator);
			text_character(text, '!');
			text_add(text, names->name);
			separator = ",";
			clear &= (__u8)~names->value;
		}
	}
}

static void print_member(struct text *text, unsigned int code, unsigned int n)
{
	const char *name = code == OPTION_DSCP ? names_name(names_dscp, n) : NULL;

	if (name)
		text_add(text, name);
	else
		text_number(text, n);
}

void print_bitmap(struct text *text, const struct option *option)
{
	char separator = ' ';

	for (unsigned int word = 0; word < sizeof(option->u.bitmap) / sizeof(option->u.bitmap[0]); word++) {
		for (__u32 left = option->u.bitmap[word]; left; left &= left - 1) {
			text_character(text, separator);
			print_member(text, option->code, word * 32 + (unsigned int)__builtin_ctz(left));
			separator = ',';
		}
	}
}

/* With a blank behind, as ipfw. */
void print_labels(struct text *text, const struct option *option)
{
	for (int i = 0; i < option->count; i++) {
		text_character(text, i ? ',' : ' ');
		text_number(text, option->u.number32[i]);
	}
	text_character(text, ' ');
}

static int mask_length(const __u8 mask[6])
{
	int length = 0;

	while (length < 48 && mask[length / 8] & 0x80 >> length % 8)
		length++;
	for (int bit = length; bit < 48; bit++)
		if (mask[bit / 8] & 0x80 >> bit % 8)
			return -1;
	return length;
}

void print_bytes(struct text *text, const __u8 bytes[6])
{
	char digits[18];

	snprintf(digits, sizeof(digits), "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3],
		 bytes[4], bytes[5]);
	text_add(text, digits);
}

static void print_mac_address(struct text *text, const __u8 address[6], const __u8 mask[6])
{
	int length = mask_length(mask);

	text_character(text, ' ');
	if (!length) {
		text_add(text, "any");
		return;
	}
	print_bytes(text, address);
	if (length < 0) {
		text_character(text, '&');
		print_bytes(text, mask);
	} else if (length < 48) {
		text_character(text, '/');
		text_number(text, (unsigned int)length);
	}
}

void print_mac(struct text *text, const struct mac_match *mac)
{
	print_mac_address(text, mac->destination, mac->destination_mask);
	print_mac_address(text, mac->source, mac->source_mask);
}

void print_masked(struct text *text, const struct option *option)
{
	const struct masked_number *masked = &option->u.masked;

	if (!print_tablearg(text, option)) {
		text_character(text, ' ');
		text_hexadecimal(text, masked->value);
	}
	if (masked->mask == 0xffffffff)
		return;
	text_character(text, ':');
	text_hexadecimal(text, masked->mask);
}

/* A limit of 0 is none, which ipfw lists like the default. */
void print_log(struct text *text, const struct log_settings *log)
{
	const char *separator = " logdst ";

	if (log->limit && log->limit != LOG_DEFAULT_LIMIT) {
		text_add(text, " logamount ");
		text_number(text, log->limit);
	}
	for (const struct name_value *names = names_log_destinations; names->name; names++) {
		if (!(log->destinations & names->value))
			continue;
		text_add(text, separator);
		text_add(text, names->name);
		separator = ",";
	}
}
