/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/packet_fields.h"

#include <netinet/in.h>
#include <stdio.h>

#include "ipfw/packet.h"

const struct field_row field_rows[DESCRIPTION_FIELDS] = {
	[FIELD_TCP_FLAGS] = {"flags", WHERE_TCP, FIELD_LIST, 0xff},
	[FIELD_SEQUENCE] = {"seq", WHERE_TCP, FIELD_DECIMAL, 0xffffffff},
	[FIELD_ACKNOWLEDGMENT] = {"ack", WHERE_TCP, FIELD_DECIMAL, 0xffffffff},
	[FIELD_WINDOW] = {"win", WHERE_TCP, FIELD_DECIMAL, 0xffff},
	[FIELD_MSS] = {"mss", WHERE_TCP, FIELD_DECIMAL, 0xffff},
	[FIELD_TCP_OPTIONS] = {"tcpoptions", WHERE_TCP, FIELD_LIST, 0xff},
	[FIELD_ICMP_TYPE] = {"type", WHERE_ICMP | WHERE_ICMP6, FIELD_NAMED, 0xff},
	[FIELD_ICMP_CODE] = {"code", WHERE_ICMP | WHERE_ICMP6, FIELD_NAMED, 0xff},
	[FIELD_ICMP_MTU] = {"mtu", WHERE_ICMP | WHERE_ICMP6, FIELD_DECIMAL, 0xffffffff},
	[FIELD_CHUNK] = {"chunk", WHERE_SCTP, FIELD_NAMED, 0xff},
	[FIELD_CHUNK_TAG] = {"vtag", WHERE_SCTP, FIELD_DECIMAL, 0xffffffff},
	[FIELD_DSCP] = {"dscp", WHERE_IP4 | WHERE_IP6, FIELD_NAMED, 63},
	[FIELD_ECN] = {"ecn", WHERE_IP4 | WHERE_IP6, FIELD_DECIMAL, 3},
	[FIELD_TTL] = {"ttl", WHERE_IP4 | WHERE_IP6, FIELD_DECIMAL, 0xff},
	[FIELD_ID] = {"id", WHERE_IP4, FIELD_DECIMAL, 0xffff},
	[FIELD_FLOW] = {"flow-id", WHERE_IP6, FIELD_DECIMAL, 0xfffff},
	[FIELD_FRAGMENT] = {"ipflags", WHERE_IP4 | WHERE_IP6, FIELD_LIST, 0xff},
	[FIELD_OFFSET] = {"frag", WHERE_IP4 | WHERE_IP6, FIELD_DECIMAL, 8 * IP4_OFFSET_MASK},
	[FIELD_IP_OPTIONS] = {"ipoptions", WHERE_IP4, FIELD_LIST, 0xff},
	[FIELD_EXTENSIONS] = {"ext6hdr", WHERE_IP6, FIELD_LIST, 0xff},
	[FIELD_LENGTH] = {"len", WHERE_IP4 | WHERE_IP6 | WHERE_OTHER, FIELD_DECIMAL, 0xffff},
};

/* In the order in which people write them. */
const struct name_value names_segment_flags[] = {
	{"syn", TCP_FLAG_SYN}, {"fin", TCP_FLAG_FIN}, {"rst", TCP_FLAG_RST},
	{"psh", TCP_FLAG_PSH}, {"ack", TCP_FLAG_ACK}, {"urg", TCP_FLAG_URG},
	{"ece", 0x40},	       {"cwr", 0x80},	      {NULL, 0},
};

/* RFC 792, RFC 950, RFC 1256 */
static const struct name_value names_icmp_types[] = {
	{"echo-reply", 0},
	{"unreachable", 3},
	{"quench", 4},
	{"redirect", 5},
	{"echo", 8},
	{"router-advertisement", 9},
	{"router-solicitation", 10},
	{"time-exceeded", 11},
	{"parameter-problem", 12},
	{"timestamp", 13},
	{"timestamp-reply", 14},
	{"information", 15},
	{"information-reply", 16},
	{"mask", 17},
	{"mask-reply", 18},
	{NULL, 0},
};

/* RFC 4443, RFC 2710, RFC 4861, RFC 3810 */
static const struct name_value names_icmp6_types[] = {
	{"unreachable", 1},
	{"too-big", 2},
	{"time-exceeded", 3},
	{"parameter-problem", 4},
	{"echo", 128},
	{"echo-reply", 129},
	{"listener-query", 130},
	{"listener-report", 131},
	{"listener-done", 132},
	{"router-solicitation", 133},
	{"router-advertisement", 134},
	{"neighbor-solicitation", 135},
	{"neighbor-advertisement", 136},
	{"redirect", 137},
	{"listener-report2", 143},
	{NULL, 0},
};

/* RFC 9260 */
static const struct name_value names_chunks[] = {
	{"data", 0},
	{"init", SCTP_CHUNK_INIT},
	{"init-ack", 2},
	{"sack", 3},
	{"heartbeat", 4},
	{"heartbeat-ack", 5},
	{"abort", 6},
	{"shutdown", 7},
	{"shutdown-ack", 8},
	{"error", 9},
	{"cookie-echo", 10},
	{"cookie-ack", 11},
	{"shutdown-complete", 14},
	{NULL, 0},
};

#define ICMP_UNREACHABLE 3
#define ICMP6_UNREACHABLE 1
#define ICMP6_TOO_BIG 2
#define ICMP_ECHO_REQUEST 8
#define ICMP6_ECHO_REQUEST 128
#define USUAL_TTL 64
#define USUAL_WINDOW 65535

bool protocol_has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP;
}

unsigned int description_where(const struct description *description)
{
	unsigned int where = description->family == 4 ? WHERE_IP4 : WHERE_IP6;

	if (!description->family)
		return WHERE_OTHER;
	if (description->field[FIELD_OFFSET])
		return where;
	if (description->protocol == IPPROTO_TCP)
		where |= WHERE_TCP;
	if (description->protocol == IPPROTO_SCTP)
		where |= WHERE_SCTP;
	if (description->protocol == IPPROTO_ICMP && where & WHERE_IP4)
		where |= WHERE_ICMP;
	if (description->protocol == IPPROTO_ICMPV6 && where & WHERE_IP6)
		where |= WHERE_ICMP6;
	return where;
}

/* Other messages have something else in its place. */
static bool has_mtu(const struct description *description)
{
	const __u32 *field = description->field;

	if (description->family == 6)
		return field[FIELD_ICMP_TYPE] == ICMP6_TOO_BIG;
	return field[FIELD_ICMP_TYPE] == ICMP_UNREACHABLE && field[FIELD_ICMP_CODE] == UNREACHABLE_NEEDFRAG;
}

bool field_applies(const struct description *description, enum description_field field)
{
	if (!(field_rows[field].where & description_where(description)))
		return false;
	return field != FIELD_ICMP_MTU || has_mtu(description);
}

void description_normalise(struct description *description)
{
	if (description->field[FIELD_MSS])
		description->field[FIELD_TCP_OPTIONS] &= ~(__u32)TCP_OPTION_MSS;
}

bool description_has_ports(const struct description *description)
{
	return description->family && !description->field[FIELD_OFFSET] && protocol_has_ports(description->protocol);
}

const struct name_value *field_names(const struct description *description, enum description_field field)
{
	bool v4 = description->family == 4;
	__u32 type = description->field[FIELD_ICMP_TYPE];

	switch (field) {
	case FIELD_TCP_FLAGS:
		return names_segment_flags;
	case FIELD_TCP_OPTIONS:
		return names_tcp_options;
	case FIELD_ICMP_TYPE:
		return v4 ? names_icmp_types : names_icmp6_types;
	case FIELD_ICMP_CODE:
		if (type != (v4 ? ICMP_UNREACHABLE : ICMP6_UNREACHABLE))
			return NULL;
		return v4 ? names_unreachable_codes : names_unreachable6_codes;
	case FIELD_CHUNK:
		return names_chunks;
	case FIELD_DSCP:
		return names_dscp;
	case FIELD_FRAGMENT:
		return names_fragment_flags;
	case FIELD_IP_OPTIONS:
		return names_ip_options;
	case FIELD_EXTENSIONS:
		return names_extension_headers;
	default:
		return NULL;
	}
}

__u32 field_initial(const struct description *description, enum description_field field)
{
	switch (field) {
	case FIELD_TCP_FLAGS:
		return TCP_FLAG_SYN;
	case FIELD_WINDOW:
		return USUAL_WINDOW;
	case FIELD_ICMP_TYPE:
		return description->family == 4 ? ICMP_ECHO_REQUEST : ICMP6_ECHO_REQUEST;
	case FIELD_CHUNK:
		return SCTP_CHUNK_INIT;
	case FIELD_TTL:
		return USUAL_TTL;
	case FIELD_LENGTH:
		return (__u32)(network_bytes(description) + transport_bytes(description));
	default:
		return 0;
	}
}

static void print_list(char *text, size_t size, const struct name_value *names, __u32 value)
{
	size_t used = 0;

	for (__u32 rest = value; names->name && used < size; names++) {
		if (!(rest & names->value))
			continue;
		rest &= ~names->value;
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "," : "", names->name);
	}
	if (!used)
		snprintf(text, size, "none");
}

void field_print(char *text, size_t size, const struct description *description, enum description_field field)
{
	const struct name_value *names = field_names(description, field);
	__u32 value = description->field[field];
	const char *name = names ? names_name(names, value) : NULL;

	if (field_rows[field].kind == FIELD_LIST)
		print_list(text, size, names, value);
	else if (name)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "%u", value);
}
