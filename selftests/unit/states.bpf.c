// SPDX-License-Identifier: GPL-2.0-only
/* Calls the code of dynamic rules (bpf/states.h) with descriptors that the test makes. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "bpf/states.h"
#include "selftests/unit/states_probe.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct states_results);
} results SEC(".maps");

/* Above the addresses and ports that tests name. */
#define FIRST_NEW 1000

static __always_inline void renew(struct packet *packet, __u32 what, __u32 run)
{
	switch (what) {
	case STATES_NEW_SOURCE_PORT:
		packet->source_port = FIRST_NEW + run;
		break;
	case STATES_NEW_PORT:
		packet->destination_port = FIRST_NEW + run;
		break;
	case STATES_NEW_SOURCE:
		packet->source[0] = FIRST_NEW + run;
		break;
	case STATES_NEW_DESTINATION:
		packet->destination[0] = FIRST_NEW + run;
		break;
	}
}

SEC("tc")
int states_probe(struct __sk_buff *skb)
{
	struct states_results *sums;
	struct states_order order;
	__u32 zero = 0, run;

	sums = bpf_map_lookup_elem(&results, &zero);
	if (!sums || bpf_skb_load_bytes(skb, 0, &order, sizeof(order)))
		return -1;
	run = __sync_fetch_and_add(&sums->runs, 1);
	order.packet.state_asked = 0; /* each run is another packet */
	renew(&order.packet, order.new_flow, run);
	if (order.what == STATES_CHECK)
		order.result = packet_state_check(&order.packet, order.name);
	else
		order.result = packet_state_keep(&order.packet, order.slot, order.name, order.order, order.connections);
	if (order.result == 1)
		__sync_fetch_and_add(&sums->hits, 1);
	return bpf_skb_store_bytes(skb, 0, &order, sizeof(order), 0);
}

char LICENSE[] SEC("license") = "GPL";
