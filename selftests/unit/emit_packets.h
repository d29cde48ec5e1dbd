/* SPDX-License-Identifier: GPL-2.0-only */
/* The interfaces and packets that tests of generated code share. */
#ifndef UNIT_EMIT_PACKETS_H
#define UNIT_EMIT_PACKETS_H

#include "selftests/unit/probe.h"

static struct interface interfaces[] = {
	{.index = 1, .name = "lo"}, {.index = 2, .name = "em0"}, {.index = 5, .name = "em1"}};
static const struct interface_list list = {.interfaces = interfaces, .count = 3};

#define IP4(a, b, c, d)                                                                                                \
	{                                                                                                              \
		__builtin_bswap32((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))                                       \
	}
#define IP6(last)                                                                                                      \
	{                                                                                                              \
		__builtin_bswap32(0x20010db8), 0, 0, __builtin_bswap32(last)                                           \
	}
#define TCP4 .family = 4, .protocol = 6, .flags = PACKET_PORTS | PACKET_TCP
#define UDP4 .family = 4, .protocol = 17, .flags = PACKET_PORTS
#define TCP6 .family = 6, .protocol = 6, .flags = PACKET_PORTS | PACKET_TCP
#define FIN 0x01
#define SYN 0x02
#define ACK 0x10

#endif
