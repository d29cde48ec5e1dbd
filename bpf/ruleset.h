/* SPDX-License-Identifier: GPL-2.0-only */
/* How the runtime asks the rules. */
#ifndef BPF_RULESET_H
#define BPF_RULESET_H

#include "bpf/needs.h"
#include "bpf/rounds.h"
#include "ipfw/packet.h"
#include "ipfw/stretch.h"

/* The stretch that the rules begin with: of the module `stretch` (front.h), or an empty one of the generated object. */
extern __u64 ruleset_front(hook_context *context, struct packet *packet);

/*
 * Evaluates the rules on a packet of which packet.resume is 0; returns MATCH_RESULT() (include/ipfw/verdict.h). Counts
 * all but the last match.
 */
static __always_inline __u64 ruleset_ask(hook_context *context, struct packet *packet)
{
	__u64 result;

	if (packet_needs & PACKET_NEEDS_ROUNDS)
		return ruleset_rounds(context, packet);
	if (packet_needs & PACKET_NEEDS_FRONT) {
		result = ruleset_front(context, packet);
		if (result != VERDICT_NONE && result != STRETCH_MUST_WALK)
			return result;
	}
	return ruleset_match(context, packet);
}

#endif
