/* SPDX-License-Identifier: GPL-2.0-only */
/* The packets of a trace, as trace.py writes them and BPF programs read them. */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <linux/types.h>

#define TRACE_MAGIC "flow"
#define TRACE_TCP_FLAGS 13 /* offset of the octet with the flags in the TCP header */
#define TRACE_IP_BYTES 40  /* length of an IPv4 packet; behind an IPv6 header comes as much as behind that one's */
#define TRACE_TTL 64

/* A file is this, and `count` packets of one version. */
struct trace_header {
	char magic[4];
	__u32 version; /* 4 or 6 */
	__u32 count;
};

/* All in network order. Ports are type and code, and 0, for ICMP. */
struct trace_packet4 {
	__be32 source, destination;
	__be16 source_port, destination_port;
	__u8 protocol, tcp_flags;
	__be16 checksum; /* of the IP header */
};

struct trace_packet6 {
	__be32 source[4], destination[4];
	__be16 source_port, destination_port;
	__u8 protocol, tcp_flags;
	__u16 reserved;
};

#endif
