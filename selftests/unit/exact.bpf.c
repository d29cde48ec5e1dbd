// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks an exact stretch for a packet. The input "frame" is a struct packet; the output has the result, the counter slot
 * that was counted for, and packet.resume.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/exact.h"

const volatile __u32 stretch, first, end;

struct packet packet;
struct {
	__u64 result;
	__u32 counted, resume;
} outcome;

__noinline int rule_count(struct packet *counted, __u32 slot)
{
	outcome.counted = counted ? slot : 0;
	return 0;
}

SEC("tc")
int exact_ask(struct __sk_buff *skb)
{
	if (bpf_skb_load_bytes(skb, 0, &packet, sizeof(packet)))
		return -1;
	outcome.counted = 0;
	outcome.result = exact_match(&packet, stretch, first, end);
	outcome.resume = packet.resume;
	return bpf_skb_store_bytes(skb, 0, &outcome, sizeof(outcome), 0);
}

char LICENSE[] SEC("license") = "GPL";
