/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classified stretches of the rules: a module. The classifier gives the rules that may match in their order; what it
 * cannot test is generated code, and so are actions that are more than data (include/ipfw/stretch.h).
 */
#ifndef BPF_STRETCH_H
#define BPF_STRETCH_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "bpf/classifier.h"
#include "bpf/stretch_code.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* the loader sets it */
	__type(key, __u32);
	__type(value, struct dispatch);
} dispatch SEC(".maps");

/* A packet on its way through a stretch. */
struct stretch_walk {
	hook_context *context;
	struct packet *packet;
	__u64 result;
	__u32 index; /* of the rule that may match */
	__u32 end;   /* behind the stretch */
	struct classifier_walk classifier;
};

/* Goes on at a rule, which may lie behind the stretch. Returns whether the walk through it is over. */
static __always_inline bool stretch_go_on(struct stretch_walk *walk, __u32 at)
{
	if (at >= walk->end) {
		/* what comes next anyway need not look at packet.resume */
		if (at > walk->end)
			walk->packet->resume = at;
		return true;
	}
	walk->index = classifier_next(&walk->classifier, at);
	return walk->index >= walk->end;
}

/* Does what the rule's code, which returned walk->result, says. */
static __always_inline bool stretch_obey(struct stretch_walk *walk)
{
	__u32 resume;

	if (walk->result)
		return true;
	resume = walk->packet->resume;
	if (!resume)
		return stretch_go_on(walk, walk->index + 1);
	walk->packet->resume = 0;
	return stretch_go_on(walk, resume);
}

/* Asks the rule at walk->index, and finds the next one. Returns 1 when that is not wanted, or there is none. */
static long stretch_step(__u32 round, struct stretch_walk *walk)
{
	const struct dispatch *rule = bpf_map_lookup_elem(&dispatch, &walk->index);

	if (!rule)
		return 1;
	if (rule->code) {
		__u64 result = stretch_code(walk->context, walk->packet, rule->group, rule->code, STRETCH_RULE(rule));

		if (rule->kind == DISPATCH_CODE) {
			walk->result = result;
			return stretch_obey(walk);
		}
		if (!result)
			return stretch_go_on(walk, walk->index + 1);
	}
	if (rule->kind == DISPATCH_VERDICT) {
		walk->result = rule->result;
		return 1;
	}
	rule_count(walk->packet, MATCH_SLOT(rule->result));
	return stretch_go_on(walk, rule->kind == DISPATCH_SKIPTO ? MATCH_ARGUMENT(rule->result) : walk->index + 1);
}

/*
 * For generated code: what a function of the rules from position `first` to before `end` would return, `stretch` in the
 * classifier.
 */
__noinline __u64 stretch_match(hook_context *context, struct packet *packet, __u32 stretch, __u32 first, __u32 end)
{
	struct stretch_walk walk = {0};
	const struct dispatch *rule;

	if (!packet)
		return VERDICT_NONE;
	if (packet->resume) {
		if (packet->resume >= end)
			return VERDICT_NONE;
		first = packet->resume;
		packet->resume = 0;
	}
	walk.context = context;
	walk.packet = packet;
	walk.end = end;
	walk.index = classifier_begin(packet, stretch, first, &walk.classifier);
	if (walk.index >= walk.end)
		return VERDICT_NONE;
	rule = bpf_map_lookup_elem(&dispatch, &walk.index);
	if (rule && rule->kind == DISPATCH_VERDICT && !rule->code)
		return rule->result;
	bpf_loop(walk.end, stretch_step, &walk, 0);
	return walk.result;
}

#endif
