/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stretch that the rules begin with. The runtime asks it before generated code (ruleset.h): many packets end there,
 * and are spared a call.
 */
#ifndef BPF_FRONT_H
#define BPF_FRONT_H

#include "bpf/exact.h"
#include "bpf/first.h"
#include "bpf/verifier.h"

/*
 * What a function of these rules would return, for a packet of which packet.resume is 0, or STRETCH_MUST_WALK. Where
 * generated code has to go on is in packet.resume: behind these rules, if none has ended the search.
 */
__noinline __u64 ruleset_front(hook_context *context, struct packet *packet)
{
	__u32 end;
	__u64 result;

	/* the latter for the verifier: other rulesets have this function as well, if they have stretches */
	if (!packet || !classifier_constants.front_end)
		return VERDICT_NONE;
	end = classifier_constants.front_end + unknown_zero(&packet->interface);
	if (classifier_constants.front_exact)
		result = exact_ask_tables(packet, classifier_constants.front, end);
	else
		result = first_ask(context, packet, classifier_constants.front + unknown_zero(&packet->interface), end);
	if (result == VERDICT_NONE && !packet->resume)
		packet->resume = end;
	return result;
}

#endif
