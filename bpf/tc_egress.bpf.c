// SPDX-License-Identifier: GPL-2.0-only
/* One generation of the rules for outgoing packets, if they answer nobody. */
#include "bpf/frame_tc.h"

#include "bpf/reply_none.h"
#include "bpf/ruleset_tc.h"
#include "bpf/settled.h"

SEC("tc")
int tc_egress_ruleset(struct __sk_buff *context)
{
	if (settle_leaving(context, context->ifindex))
		return MATCH_VERDICT(settled) == VERDICT_ALLOW ? TC_ACT_UNSPEC : TC_ACT_SHOT;
	return filter(context, context->ingress_ifindex, context->ifindex, false);
}

char LICENSE[] SEC("license") = "GPL";
