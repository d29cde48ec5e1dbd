/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes the next packet of a trace over the test packet and jumps to the program that is measured: one
 * BPF_PROG_TEST_RUN with many repeats then meets many packets. What this costs itself is measured with a program that
 * does nothing in the place of the other (replay.c).
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include "selftests/bench/trace.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace_packet4);
} packets4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace_packet6);
} packets6 SEC(".maps");

/* How many packets there are, and which one is next. */
const volatile __u32 packet_count = 1;
__u32 position;

static __always_inline __u32 advance(void)
{
	__u32 key = position;

	position = key + 1 < packet_count ? key + 1 : 0;
	return key;
}

/* The TCP flags are written behind other headers, too: there they are payload. */
static __always_inline void write_transport(struct tcphdr *header, __be16 source, __be16 destination, __u8 flags)
{
	header->source = source;
	header->dest = destination;
	*((__u8 *)header + TRACE_TCP_FLAGS) = flags;
}

SEC("xdp")
int replay4(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	__u32 key = advance();
	const struct trace_packet4 *packet = bpf_map_lookup_elem(&packets4, &key);

	if (!packet || (void *)(ip + 1) + sizeof(struct tcphdr) > end)
		return XDP_ABORTED;
	ip->saddr = packet->source;
	ip->daddr = packet->destination;
	ip->protocol = packet->protocol;
	ip->check = packet->checksum;
	write_transport((struct tcphdr *)(ip + 1), packet->source_port, packet->destination_port, packet->tcp_flags);
	bpf_tail_call(context, &measured, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int replay6(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct ipv6hdr *ip = data + ETH_HLEN;
	__u32 key = advance();
	const struct trace_packet6 *packet = bpf_map_lookup_elem(&packets6, &key);

	if (!packet || (void *)(ip + 1) + sizeof(struct tcphdr) > end)
		return XDP_ABORTED;
	__builtin_memcpy(&ip->saddr, packet->source, sizeof(packet->source));
	__builtin_memcpy(&ip->daddr, packet->destination, sizeof(packet->destination));
	ip->nexthdr = packet->protocol;
	write_transport((struct tcphdr *)(ip + 1), packet->source_port, packet->destination_port, packet->tcp_flags);
	bpf_tail_call(context, &measured, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int nothing(struct xdp_md *context)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
