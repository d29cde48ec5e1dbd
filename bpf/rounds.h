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

/* What a round costs, 1 to AGAIN_COST. No branch: the verifier would follow each sum that there may be. */
static __always_inline __u32 round_cost(__u64 result)
{
	return AGAIN_COST - (MATCH_ARGUMENT(result) & (AGAIN_COST - 1));
}

/*
 * Evaluates the rules as often as they say, and drops packets that never come to an end. The loop is out here, as the
 * verifier then goes through the rules once and not for each round.
 */
static __always_inline __u64 ruleset_rounds(hook_context *context, struct packet *packet)
{
	__u64 result = ruleset_match(context, packet);
	__u32 cost = round_cost(result);

	for (; MATCH_VERDICT(result) == VERDICT_AGAIN && cost <= CALLS_MAX * AGAIN_COST; cost += round_cost(result))
		result = ruleset_match(context, packet);
	return MATCH_VERDICT(result) == VERDICT_AGAIN ? MATCH_RESULT(VERDICT_BOUND, 0, 0) : result;
}

#endif
