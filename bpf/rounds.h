/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules that send packets back: VERDICT_AGAIN (ipfw/verdict.h). */
#ifndef BPF_ROUNDS_H
#define BPF_ROUNDS_H

#include <linux/types.h>

#include "ipfw/limits.h"
#include "ipfw/packet.h"
#include "ipfw/verdict.h"

/*
 * Evaluates the rules on a packet; returns MATCH_RESULT() (include/ipfw/verdict.h). Counts all but the last match. It
 * comes from the generated object that the loader links to this one.
 */
extern __u64 ruleset_match(hook_context *context, struct packet *packet);

/*
 * What a round costs, 1 to AGAIN_COST. No branch: the verifier would follow each sum that there may be. The optimiser
 * would write it so that the verifier knows no bounds, and takes the loop for an endless one.
 */
static __always_inline __u32 round_cost(__u64 result)
{
	__u32 saved = MATCH_ARGUMENT(result) & (AGAIN_COST - 1), cost;

	asm volatile("" : "+r"(saved));
	cost = AGAIN_COST - saved;
	asm volatile("" : "+r"(cost));
	return cost;
}

/*
 * Evaluates the rules as often as they say, and drops packets that never come to an end. The loop is out here, as the
 * verifier then goes through the rules once and not for each round.
 */
static __always_inline __u64 ruleset_rounds(hook_context *context, struct packet *packet)
{
	__u32 cost = 0;

	do {
		__u64 result = ruleset_match(context, packet);

		if (MATCH_VERDICT(result) != VERDICT_AGAIN)
			return result;
		cost += round_cost(result);
	} while (cost <= CALLS_MAX * AGAIN_COST);
	return MATCH_RESULT(VERDICT_BOUND, 0, 0);
}

#endif
