/* SPDX-License-Identifier: GPL-2.0-only */
/* The generated code that the runtime calls for rules of classified stretches (include/ipfw/stretch.h). */
#ifndef BPF_STRETCH_CODE_H
#define BPF_STRETCH_CODE_H

#include "ipfw/log_record.h"
#include "ipfw/packet.h"
#include "ipfw/stretch.h"
#include "ipfw/verdict.h"

/* Of count.h. */
extern int rule_count(struct packet *packet, __u32 slot);

#define DECLARE(group)                                                                                                 \
	extern __u64 stretch_code_##group(hook_context *context, struct packet *packet, __u32 number, __u64 rule);
STRETCH_EACH_GROUP(DECLARE)
#undef DECLARE

/* What code that several rules have is told of the one it is for. */
#define STRETCH_RULE(data) LOG_RULE(MATCH_SLOT((data)->result), (data)->number, 0)

/*
 * Runs the piece of code `number`, which is in that group, for a rule: STRETCH_RULE(). One that performs an action
 * returns what a function of rules does; others return STRETCH_MATCH, or 0 if a test fails.
 */
static __always_inline __u64 stretch_code(hook_context *context, struct packet *packet, __u32 group, __u32 number,
					  __u64 rule)
{
	switch (group) {
#define CALL(group)                                                                                                    \
	case group:                                                                                                    \
		return stretch_code_##group(context, packet, number, rule);
		STRETCH_EACH_GROUP(CALL)
#undef CALL
	}
	return 0;
}

#endif
