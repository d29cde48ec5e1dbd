// SPDX-License-Identifier: GPL-2.0-only
/* One generation of the rules for incoming packets, on interfaces where XDP is not possible. */
#include "bpf/frame_tc.h"

#include "bpf/reply.h"
#include "bpf/reply_back.h"

__noinline int refuse(struct __sk_buff *context, struct packet *packet, __u64 result)
{
	struct reply reply = {};

	if (!packet || !reply_decide(context, packet, result, &reply))
		return TC_ACT_SHOT;
	return reply_back(context, &reply);
}

#include "bpf/ruleset_tc.h"

SEC("tc")
int tc_ingress_ruleset(struct __sk_buff *context)
{
	return filter(context, context->ifindex, 0, true);
}

char LICENSE[] SEC("license") = "GPL";
