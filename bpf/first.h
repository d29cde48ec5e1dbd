/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first rule of a classified stretch that a packet may match: for most packets that is all. Nothing is kept of the
 * search, and no function is called on the way: where returns are guarded against speculation, a call costs as much as
 * a cache miss.
 */
#ifndef BPF_FIRST_H
#define BPF_FIRST_H

#include "bpf/stretch.h"

/* Trees that are looked at, as the verifier goes through each; packets that want more of them walk. */
#define FIRST_TREES 2

/* Goes on with the scan of a long leaf at `step`. Returns the index found, or `best`. */
__noinline __u32 first_scan_rest(struct classifier_keys *keys, __u64 step, __u32 from, __u32 best)
{
	struct classifier_scan scan = {.keys = keys, .from = from, .best = best};

	if (!keys)
		return best;
	scan.place = CLASSIFIER_STEP_PLACE(step);
	scan.records = CLASSIFIER_STEP_RECORDS(step);
	if (classifier_ip6(keys))
		bpf_loop(CLASSIFIER_RECORDS, classifier_scan_lines6, &scan, 0);
	else
		bpf_loop(CLASSIFIER_RECORDS, classifier_scan_lines4, &scan, 0);
	return scan.best;
}

/* Compares the records of the leaf at `step`, those in its first lines without a call. */
static __always_inline __u32 first_scan(struct classifier_keys *keys, __u64 step, __u32 from, __u32 best, bool ip6)
{
	struct classifier_scan scan = {.keys = keys, .from = from, .best = best};

	scan.place = CLASSIFIER_STEP_PLACE(step);
	scan.records = CLASSIFIER_STEP_RECORDS(step);
	if (!classifier_scan_line(&scan, ip6) || !classifier_scan_line(&scan, ip6))
		return scan.best;
	return first_scan_rest(keys, classifier_rest(&scan), from, scan.best);
}

/* The lowest index from `from` on in the first trees, or CLASSIFIER_NONE. */
static __always_inline __u32 first_search(struct classifier_keys *keys, const __u64 *roots, __u32 from, bool ip6)
{
	__u32 best = CLASSIFIER_NONE;

	for (int i = 0; i < FIRST_TREES; i++) {
		__u64 step = roots[i];

		if (classifier_descend(keys, &step, best))
			best = first_scan(keys, step, from, best, ip6);
	}
	return best;
}

/* Makes the packet walk from the rule at `index` on. */
static __always_inline __u64 first_walk(struct packet *packet, __u32 index, __u32 end)
{
	if (index >= end)
		return VERDICT_NONE;
	packet->resume = index;
	return STRETCH_MUST_WALK;
}

/* What is to be done to a packet that may match the rule at `index`. */
static __always_inline __u64 first_act(hook_context *context, struct packet *packet, __u32 index, __u32 end)
{
	const struct dispatch *rule = bpf_map_lookup_elem(&dispatch, &index);

	if (!rule)
		return VERDICT_NONE;
	if (rule->kind != DISPATCH_VERDICT)
		return first_walk(packet, index, end);
	if (rule->code && !stretch_code(context, packet, rule->group, rule->code))
		return first_walk(packet, index + 1, end);
	return rule->result;
}

/*
 * For generated code: what a function of the rules from position `first` to before `end` would return, `stretch` in the
 * classifier; or STRETCH_MUST_WALK: stretch_match() is to be asked, which goes on where this function has stopped.
 */
__noinline __u64 stretch_first(hook_context *context, struct packet *packet, __u32 stretch, __u32 first, __u32 end)
{
	struct classifier_keys keys;
	const __u64 *roots;
	__u32 index;

	if (!packet)
		return VERDICT_NONE;
	if (packet->resume)
		return packet->resume < end ? STRETCH_MUST_WALK : VERDICT_NONE;
	classifier_keys_fill(&keys, packet);
	roots = classifier_roots(packet, stretch);
	if (!roots)
		return VERDICT_NONE;
	if (packet->family == 6)
		index = first_search(&keys, roots, first, true);
	else
		index = first_search(&keys, roots, first, false);
	if (CLASSIFIER_STEP_FIRST(roots[FIRST_TREES]) < index)
		return STRETCH_MUST_WALK;
	return index < end ? first_act(context, packet, index, end) : VERDICT_NONE;
}

#endif
