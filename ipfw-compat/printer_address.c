/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses in listings. */
#include <arpa/inet.h>
#include <netdb.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/printer.h"

#define RANGE_MIN 3 /* fewer members in a row are listed one by one */

void print_dotted(struct text *text, __u32 address)
{
	const __u8 *bytes = (const __u8 *)&address;

	for (int i = 0; i < 4; i++) {
		if (i)
			text_character(text, '.');
		text_number(text, bytes[i]);
	}
}

static bool print_host(struct printer *printer, int family, const void *address)
{
	char name[NI_MAXHOST];

	if (!printer->format->resolve || !host_name(family, address, name, sizeof(name)))
		return false;
	text_add(&printer->text, name);
	return true;
}

void print_address4(struct printer *printer, const struct option *option)
{
	struct text *text = &printer->text;

	for (int i = 0; i < option->count; i++) {
		const struct address4 *entry = &option->u.address4[i];
		int length = mask_length4(entry->mask);

		text_character(text, i ? ',' : ' ');
		if (length == 32 && print_host(printer, AF_INET, &entry->address))
			continue;
		print_dotted(text, entry->address);
		if (length < 0) {
			text_character(text, ':');
			print_dotted(text, entry->mask);
		} else if (length < 32) {
			text_character(text, '/');
			text_number(text, (unsigned int)length);
		}
	}
}

void print_address6(struct printer *printer, const struct option *option)
{
	struct text *text = &printer->text;
	char numeric[INET6_ADDRSTRLEN];

	for (int i = 0; i < option->count; i++) {
		const struct address6 *entry = &option->u.address6[i];
		int length = mask_length6(entry->mask);

		text_character(text, i ? ',' : ' ');
		if (length == 128 && print_host(printer, AF_INET6, entry->address))
			continue;
		text_add(text, inet_ntop(AF_INET6, entry->address, numeric, sizeof(numeric)));
		if (length == 128)
			continue;
		text_character(text, '/');
		if (length < 0)
			text_add(text, inet_ntop(AF_INET6, entry->mask, numeric, sizeof(numeric)));
		else
			text_number(text, (unsigned int)length);
	}
}

static bool member(const struct address_set *set, unsigned int n)
{
	return set->member[n / 32] >> (n % 32) & 1;
}

void print_address_set(struct printer *printer, const struct option *option)
{
	const struct address_set *set = &option->u.address_set;
	unsigned int size = 1u << (32 - set->prefix_length), low = set->base & 0xff, end;
	struct text *text = &printer->text;
	char separator = '{';

	text_character(text, ' ');
	print_dotted(text, htonl(set->base));
	text_character(text, '/');
	text_number(text, set->prefix_length);
	for (unsigned int n = 0; n < size; n++) {
		if (!member(set, n))
			continue;
		for (end = n + 1; end < size && member(set, end); end++)
			;
		text_character(text, separator);
		separator = ',';
		text_number(text, low + n);
		if (end - n < RANGE_MIN)
			continue;
		text_character(text, '-');
		text_number(text, low + end - 1);
		n = end - 1;
	}
	if (separator == '{' && printer->careful) /* an empty set: ipfw forgets this brace */
		text_character(text, '{');
	text_character(text, '}');
}
