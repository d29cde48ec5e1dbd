/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first rule of a classified stretch that a packet may match: for most packets that is all. Nothing is kept of the
 * search. In the first trees no function is called on the way: where returns are guarded against speculation, a call
 * costs as much as a cache miss.
 */
#ifndef BPF_FIRST_H
#define BPF_FIRST_H

#include "bpf/stretch.h"

/* Trees that are searched without a call, as the verifier goes through each. */
#define FIRST_TREES 2

/* Searches one tree, or goes on with the scan of a long leaf, at `step`. Returns the index found, or `best`. */
__noinline __u32 first_tree(struct classifier_keys *keys, __u64 step, __u32 best)
{
	struct classifier_scan scan = {.keys = keys, .best = best};

	if (!keys || !classifier_descend(classifier_image(), keys, &step, best))
		return best;
	scan.place = CLASSIFIER_STEP_PLACE(step);
	scan.records = CLASSIFIER_STEP_RECORDS(step);
	if (classifier_ip6(keys))
		classifier_scan_lines(&scan, true);
	else
		classifier_scan_lines(&scan, false);
	return scan.best;
}

/* Compares the records of the leaf at `step`, those in its first lines without a call. */
static __always_inline __u32 first_scan(const void *image, struct classifier_keys *keys, __u64 step, __u32 best,
					bool ip6)
{
	struct classifier_scan scan = {.keys = keys, .best = best};

	scan.place = CLASSIFIER_STEP_PLACE(step);
	scan.records = CLASSIFIER_STEP_RECORDS(step);
	if (!classifier_scan_line(image, &scan, ip6) || !classifier_scan_line(image, &scan, ip6))
		return scan.best;
	return first_tree(keys, classifier_rest(&scan), scan.best);
}

/* The lowest index in the first trees, or CLASSIFIER_NONE. */
static __always_inline __u32 first_search(const void *image, struct classifier_keys *keys, const __u64 *roots, bool ip6)
{
	__u32 best = CLASSIFIER_NONE;

	for (int i = 0; i < FIRST_TREES; i++) {
		__u64 step = roots[i];

		if (classifier_descend(image, keys, &step, best))
			best = first_scan(image, keys, step, best, ip6);
	}
	return best;
}

/*
 * Likewise in all trees that may have one below `best`. Most packets get no further than the first node of these trees,
 * which is looked at without a call, therefore.
 */
static __always_inline __u32 first_search_on(const void *image, struct classifier_keys *keys, const __u64 *roots,
					     __u32 best)
{
	for (int i = FIRST_TREES; i < CLASSIFIER_TREES && CLASSIFIER_STEP_FIRST(roots[i]) < best; i++) {
		__u64 step = roots[i];

		if (!CLASSIFIER_STEP_LEAF(step) && !classifier_unit(image, classifier_child(keys, step), &step))
			break;
		if (CLASSIFIER_STEP_FIRST(step) < best)
			best = first_tree(keys, step, best);
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

static __always_inline __u64 first_ask(hook_context *context, struct packet *packet, __u32 stretch, __u32 end)
{
	const void *image = classifier_image();
	struct classifier_keys keys;
	const __u64 *roots;
	__u32 index;

	classifier_keys_fill(&keys, packet);
	roots = classifier_roots(image, packet, stretch);
	if (!roots)
		return VERDICT_NONE;
	if (packet->family == 6)
		index = first_search(image, &keys, roots, true);
	else
		index = first_search(image, &keys, roots, false);
	index = first_search_on(image, &keys, roots, index);
	return index < end ? first_act(context, packet, index, end) : VERDICT_NONE;
}

/*
 * For generated code: what a function of the rules up to before `end` would return, `stretch` in the classifier; or
 * STRETCH_MUST_WALK: stretch_match() is to be asked, which goes on where this function has stopped.
 */
__noinline __u64 stretch_first(hook_context *context, struct packet *packet, __u32 stretch, __u32 end)
{
	if (!packet)
		return VERDICT_NONE;
	if (packet->resume)
		return packet->resume < end ? STRETCH_MUST_WALK : VERDICT_NONE;
	return first_ask(context, packet, stretch, end);
}

#endif
