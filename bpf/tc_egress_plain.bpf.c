// SPDX-License-Identifier: GPL-2.0-only
/* One generation of the rules for outgoing packets, if they are plain and answer nobody. */
#include "bpf/plain.h"

#include "bpf/frame_tc.h"

#include "bpf/reply_none.h"
#include "bpf/ruleset_tc.h"

SEC("tc")
int tc_egress_ruleset(struct __sk_buff *context)
{
	return filter(context, context->ingress_ifindex, context->ifindex, false);
}

char LICENSE[] SEC("license") = "GPL";
