/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs generated match code on a descriptor that the test made: the input "frame" is a struct packet, with the packet's
 * own bytes behind it where rules change them, and the output is the same with the match result in its first bytes.
 * Takes the place of the runtime objects of bpf/.
 */
#include "bpf/frame_tc.h"

#include "bpf/calls.h"
#include "bpf/log.h"
#include "bpf/modify_tc.h"

#include "bpf/modify.h"
#include "bpf/ruleset.h"
#include "ipfw/packet.h"
#include "ipfw/verdict.h"
#include "selftests/unit/match_modules.h"

#define PROBE_SLOTS 8192

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PROBE_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} counted SEC(".maps");

__noinline int rule_count(struct packet *packet, __u32 slot)
{
	__u64 *count = bpf_map_lookup_elem(&counted, &slot);

	if (packet && count)
		*count += packet->segments;
	return 0;
}

__noinline int packet_local(struct packet *packet)
{
	return packet ? packet->local : 0;
}

SEC("tc")
int match_probe(struct __sk_buff *skb)
{
	struct packet packet;
	__u64 result;

	if (bpf_skb_load_bytes(skb, 0, &packet, sizeof(packet)))
		return -1;
	packet.resume = 0;
	result = ruleset_ask(skb, &packet);
	rule_count(&packet, MATCH_SLOT(result));
	if (bpf_skb_store_bytes(skb, 0, &packet, sizeof(packet), 0))
		return -1;
	return bpf_skb_store_bytes(skb, 0, &result, sizeof(result), 0);
}

char LICENSE[] SEC("license") = "GPL";
