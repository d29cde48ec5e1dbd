/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/log_json.h"

#include <net/ethernet.h>

#include "ipfw-compat/json.h"
#include "ipfw-compat/log_text.h"

static void print_address(struct json *json, const char *name, const struct packet *packet, const __u32 address[4])
{
	char text[LOG_ADDRESS_MAX];

	log_address_text(text, packet, address);
	json_string(json, name, text);
}

/* What the transport header says; later fragments have none. */
static void print_transport(struct json *json, const struct packet *packet)
{
	if (packet->flags & PACKET_PORTS) {
		json_number(json, "source_port", packet->source_port);
		json_number(json, "destination_port", packet->destination_port);
	}
	if (packet->flags & PACKET_TCP)
		json_number(json, "tcp_flags", packet->tcp_flags);
	if (packet->flags & (PACKET_ICMP | PACKET_ICMP6)) {
		json_number(json, "icmp_type", packet->icmp_type);
		json_number(json, "icmp_code", packet->icmp_code);
	}
}

static void print_fragment(struct json *json, const struct log_record *record)
{
	struct log_fragment fragment;

	if (!log_fragment(record, &fragment))
		return;
	json_open(json, "fragment", '{');
	json_number(json, "id", fragment.id);
	json_number(json, "offset", fragment.offset);
	json_print(json, "length", "%d", fragment.length);
	json_boolean(json, "more", fragment.more);
	json_close(json, '}');
}

static void print_mac(struct json *json, const char *name, const __u8 *mac)
{
	json_print(json, name, "\"%02x:%02x:%02x:%02x:%02x:%02x\"", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* The frame, of which the record's bytes are the beginning if the rule saw it at layer 2. */
static void print_link(struct json *json, const struct log_record *record)
{
	const struct ether_header *link = (const struct ether_header *)record->bytes;

	if (!record->packet.layer2 || record->captured < sizeof(*link))
		return;
	print_mac(json, "source_mac", link->ether_shost);
	print_mac(json, "destination_mac", link->ether_dhost);
	json_number(json, "ether_type", (unsigned int)(record->bytes[12] << 8 | record->bytes[13]));
}

static void print_packet(struct json *json, const struct log_record *record)
{
	const struct packet *packet = &record->packet;

	json_number(json, "family", packet->family);
	json_number(json, "protocol", packet->protocol);
	json_number(json, "length", packet->bytes);
	print_address(json, "source", packet, packet->source);
	print_address(json, "destination", packet, packet->destination);
	print_transport(json, packet);
	print_fragment(json, record);
}

void log_print_json(FILE *out, const struct log_record *record, const struct timespec *time, const char *interface,
		    const char *line)
{
	struct json json = {.out = out};
	char action[LOG_TEXT_MAX];

	log_action_text(action, record->action, record->argument);
	json_open(&json, NULL, '{');
	json_print(&json, "time", "%lld.%06ld", (long long)time->tv_sec, time->tv_nsec / 1000);
	json_number(&json, "rule", record->rule);
	json_string(&json, "action", action);
	json_string(&json, "direction", record->packet.transmit_interface ? "out" : "in");
	json_string(&json, "interface", interface);
	print_link(&json, record);
	if (record->packet.family)
		print_packet(&json, record);
	if (record->packet.mark)
		json_number(&json, "mark", record->packet.mark);
	if (record->limit)
		json_number(&json, "limit_reached", record->limit);
	json_string(&json, "line", line);
	json_close(&json, '}');
	fputc('\n', out);
}
