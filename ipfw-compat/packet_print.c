/* SPDX-License-Identifier: GPL-2.0-only */
/* From a description to words, and what differs between two of them. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipfw-compat/packet_fields.h"
#include "ipfw/packet.h"

#define VALUE_MAX 128

struct output {
	char *text;
	size_t used;
};

static void put(struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct output *output, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	output->used +=
		(size_t)vsnprintf(output->text + output->used, DESCRIPTION_TEXT_MAX - output->used, format, arguments);
	va_end(arguments);
	if (output->used >= DESCRIPTION_TEXT_MAX)
		output->used = DESCRIPTION_TEXT_MAX - 1;
}

static void print_mac(char *text, const __u8 mac[6])
{
	snprintf(text, VALUE_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void print_address(char *text, __u8 family, const __u32 address[4])
{
	inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, VALUE_MAX);
}

static void print_protocol(char *text, const struct description *description)
{
	const char *name = protocol_name(description->protocol);

	/* By its name ICMP would be taken for that of the other family, or refused. */
	if (description->protocol == IPPROTO_ICMPV6 && description->family == 6)
		name = "icmp6";
	else if (description->protocol == (description->family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		name = NULL;
	if (name)
		snprintf(text, VALUE_MAX, "%s", name);
	else
		snprintf(text, VALUE_MAX, "%u", description->protocol);
}

static void put_end(struct output *output, const struct description *description, const __u32 address[4], __u16 port)
{
	char text[VALUE_MAX];

	print_address(text, description->family, address);
	if (!description->ports)
		put(output, "%s", text);
	else if (description->family == 4)
		put(output, "%s:%u", text, port);
	else
		put(output, "[%s]:%u", text, port);
}

static void put_head(struct output *output, const struct description *description)
{
	char text[VALUE_MAX];

	if (!description->family) {
		const char *name = names_name(names_ether_types, description->ether_type);

		if (name)
			put(output, "mac-type %s", name);
		else
			put(output, "mac-type 0x%04x", description->ether_type);
		return;
	}
	print_protocol(text, description);
	put(output, "%s ", text);
	put_end(output, description, description->source, description->source_port);
	put(output, " > ");
	put_end(output, description, description->destination, description->destination_port);
}

/* The flags first and bare, unless the number behind them would be taken to mean one more. */
static void put_flags(struct output *output, const struct description *description)
{
	__u32 flags = description->field[FIELD_TCP_FLAGS];
	char text[VALUE_MAX];

	if (!field_applies(description, FIELD_TCP_FLAGS))
		return;
	field_print(text, sizeof(text), description, FIELD_TCP_FLAGS);
	if (!flags || (description->field[FIELD_ACKNOWLEDGMENT] && !(flags & TCP_FLAG_ACK)))
		put(output, " flags");
	put(output, " %s", text);
}

static void put_fragment(struct output *output, const struct description *description)
{
	__u32 flags = description->field[FIELD_FRAGMENT], offset = description->field[FIELD_OFFSET];

	if (flags & FRAGMENT_RESERVED)
		put(output, " rf");
	if (flags & FRAGMENT_DONT)
		put(output, " df");
	if (offset || flags & FRAGMENT_MORE)
		put(output, " frag %u%s", offset, flags & FRAGMENT_MORE ? "+" : "");
}

static void put_field(struct output *output, const struct description *description, enum description_field field)
{
	char text[VALUE_MAX];

	if (field == FIELD_TCP_FLAGS || field == FIELD_OFFSET || !field_applies(description, field))
		return;
	if (field == FIELD_FRAGMENT) {
		put_fragment(output, description);
	} else if (field == FIELD_ICMP_TYPE || description->field[field] != field_initial(description, field)) {
		field_print(text, sizeof(text), description, field);
		put(output, " %s %s", field_rows[field].word, text);
	}
}

void description_print(char *text, const struct description *description, bool link)
{
	struct output output = {.text = text};
	char from[VALUE_MAX], to[VALUE_MAX];

	*text = '\0';
	if (description->family || description->ether_type)
		put_head(&output, description);
	else
		put(&output, "no packet");
	if (!description->problem)
		put_flags(&output, description);
	for (int field = 0; field < DESCRIPTION_FIELDS && !description->problem; field++)
		put_field(&output, description, field);
	for (unsigned int i = 0; i < description->vlans; i++)
		put(&output, " vlan %u", description->vlan[i]);
	if (link && description->link) {
		print_mac(from, description->source_mac);
		print_mac(to, description->destination_mac);
		put(&output, " mac %s > %s", from, to);
	}
	if (description->problem)
		put(&output, " (%s)", description->problem);
}

struct comparison {
	const struct description *before, *after;
	description_difference tell;
	void *argument;
	unsigned int count;
};

static void differ(struct comparison *comparison, const char *name, const char *before, const char *after)
{
	if (!strcmp(before, after))
		return;
	comparison->count++;
	comparison->tell(comparison->argument, name, before, after);
}

static void compare_numbers(struct comparison *comparison, const char *name, unsigned int before, unsigned int after)
{
	char old[VALUE_MAX], new[VALUE_MAX];

	snprintf(old, sizeof(old), "%u", before);
	snprintf(new, sizeof(new), "%u", after);
	differ(comparison, name, old, new);
}

static void compare_macs(struct comparison *comparison, const char *name, const __u8 *before, const __u8 *after)
{
	char old[VALUE_MAX], new[VALUE_MAX];

	print_mac(old, before);
	print_mac(new, after);
	differ(comparison, name, old, new);
}

static void compare_addresses(struct comparison *comparison, const char *name, const __u32 *before, const __u32 *after)
{
	char old[VALUE_MAX], new[VALUE_MAX];

	print_address(old, comparison->before->family, before);
	print_address(new, comparison->after->family, after);
	differ(comparison, name, old, new);
}

static void compare_ends(struct comparison *comparison)
{
	const struct description *before = comparison->before, *after = comparison->after;
	char old[VALUE_MAX], new[VALUE_MAX];

	print_protocol(old, before);
	print_protocol(new, after);
	differ(comparison, "protocol", old, new);
	compare_addresses(comparison, "source", before->source, after->source);
	compare_addresses(comparison, "destination", before->destination, after->destination);
	compare_numbers(comparison, "source port", before->source_port, after->source_port);
	compare_numbers(comparison, "destination port", before->destination_port, after->destination_port);
}

static void compare_field(struct comparison *comparison, enum description_field field)
{
	char old[VALUE_MAX] = "-", new[VALUE_MAX] = "-";

	if (field_applies(comparison->before, field))
		field_print(old, sizeof(old), comparison->before, field);
	if (field_applies(comparison->after, field))
		field_print(new, sizeof(new), comparison->after, field);
	differ(comparison, field_rows[field].word, old, new);
}

unsigned int description_compare(const struct description *before, const struct description *after,
				 description_difference tell, void *argument)
{
	struct comparison comparison = {before, after, tell, argument, 0};

	if (before->family || after->family)
		compare_ends(&comparison);
	for (int field = 0; field < DESCRIPTION_FIELDS; field++)
		compare_field(&comparison, field);
	for (int i = 0; i < DESCRIPTION_VLANS_MAX; i++)
		compare_numbers(&comparison, "vlan", before->vlan[i], after->vlan[i]);
	compare_macs(&comparison, "mac source", before->source_mac, after->source_mac);
	compare_macs(&comparison, "mac destination", before->destination_mac, after->destination_mac);
	return comparison.count;
}
