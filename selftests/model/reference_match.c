/* SPDX-License-Identifier: GPL-2.0-only */
/* What each option asks of a packet (ipfw(8), RULE OPTIONS). */
#include "selftests/model/reference.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

static bool in_ranges(const struct option *option, unsigned int value)
{
	for (int i = 0; i < option->count; i++)
		if (value >= option->u.range[i].low && value <= option->u.range[i].high)
			return true;
	return false;
}

static bool flags_hold(const struct option *option, unsigned int bits)
{
	return (option->u.flags_test.set & bits) == option->u.flags_test.set && !(option->u.flags_test.clear & bits);
}

static bool bit_is_set(const struct option *option, unsigned int bit)
{
	return option->u.bitmap[bit / 32] >> bit % 32 & 1;
}

static bool address4(const struct option *option, const struct packet *packet, const __u32 *address)
{
	if (packet->family != 4)
		return false;
	for (int i = 0; i < option->count; i++)
		if ((address[0] & option->u.address4[i].mask) == option->u.address4[i].address)
			return true;
	return false;
}

/* Whether all bits of `mask` are in `bytes` as in `wanted`. */
static bool masked_equal(const __u8 *bytes, const __u8 *wanted, const __u8 *mask, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((bytes[i] & mask[i]) != wanted[i])
			return false;
	return true;
}

static bool address6(const struct option *option, const struct packet *packet, const __u32 *address)
{
	for (int i = 0; packet->family == 6 && i < option->count; i++)
		if (masked_equal((const __u8 *)address, option->u.address6[i].address, option->u.address6[i].mask, 16))
			return true;
	return false;
}

static bool address_set(const struct option *option, const struct packet *packet, const __u32 *address)
{
	__u32 bit = ntohl(address[0]) - option->u.address_set.base;

	return packet->family == 4 && bit < 256 && option->u.address_set.member[bit / 32] >> bit % 32 & 1;
}

static bool interface_is(const struct interface *interface, const struct interface_match *wanted)
{
	if (wanted->kind == INTERFACE_NAME)
		return !strcmp(interface->name, wanted->name);
	if (wanted->kind == INTERFACE_PATTERN)
		return !fnmatch(wanted->name, interface->name, 0);
	for (size_t i = 0; i < interface->address_count; i++)
		if (interface->addresses[i].family == 4 && interface->addresses[i].address[0] == wanted->address)
			return true;
	return false;
}

/* `index` 0: the packet has no such interface. */
static bool by_interface(const struct reference *reference, const struct option *option, __u32 index)
{
	for (size_t i = 0; i < reference->interfaces->count; i++)
		if ((__u32)reference->interfaces->interfaces[i].index == index)
			return interface_is(reference->interfaces->interfaces + i, &option->u.interface);
	return false;
}

static bool numbers(const struct option *option, __u32 value)
{
	for (int i = 0; i < option->count; i++)
		if (option->u.number32[i] == value)
			return true;
	return false;
}

/* Types up to 40 are looked up in a map of 32 bits, where 32 stands for 0 and so on. */
static bool icmp_type(const struct option *option, const struct packet *packet)
{
	return packet->flags & PACKET_ICMP && packet->icmp_type <= 40 && bit_is_set(option, packet->icmp_type % 32);
}

/* Specifications are for IPv4; "not the first fragment" holds for both families. */
static bool fragment(const struct option *option, const struct packet *packet)
{
	bool bare = option->u.flags_test.set == FRAGMENT_OFFSET && !option->u.flags_test.clear;

	return (bare || packet->family == 4) && flags_hold(option, packet->fragment);
}

/* Above 31 random bits lie as many probabilities; those in between cannot be told beforehand. */
static bool probability(const struct option *option)
{
	if (option->u.number && option->u.number < 0x7ffffffe)
		abort();
	return option->u.number;
}

/* Whether a tag from `low' to `high' is in the set. */
static bool has_tag(const struct tag_set *tags, unsigned int low, unsigned int high)
{
	for (unsigned int tag = low; tag <= high; tag++) {
		if (tag_set_has(tags, tag))
			return true;
		if (!tags->bits[tag / 64])
			tag |= 63; /* nor are the others that share its word */
	}
	return false;
}

static bool tagged(const struct option *option, const struct subject *subject)
{
	for (int i = 0; i < option->count; i++)
		if (has_tag(&subject->tags, option->u.range[i].low, option->u.range[i].high))
			return true;
	return false;
}

static bool mac(const struct option *option, const struct packet *packet)
{
	const struct mac_match *wanted = &option->u.mac;

	return packet->layer2 &&
	       masked_equal(packet->destination_mac, wanted->destination, wanted->destination_mask, 6) &&
	       masked_equal(packet->source_mac, wanted->source, wanted->source_mask, 6);
}

/* Options that the kernel answers: routes for what comes in, sockets where there are ports. */
static bool of_kernel(const struct reference *reference, const struct option *option, const struct packet *packet)
{
	switch (option->code) {
	case OPTION_VERREVPATH:
	case OPTION_VERSRCREACH:
		return reference->input ? reference->kernel(option, packet) : packet->family != 0;
	case OPTION_ANTISPOOF:
		return !reference->input || reference->kernel(option, packet);
	case OPTION_IPSEC:
		return reference->kernel(option, packet);
	default:
		return packet->flags & PACKET_PORTS && reference->kernel(option, packet);
	}
}

/* Options of the TCP header, which the packet has. */
static bool of_tcp(const struct option *option, const struct packet *packet)
{
	switch (option->code) {
	case OPTION_ESTABLISHED: /* anything but a bare SYN: also a FIN alone */
		return (packet->tcp_flags & (TH_SYN | TH_ACK | TH_RST)) != TH_SYN;
	case OPTION_TCP_FLAGS:
		return flags_hold(option, packet->tcp_flags);
	case OPTION_TCP_SEQUENCE:
		return packet->tcp_sequence == option->u.number;
	case OPTION_TCP_ACKNOWLEDGMENT:
		return packet->tcp_acknowledgment == option->u.number;
	case OPTION_TCP_WINDOW:
		return in_ranges(option, packet->tcp_window);
	case OPTION_TCP_DATA_LENGTH: /* not known where IPv6 says that there is no payload */
		return !(packet->family == 6 && packet->ip_length == 40) && in_ranges(option, packet->tcp_data_length);
	case OPTION_TCP_OPTIONS:
		return flags_hold(option, packet->tcp_options);
	case OPTION_TCP_MSS: /* only a SYN announces one */
		return packet->tcp_flags & TH_SYN && packet->tcp_options & TCP_OPTION_MSS &&
		       in_ranges(option, packet->tcp_mss);
	default:
		abort(); /* a row of options.def that nobody explained here */
	}
}

/* Options of the IPv4 header, which the packet has. */
static bool of_ip4(const struct option *option, const struct packet *packet)
{
	switch (option->code) {
	case OPTION_IP_ID:
		return in_ranges(option, packet->ip_id);
	case OPTION_IP_TTL:
		return in_ranges(option, packet->ttl);
	case OPTION_IP_PRECEDENCE:
		return packet->traffic_class >> 5 == option->u.number;
	case OPTION_IP_TOS:
		return flags_hold(option, packet->traffic_class);
	default: /* OPTION_IP_OPTIONS: whose lengths lie matches nothing, not even the absence of an option */
		return !(packet->ip_options & IP_OPTION_INVALID) && flags_hold(option, packet->ip_options);
	}
}

static bool of_header(const struct option *option, const struct packet *packet)
{
	bool ip4 = packet->family == 4, ip6 = packet->family == 6;

	switch (option->code) {
	case OPTION_FRAGMENT:
		return fragment(option, packet);
	case OPTION_IP_LENGTH: /* 0 if it is none */
		return in_ranges(option, packet->ip_length);
	case OPTION_IP_VERSION:
		return (ip4 || ip6) && packet->family == option->u.number;
	case OPTION_DSCP:
		return (ip4 || ip6) && bit_is_set(option, packet->traffic_class >> 2);
	case OPTION_EXTENSION_HEADER:
		return ip6 && packet->extension_headers & option->u.flags_test.set;
	case OPTION_FLOW_LABEL:
		return ip6 && numbers(option, packet->flow_label);
	case OPTION_SOURCE_PORT:
		return packet->flags & PACKET_PORTS && in_ranges(option, packet->source_port);
	case OPTION_DESTINATION_PORT:
		return packet->flags & PACKET_PORTS && in_ranges(option, packet->destination_port);
	case OPTION_ICMP_TYPES:
		return icmp_type(option, packet);
	case OPTION_ICMP6_TYPES:
		return packet->flags & PACKET_ICMP6 && bit_is_set(option, packet->icmp_type);
	case OPTION_IP_ID:
	case OPTION_IP_TTL:
	case OPTION_IP_PRECEDENCE:
	case OPTION_IP_TOS:
	case OPTION_IP_OPTIONS:
		return ip4 && of_ip4(option, packet);
	default:
		return packet->flags & PACKET_TCP && of_tcp(option, packet);
	}
}

static bool of_address(const struct option *option, const struct packet *packet)
{
	switch (option->code) {
	case OPTION_SOURCE_IP4:
		return address4(option, packet, packet->source);
	case OPTION_DESTINATION_IP4:
		return address4(option, packet, packet->destination);
	case OPTION_SOURCE_IP6:
		return address6(option, packet, packet->source);
	case OPTION_DESTINATION_IP6:
		return address6(option, packet, packet->destination);
	case OPTION_SOURCE_SET:
		return address_set(option, packet, packet->source);
	case OPTION_DESTINATION_SET:
		return address_set(option, packet, packet->destination);
	case OPTION_SOURCE_ME:
		return packet->local & PACKET_LOCAL_SOURCE;
	case OPTION_DESTINATION_ME:
		return packet->local & PACKET_LOCAL_DESTINATION;
	case OPTION_SOURCE_ME6:
		return packet->family == 6 && packet->local & PACKET_LOCAL_SOURCE;
	case OPTION_DESTINATION_ME6:
		return packet->family == 6 && packet->local & PACKET_LOCAL_DESTINATION;
	default:
		return of_header(option, packet);
	}
}

/* Whether the table has an entry for the packet, with the value that is asked for. */
static bool in_table(const struct reference *reference, const struct rule *rule, const struct option *option,
		     const struct packet *packet)
{
	const struct table_record *record = reference_table(reference, rule, option, packet);
	const struct table_match *wanted = &option->u.table;

	if (option->code == OPTION_LOOKUP || !record || wanted->value_type == TABLE_VALUE_ANY)
		return record;
	return record->number[wanted->value_type] == wanted->value;
}

static bool holds(const struct reference *reference, const struct rule *rule, const struct option *option,
		  const struct subject *subject)
{
	const struct packet *packet = &subject->packet;

	switch (option->code) {
	case OPTION_PROTOCOL:
		return packet->protocol == option->u.number;
	case OPTION_IP4:
		return packet->family == 4;
	case OPTION_IP6:
		return packet->family == 6;
	case OPTION_IN:
		return reference->input;
	case OPTION_RECV:
		return by_interface(reference, option, packet->receive_interface);
	case OPTION_XMIT:
		return !reference->input && by_interface(reference, option, packet->transmit_interface);
	case OPTION_VIA:
		return by_interface(reference, option, packet->interface);
	case OPTION_PROBABILITY:
		return probability(option);
	case OPTION_LAYER2:
		return packet->layer2;
	case OPTION_MAC:
		return mac(option, packet);
	case OPTION_MAC_TYPE:
		return packet->layer2 && in_ranges(option, packet->ether_type);
	case OPTION_FIB:
		return packet->fib == option->u.number;
	case OPTION_MARK:
		return (packet->mark & option->u.masked.mask) == option->u.masked.value;
	case OPTION_TAGGED:
		return tagged(option, subject);
	case OPTION_VERREVPATH:
	case OPTION_VERSRCREACH:
	case OPTION_ANTISPOOF:
	case OPTION_IPSEC:
	case OPTION_UID:
	case OPTION_GID:
	case OPTION_JAIL:
	case OPTION_SOCKARG:
		return of_kernel(reference, option, packet);
	case OPTION_COMMENT: /* no tests at all */
	case OPTION_LOG:
	case OPTION_TAG:
	case OPTION_UNTAG:
		return true;
	case OPTION_SOURCE_TABLE:
	case OPTION_DESTINATION_TABLE:
	case OPTION_RECV_TABLE:
	case OPTION_XMIT_TABLE:
	case OPTION_VIA_TABLE:
	case OPTION_FLOW:
	case OPTION_LOOKUP:
	case OPTION_SOURCE_MAC:
	case OPTION_DESTINATION_MAC:
		return in_table(reference, rule, option, packet);
	case OPTION_DIVERTED: /* there is no divert */
	case OPTION_DIVERTED_LOOPBACK:
	case OPTION_DIVERTED_OUTPUT:
		return false;
	default:
		return of_address(option, packet);
	}
}

bool reference_option(const struct reference *reference, const struct rule *rule, const struct option *option,
		      const struct subject *subject)
{
	bool held = holds(reference, rule, option, subject);
	struct reference_tally *tally = reference->tally;

	if (tally)
		(held ? tally->hits : tally->misses)[option->code]++;
	if (tally && option->code == OPTION_LOOKUP)
		(held ? tally->lookup_hits : tally->lookup_misses)[option->u.lookup.key]++;
	return held;
}
