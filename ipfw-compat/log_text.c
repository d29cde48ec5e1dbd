/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/log_text.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdio.h>
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw/rule.h"

enum argument_style { STYLE_NONE, STYLE_NUMBER, STYLE_HEXADECIMAL };

static const struct {
	const char *word;
	enum argument_style style;
} actions[ACTION_CODES] = {
	[ACTION_ALLOW] = {"Accept", STYLE_NONE},
	[ACTION_DENY] = {"Deny", STYLE_NONE},
	[ACTION_COUNT] = {"Count", STYLE_NONE},
	[ACTION_SKIPTO] = {"SkipTo", STYLE_NUMBER},
	[ACTION_UNREACH] = {"Unreach", STYLE_NUMBER},
	[ACTION_UNREACH6] = {"Unreach", STYLE_NUMBER},
	[ACTION_RESET] = {"Reset", STYLE_NONE},
	[ACTION_RESET6] = {"Reset", STYLE_NONE},
	[ACTION_ABORT] = {"Abort", STYLE_NONE},
	[ACTION_ABORT6] = {"Abort", STYLE_NONE},
	[ACTION_CALL] = {"Call", STYLE_NUMBER},
	[ACTION_RETURN] = {"Return", STYLE_NONE},
	[ACTION_SETDSCP] = {"SetDscp", STYLE_NUMBER},
	[ACTION_SETFIB] = {"SetFib", STYLE_NUMBER},
	[ACTION_TCP_SETMSS] = {"Eaction tcp-setmss", STYLE_NONE},
	[ACTION_SETMARK] = {"SetMark", STYLE_HEXADECIMAL},
};

void log_action_text(char text[LOG_TEXT_MAX], unsigned int code, __u32 argument)
{
	const char *word = code < ACTION_CODES ? actions[code].word : NULL;

	if (code >= LOG_REFUSED_LIMIT && code <= LOG_REFUSED_PARENTS)
		snprintf(text, LOG_TEXT_MAX, "Drop session");
	else if (!word)
		snprintf(text, LOG_TEXT_MAX, "UNKNOWN");
	else if (code == ACTION_UNREACH && argument == UNREACHABLE_HOST)
		snprintf(text, LOG_TEXT_MAX, "Reject");
	else if (actions[code].style == STYLE_NUMBER)
		snprintf(text, LOG_TEXT_MAX, "%s %u", word, argument);
	else if (actions[code].style == STYLE_HEXADECIMAL)
		snprintf(text, LOG_TEXT_MAX, "%s 0x%x", word, argument);
	else
		snprintf(text, LOG_TEXT_MAX, "%s", word);
}

/* The byte of the packet at `offset` from its IP header, 0 if the record does not reach that far. */
static __u8 byte_at(const struct log_record *record, size_t offset)
{
	if (record->packet.layer2)
		offset += record->packet.network_offset;
	return offset < record->captured ? record->bytes[offset] : 0;
}

static __u16 word_at(const struct log_record *record, size_t offset)
{
	return (__u16)(byte_at(record, offset) << 8 | byte_at(record, offset + 1));
}

#define FIXED_HEADER6 sizeof(struct ip6_hdr)

/* Where the fragment header of an IPv6 packet lies, counted from the IP header; 0: beyond the record. */
static size_t fragment_header6(const struct log_record *record)
{
	__u8 type = byte_at(record, offsetof(struct ip6_hdr, ip6_nxt));
	size_t offset = FIXED_HEADER6;

	while (type != IPPROTO_FRAGMENT && offset < record->captured) {
		size_t units = byte_at(record, offset + 1), size = (units + 1) * 8;

		if (type == IPPROTO_AH)
			size = (units + 2) * 4;
		type = byte_at(record, offset);
		offset += size;
	}
	return offset < record->captured ? offset : 0;
}

static void fragment4(const struct log_record *record, struct log_fragment *fragment)
{
	fragment->id = word_at(record, offsetof(struct ip, ip_id));
	fragment->offset = (word_at(record, offsetof(struct ip, ip_off)) & IP_OFFMASK) * 8u;
	fragment->length = word_at(record, offsetof(struct ip, ip_len)) - record->packet.network_length;
}

static bool fragment6(const struct log_record *record, struct log_fragment *fragment)
{
	size_t header = fragment_header6(record), id = header + offsetof(struct ip6_frag, ip6f_ident);

	if (!header)
		return false;
	fragment->id = (__u32)word_at(record, id) << 16 | word_at(record, id + 2);
	fragment->offset = word_at(record, header + offsetof(struct ip6_frag, ip6f_offlg)) & 0xfff8u;
	fragment->length = word_at(record, offsetof(struct ip6_hdr, ip6_plen)) + (int)FIXED_HEADER6 -
			   record->packet.network_length;
	return true;
}

bool log_fragment(const struct log_record *record, struct log_fragment *fragment)
{
	const struct packet *packet = &record->packet;

	if (!(packet->fragment & (FRAGMENT_MORE | FRAGMENT_OFFSET)))
		return false;
	fragment->more = packet->fragment & FRAGMENT_MORE;
	if (packet->family == 6)
		return fragment6(record, fragment);
	fragment4(record, fragment);
	return true;
}

/* " (frag 77:24@16+)" or nothing. Of IPv6, ipfw shows eight times the offset, and a length short of the fixed header.
 */
static void fragment_text(char text[LOG_TEXT_MAX], const struct log_record *record)
{
	struct log_fragment fragment;

	*text = '\0';
	if (!log_fragment(record, &fragment))
		return;
	if (record->packet.family == 4)
		snprintf(text, LOG_TEXT_MAX, " (frag %u:%d@%u%s)", fragment.id, fragment.length, fragment.offset,
			 fragment.more ? "+" : "");
	else
		snprintf(text, LOG_TEXT_MAX, " (frag %08x:%d@%u%s)", fragment.id, fragment.length - (int)FIXED_HEADER6,
			 fragment.offset * 8, fragment.more ? "+" : "");
}

void log_address_text(char text[LOG_ADDRESS_MAX], const struct packet *packet, const __u32 address[4])
{
	inet_ntop(packet->family == 6 ? AF_INET6 : AF_INET, address, text, LOG_ADDRESS_MAX);
}

static void protocol_text(char text[LOG_TEXT_MAX], const struct log_record *record)
{
	const struct packet *packet = &record->packet;
	const char *name = packet->protocol == IPPROTO_ICMP ? "ICMP" : "ICMPv6";

	switch (packet->protocol) {
	case IPPROTO_TCP:
		snprintf(text, LOG_TEXT_MAX, "TCP");
		break;
	case IPPROTO_UDP:
		snprintf(text, LOG_TEXT_MAX, "UDP");
		break;
	case IPPROTO_UDPLITE:
		snprintf(text, LOG_TEXT_MAX, "UDPLite");
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (packet->fragment & FRAGMENT_OFFSET)
			snprintf(text, LOG_TEXT_MAX, "%s", name);
		else
			snprintf(text, LOG_TEXT_MAX, "%s:%u.%u", name, byte_at(record, packet->network_length),
				 byte_at(record, packet->network_length + 1u));
		break;
	default:
		snprintf(text, LOG_TEXT_MAX, "P:%u", packet->protocol);
	}
}

/* One end of the packet, with its port if `port` is not negative. */
static void end_text(char text[LOG_TEXT_MAX], const struct packet *packet, const __u32 address[4], int port)
{
	char name[LOG_ADDRESS_MAX];
	int length;

	log_address_text(name, packet, address);
	length = snprintf(text, LOG_TEXT_MAX, packet->family == 6 ? "[%s]" : "%s", name);
	if (port >= 0)
		snprintf(text + length, LOG_TEXT_MAX - (size_t)length, ":%d", port);
}

/* "TCP 192.0.2.1:80 192.0.2.9:1025", or "MAC" for what is not IP. */
static void packet_text(char text[LOG_TEXT_MAX], const struct log_record *record)
{
	const struct packet *packet = &record->packet;
	bool ports = packet->flags & PACKET_PORTS && packet->protocol != IPPROTO_SCTP;
	char protocol[LOG_TEXT_MAX], source[LOG_TEXT_MAX], destination[LOG_TEXT_MAX];

	if (!packet->family) {
		snprintf(text, LOG_TEXT_MAX, "MAC");
		return;
	}
	protocol_text(protocol, record);
	end_text(source, packet, packet->source, ports ? packet->source_port : -1);
	end_text(destination, packet, packet->destination, ports ? packet->destination_port : -1);
	snprintf(text, LOG_TEXT_MAX, "%.16s %.64s %.64s", protocol, source, destination);
}

/* Where a limit counts by other fields, ipfw writes zeros. */
static void limit_text(char text[LOG_TEXT_MAX], const struct log_record *record)
{
	static const __u32 none[4];
	const struct packet *packet = &record->packet;
	char source[LOG_ADDRESS_MAX], destination[LOG_ADDRESS_MAX];

	log_address_text(source, packet, record->extra & LIMIT_SOURCE_ADDRESS ? packet->source : none);
	log_address_text(destination, packet, record->extra & LIMIT_DESTINATION_ADDRESS ? packet->destination : none);
	snprintf(text, LOG_TEXT_MAX, "ipfw: %u drop session type 40 %s %u -> %s %u, %u too many entries", record->rule,
		 source, record->extra & LIMIT_SOURCE_PORT ? packet->source_port : 0, destination,
		 record->extra & LIMIT_DESTINATION_PORT ? packet->destination_port : 0, record->argument);
}

/* Writes the line of a record that no action has made. Returns whether it is one. */
static bool refusal_text(char text[LOG_TEXT_MAX], const struct log_record *record)
{
	switch (record->action) {
	case LOG_REFUSED_LIMIT:
		limit_text(text, record);
		return true;
	case LOG_REFUSED_STATES:
		snprintf(text, LOG_TEXT_MAX,
			 "ipfw: Cannot allocate dynamic state, consider increasing net.inet.ip.fw.dyn_max");
		return true;
	case LOG_REFUSED_PARENTS:
		snprintf(text, LOG_TEXT_MAX,
			 "ipfw: Cannot allocate parent dynamic state, consider increasing "
			 "net.inet.ip.fw.dyn_parent_max");
		return true;
	default:
		return false;
	}
}

void log_text(char text[LOG_TEXT_MAX], const struct log_record *record, const char *interface)
{
	char action[LOG_TEXT_MAX], packet[LOG_TEXT_MAX], fragment[LOG_TEXT_MAX], mark[24] = "";

	if (refusal_text(text, record))
		return;
	log_action_text(action, record->action, record->argument);
	packet_text(packet, record);
	fragment_text(fragment, record);
	if (record->packet.mark)
		snprintf(mark, sizeof(mark), " mark:0x%x", record->packet.mark);
	snprintf(text, LOG_TEXT_MAX, "ipfw: %u %.32s %.140s%.20s %s via %.16s%.36s", record->rule, action, packet, mark,
		 record->packet.transmit_interface ? "out" : "in", interface, fragment);
}

void log_limit_text(char text[LOG_TEXT_MAX], const struct log_record *record)
{
	snprintf(text, LOG_TEXT_MAX, "ipfw: limit %u reached on entry %u", record->limit, record->rule);
}
