/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftests/model/random_packets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static struct interface_address first_address = {.family = 4,
						 .prefix_length = 24,
						 .address = {__builtin_bswap32(0xc0000201)}},
				second_addresses[] = {
					{.family = 6, .prefix_length = 64, .address = {1}},
					{.family = 4, .prefix_length = 24, .address = {__builtin_bswap32(0xc0000202)}}};
static struct interface interfaces[] = {
	{.index = 1, .name = "lo"},
	{.index = 2, .name = "em0", .addresses = &first_address, .address_count = 1},
	{.index = 5, .name = "em1", .addresses = second_addresses, .address_count = 2},
	{.index = 6, .name = "tun0"},
};
const struct interface_list random_interfaces = {.interfaces = interfaces, .count = 4};

static void choose_address(struct choices *choices, unsigned int family, __u32 *address)
{
	if (family == 4) {
		address[0] = htonl(0x0a000000 | choose(choices, 2) << 8 | choose(choices, 6));
	} else {
		address[0] = htonl(0x20010db8);
		address[3] = htonl(choose(choices, 6));
	}
}

static void choose_tcp(struct choices *choices, struct packet *packet)
{
	static const __u32 sequences[] = {0, 1, 2, 0xffffffff};
	static const __u16 windows[] = {0, 1, 2, 3, 65535};

	packet->flags |= PACKET_TCP;
	packet->tcp_flags = (__u8)choose(choices, 64);
	packet->tcp_window = CHOOSE_FROM(choices, windows);
	packet->tcp_data_length = (__u16)choose(choices, 3);
	packet->tcp_sequence = CHOOSE_FROM(choices, sequences);
	packet->tcp_acknowledgment = CHOOSE_FROM(choices, sequences);
	packet->tcp_options = (__u8)choose(choices, 16);
	packet->tcp_mss = packet->tcp_options & TCP_OPTION_MSS ? (__u16)choose(choices, 5) : 0;
}

__u16 random_port(struct choices *choices)
{
	static const __u16 ports[] = {0, 1, 2, 53, 80, 80, 81, 100, 1000, 2000, 65535};

	return CHOOSE_FROM(choices, ports);
}

static void choose_transport(struct choices *choices, struct packet *packet)
{
	static const __u8 types[] = {0, 3, 5, 8, 31, 32, 40, 41, 127, 128, 129, 130, 201};

	if (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_SCTP) {
		packet->flags = PACKET_PORTS;
		packet->source_port = random_port(choices);
		packet->destination_port = random_port(choices);
	}
	if (packet->protocol == IPPROTO_TCP) {
		choose_tcp(choices, packet);
	} else if (packet->protocol == (packet->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
		packet->flags = packet->family == 4 ? PACKET_ICMP : PACKET_ICMP6;
		packet->icmp_type = CHOOSE_FROM(choices, types);
		packet->icmp_code = (__u8)choose(choices, 3);
	}
}

static void choose_interfaces(struct choices *choices, bool input, struct packet *packet)
{
	static const __u32 indexes[] = {1, 2, 2, 5, 5, 6};

	packet->receive_interface = input || choose(choices, 2) ? CHOOSE_FROM(choices, indexes) : 0;
	packet->transmit_interface = input ? 0 : CHOOSE_FROM(choices, indexes);
	packet->interface = input ? packet->receive_interface : packet->transmit_interface;
}

static void choose_ip(struct choices *choices, struct packet *packet)
{
	static const __u8 protocols[] = {IPPROTO_TCP,  IPPROTO_TCP,    IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP,
					 IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_GRE, IPPROTO_SCTP};
	static const __u8 classes[] = {0, 0x10, 0xb8, 0xb9, 0x28, 0xe0, 0x08};
	bool ip4 = packet->family == 4;

	packet->local = (__u8)(PACKET_LOCAL_KNOWN | choose(choices, 4) << 1);
	packet->protocol = CHOOSE_FROM(choices, protocols);
	choose_address(choices, packet->family, packet->source);
	choose_address(choices, packet->family, packet->destination);
	packet->ip_length = (__u16)(40 + choose(choices, 21));
	packet->traffic_class = CHOOSE_FROM(choices, classes);
	packet->fragment = (__u8)(choose_once_in(choices, 3) ? choose(choices, ip4 ? 16 : 8) : 0);
	packet->ip_id = (__u16)(ip4 ? choose(choices, 5) : 0);
	packet->ttl = (__u16)(ip4 ? choose(choices, 5) : 0);
	packet->ip_options = (__u8)(ip4 && choose_once_in(choices, 2) ? choose(choices, 16) : 0);
	packet->ip_options |= ip4 && choose_once_in(choices, 9) ? IP_OPTION_INVALID : 0;
	packet->extension_headers = (__u8)(!ip4 && choose_once_in(choices, 2) ? choose(choices, 256) : 0);
	packet->flow_label = ip4 ? 0 : choose(choices, 5);
	if (!(packet->fragment & FRAGMENT_OFFSET))
		choose_transport(choices, packet);
}

void random_mac(struct choices *choices, __u8 mac[6])
{
	mac[0] = 0x02;
	mac[4] = (__u8)choose_once_in(choices, 4);
	mac[5] = (__u8)choose(choices, 4);
}

/* The frame of the pass at layer 2. */
static void choose_link(struct choices *choices, struct packet *packet)
{
	packet->layer2 = 1;
	random_mac(choices, packet->destination_mac);
	random_mac(choices, packet->source_mac);
	packet->ether_type = packet->family == 4 ? 0x800 : packet->family == 6 ? 0x86dd : 0x806;
}

void random_packet(struct choices *choices, bool input, struct subject *subject)
{
	static const __u8 families[] = {4, 4, 4, 6, 6, 6, 0};
	struct packet *packet = &subject->packet;

	memset(subject, 0, sizeof(*subject));
	packet->family = CHOOSE_FROM(choices, families);
	packet->segments = 1 + choose(choices, 2);
	choose_interfaces(choices, input, packet);
	if (packet->family)
		choose_ip(choices, packet);
	if (choose_once_in(choices, 3))
		choose_link(choices, packet);
	packet->fib = choose(choices, 3);
	packet->mark = choose_once_in(choices, 4) ? 2 : 0;
	for (unsigned int left = choose(choices, 4); left; left--)
		tag_set_put(&subject->tags, 1 + choose(choices, 3), true);
}

static void spread_address(struct choices *choices, unsigned int family, __u32 *address)
{
	static const __u8 bytes[] = {0, 1, 127, 255};

	if (family == 4) {
		address[0] = htonl(10u << 24 | (__u32)CHOOSE_FROM(choices, bytes) << 16 |
				   (__u32)CHOOSE_FROM(choices, bytes) << 8 | CHOOSE_FROM(choices, bytes));
	} else {
		address[1] = htonl(choose(choices, 4) << 30);
		address[3] = htonl(choose(choices, 3));
	}
}

void random_address(struct choices *choices, unsigned int family, __u32 *address)
{
	choose_address(choices, family, address);
	if (choose_once_in(choices, 3))
		spread_address(choices, family, address);
}

void random_spread_packet(struct choices *choices, struct packet *packet)
{
	if (!packet->family)
		return;
	spread_address(choices, packet->family, packet->source);
	spread_address(choices, packet->family, packet->destination);
	if (packet->flags & PACKET_PORTS) {
		packet->source_port = (__u16)(choose(choices, 64) * 1021 + choose(choices, 3));
		packet->destination_port = (__u16)(choose(choices, 64) * 1021 + choose(choices, 3));
	}
}
