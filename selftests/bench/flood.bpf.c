/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends the packets of a trace out of an interface, run by BPF_PROG_TEST_RUN with live frames. Frames come back from
 * where they were sent with whatever has become of them, so every byte that matters is written each time.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include "selftests/bench/trace.h"

#define HEADER_WORDS 7 /* link, IP and TCP header, and two bytes */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace_packet4);
} packets4 SEC(".maps");

const volatile __u32 packet_count = 1;
const volatile __u32 interface = 0;
/* What all packets begin with. */
const volatile __u64 header[HEADER_WORDS] = {};
__u32 position;

SEC("xdp")
int flood4(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *transport = (void *)(ip + 1);
	__u32 key = position;
	const struct trace_packet4 *packet = bpf_map_lookup_elem(&packets4, &key);

	position = key + 1 < packet_count ? key + 1 : 0;
	if (!packet || data + sizeof(header) > end)
		return XDP_ABORTED;
	for (int i = 0; i < HEADER_WORDS; i++)
		((__u64 *)data)[i] = header[i];
	ip->saddr = packet->source;
	ip->daddr = packet->destination;
	ip->protocol = packet->protocol;
	ip->check = packet->checksum;
	transport->source = packet->source_port;
	transport->dest = packet->destination_port;
	*((__u8 *)transport + TRACE_TCP_FLAGS) = packet->tcp_flags;
	return bpf_redirect(interface, 0);
}

char LICENSE[] SEC("license") = "GPL";
