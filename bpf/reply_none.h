/* SPDX-License-Identifier: GPL-2.0-only */
/* Refusing without an answer, for rulesets without a rule that owes one. */
#ifndef BPF_REPLY_NONE_H
#define BPF_REPLY_NONE_H

#include "ipfw/packet.h"

/* The loader takes the other object when a rule wants an answer: this is never reached. Drops: fail closed. */
static __always_inline int refuse(hook_context *context, struct packet *packet, __u64 result)
{
	return HOOK_DROP;
}

#endif
