/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers of ICMP (RFC 792, 1122, 1256); <linux/icmp.h> draws in the C library. ICMPv6 has <linux/icmpv6.h>. */
#ifndef BPF_ICMP_H
#define BPF_ICMP_H

#define ICMP_DEST_UNREACH 3
#define ICMP_ECHO 8
#define ICMP_ROUTER_SOLICITATION 10
#define ICMP_TIMESTAMP 13
#define ICMP_INFO_REQUEST 15
#define ICMP_ADDRESS_MASK_REQUEST 17

#define ICMP_NET_UNREACH 0
#define ICMP_HOST_UNREACH 1
#define ICMP_PORT_UNREACH 3
#define ICMP_FRAG_NEEDED 4
#define ICMP_SOURCE_ROUTE_FAILED 5
#define ICMP_NET_UNKNOWN 6
#define ICMP_HOST_UNKNOWN 7
#define ICMP_NET_UNREACH_TOS 11
#define ICMP_HOST_UNREACH_TOS 12

#define ICMP6_NODE_INFORMATION 139 /* query (RFC 4620) */

#endif
