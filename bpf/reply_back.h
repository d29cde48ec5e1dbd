/* SPDX-License-Identifier: GPL-2.0-only */
/* Answers to incoming packets, sent from TC ingress. */
#ifndef BPF_REPLY_BACK_H
#define BPF_REPLY_BACK_H

#include "bpf/reply_tc.h"

/* Sends the reply to an incoming packet back by the interface it came in by. Returns the TC action. */
static __noinline int reply_back(struct __sk_buff *context, const struct reply *reply)
{
	if (!reply_replace(context, reply))
		return TC_ACT_SHOT;
	link_turn(context, reply);
	reply_mark(context);
	return bpf_redirect(context->ifindex, 0);
}

#endif
