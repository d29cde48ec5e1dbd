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

/* A rule that is found: its index, and where its record lies. */
#define FIRST_FOUND(index, place) ((__u64)(index) << 32 | (place))
#define FIRST_INDEX(found) ((__u32)((found) >> 32))
#define FIRST_PLACE(found) ((__u32)(found))

/* What a scan has found, or `best`. */
static __always_inline __u64 first_found(const struct classifier_scan *scan, __u64 best)
{
	return scan->best < FIRST_INDEX(best) ? FIRST_FOUND(scan->best, scan->place) : best;
}

/* Searches one tree, or goes on with the scan of a long leaf, at `step`. Returns what it has found, or `best`. */
__noinline __u64 first_tree(struct classifier_keys *keys, __u64 step, __u64 best)
{
	struct classifier_scan scan = {.keys = keys, .best = FIRST_INDEX(best)};

	if (!keys || !classifier_descend(classifier_image(), keys, &step, FIRST_INDEX(best)))
		return best;
	scan.place = CLASSIFIER_STEP_PLACE(step);
	scan.records = CLASSIFIER_STEP_RECORDS(step);
	if (classifier_ip6(keys))
		classifier_scan_lines(&scan, true);
	else
		classifier_scan_lines(&scan, false);
	return first_found(&scan, best);
}

/* Compares the records of the leaf at `step`, those in its first lines without a call. */
static __always_inline __u64 first_scan(const void *image, struct classifier_keys *keys, __u64 step, __u64 best,
					bool ip6)
{
	struct classifier_scan scan = {.keys = keys, .best = FIRST_INDEX(best)};

	scan.place = CLASSIFIER_STEP_PLACE(step);
	scan.records = CLASSIFIER_STEP_RECORDS(step);
	if (!classifier_scan_line(image, &scan, ip6) || !classifier_scan_line(image, &scan, ip6))
		return first_found(&scan, best);
	return first_tree(keys, classifier_rest(&scan), best);
}

/* The first rule in the first trees; index CLASSIFIER_NONE: there is none. */
static __always_inline __u64 first_search(const void *image, struct classifier_keys *keys, const __u64 *roots, bool ip6)
{
	__u64 best = FIRST_FOUND(CLASSIFIER_NONE, 0);

	for (int i = 0; i < FIRST_TREES; i++) {
		__u64 step = roots[i];

		if (classifier_descend(image, keys, &step, FIRST_INDEX(best)))
			best = first_scan(image, keys, step, best, ip6);
	}
	return best;
}

/*
 * Likewise in all trees that may have one below `best`. Most packets get no further than the first node of these trees,
 * which is looked at without a call, therefore.
 */
static __always_inline __u64 first_search_on(const void *image, struct classifier_keys *keys, const __u64 *roots,
					     __u64 best)
{
	for (int i = FIRST_TREES; i < CLASSIFIER_TREES && CLASSIFIER_STEP_FIRST(roots[i]) < FIRST_INDEX(best); i++) {
		__u64 step = roots[i];

		if (!CLASSIFIER_STEP_LEAF(step) && !classifier_unit(image, classifier_child(keys, step), &step))
			break;
		if (CLASSIFIER_STEP_FIRST(step) < FIRST_INDEX(best))
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

/* What becomes of the packet by the record at `place`: a match result, or 0: `dispatch` tells. */
static __always_inline __u64 first_result(const void *image, __u32 place, bool ip6)
{
	const struct classifier_common *common;
	const __u64 *units = classifier_line(image, place / CLASSIFIER_LINE_UNITS);
	__u32 result;

	if (!units)
		return 0;
	if (ip6)
		common = &((const struct classifier_record6 *)units)->common;
	else
		common = &((const struct classifier_record4 *)(units + (place & CLASSIFIER_UNITS4)))->common;
	result = CLASSIFIER_RECORD_RESULT(common);
	return result ? MATCH_RESULT(CLASSIFIER_RESULT_VERDICT(result), CLASSIFIER_RESULT_SLOT(result), 0) : 0;
}

/* What is to be done to a packet that may match the rule at `index`. */
static __always_inline __u64 first_act(hook_context *context, struct packet *packet, __u32 index, __u32 end)
{
	const struct dispatch *rule = bpf_map_lookup_elem(&dispatch, &index);

	if (!rule)
		return VERDICT_NONE;
	if (rule->kind != DISPATCH_VERDICT)
		return first_walk(packet, index, end);
	if (rule->code && !stretch_code(context, packet, rule->group, rule->code, STRETCH_RULE(rule)))
		return first_walk(packet, index + 1, end);
	return rule->result;
}

static __always_inline __u64 first_ask(hook_context *context, struct packet *packet, __u32 stretch, __u32 end)
{
	const void *image = classifier_image();
	struct classifier_keys keys;
	const __u64 *roots;
	__u64 found, result;

	classifier_keys_fill(&keys, packet);
	roots = classifier_roots(image, packet, stretch);
	if (!roots)
		return VERDICT_NONE;
	if (packet->family == 6)
		found = first_search(image, &keys, roots, true);
	else
		found = first_search(image, &keys, roots, false);
	found = first_search_on(image, &keys, roots, found);
	if (FIRST_INDEX(found) >= end)
		return VERDICT_NONE;
	result = first_result(image, FIRST_PLACE(found), packet->family == 6);
	return result ? result : first_act(context, packet, FIRST_INDEX(found), end);
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
