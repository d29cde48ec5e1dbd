/* SPDX-License-Identifier: GPL-2.0-only */
/* Membership of a 32-bit value in a list of ranges: ports, types, interfaces, address sets, masked addresses. */
#include "loader/compile/emit.h"

#include <stdlib.h>

/* Up to here comparing in order is as fast as a tree, and shorter. */
#define LINEAR_RANGES 4

static int compare_ranges(const void *a, const void *b)
{
	const struct range32 *left = a, *right = b;

	if (left->low != right->low)
		return left->low < right->low ? -1 : 1;
	return left->high < right->high ? -1 : left->high > right->high;
}

/* Sorts, drops empty ranges and joins those that touch; returns how many are left. */
static size_t merge_ranges(struct range32 *ranges, size_t count)
{
	size_t merged = 0;

	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < count; i++) {
		struct range32 *last = ranges + merged - 1;

		if (ranges[i].low > ranges[i].high)
			continue;
		if (merged && (last->high == 0xffffffffu || ranges[i].low <= last->high + 1)) {
			if (ranges[i].high > last->high)
				last->high = ranges[i].high;
			continue;
		}
		ranges[merged++] = ranges[i];
	}
	return merged;
}

/* Ends the test for one range. */
static void emit_range(struct emitter *emitter, struct range32 range, struct target target)
{
	if (joint_takes(emitter, target)) {
		if (range.low == range.high)
			joint_add_value(emitter, range.low);
		else
			joint_add_range(emitter, range);
		return;
	}
	if (range.low == range.high) {
		emit_test(emitter, BPF_JEQ, BPF_REG_1, range.low, target);
		return;
	}
	if (range.low)
		asm_jump_if32(emitter->code, BPF_JLT, BPF_REG_1, range.low, target.fail);
	if (range.high == 0xffffffffu)
		emit_always_goto(emitter, target.match, target);
	else
		emit_test(emitter, BPF_JLE, BPF_REG_1, range.high, target);
}

static void emit_sorted(struct emitter *emitter, const struct range32 *ranges, size_t count, struct target target)
{
	size_t middle = count / 2;
	label left;

	if (count <= LINEAR_RANGES) {
		for (size_t i = 0; i + 1 < count; i++) {
			label next = label_new(emitter->code);

			emit_range(emitter, ranges[i], (struct target){target.match, next, next});
			label_bind(emitter->code, next);
		}
		emit_range(emitter, ranges[count - 1], target);
		return;
	}
	left = label_new(emitter->code);
	asm_jump_if32(emitter->code, BPF_JLT, BPF_REG_1, ranges[middle].low, left);
	emit_sorted(emitter, ranges + middle, count - middle, (struct target){target.match, target.fail, left});
	label_bind(emitter->code, left);
	emit_sorted(emitter, ranges, middle, target);
}

void emit_ranges(struct emitter *emitter, struct range32 *ranges, size_t count, struct target target)
{
	count = merge_ranges(ranges, count);
	if (!count)
		emit_always_goto(emitter, target.fail, target);
	else
		emit_sorted(emitter, ranges, count, target);
}
