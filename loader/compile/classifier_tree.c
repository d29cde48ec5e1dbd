/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/classifier_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/compile/classifier_cut.h"
#include "loader/compile/classifier_range.h"

/* So few boxes do not become several trees. */
#define ONE_TREE 16
/* Records per box at most, in a tree that may put boxes off and in the last one; but always as many as that. */
#define COPIES 2.5
#define COPIES_LAST 12.0
#define FEW_RECORDS 16384.0
/* What one more record per box costs, in ns per packet: all of this if there are many boxes. */
#define COPY_COST 6.0
#define MANY_BOXES 4096

struct builder {
	struct classifier_image *image;
	const struct classifier_box *boxes;
	struct classifier_range *ranges[CLASSIFIER_KEYS];
	bool *put_off;	   /* by number of the box: for the next tree */
	bool may_put_off;  /* there is a next tree */
	bool put_off_here; /* at the node that is being built */
	struct classifier_tally *tally;
	double copy_cost;
	bool ip6;
	struct classifier_estimate *estimate;
	double records, squares; /* of the leaves of a tree, and of their sizes */
};

/* A part of a tree that is to be built. */
struct part {
	const __u32 *numbers;
	size_t count;
	double most; /* records in it at most */
	unsigned int depth;
};

static int build(struct builder *builder, struct part part, __u64 *step);

/* Fills in the ranges of all boxes; those of a key that are all the same are of no use. */
static int fill_ranges(struct builder *builder, const struct classifier_set *set, size_t boxes)
{
	for (unsigned int key = 0; key < CLASSIFIER_KEYS; key++) {
		struct classifier_range *ranges, first;
		bool differ = false;

		if (!classifier_key_used(key, builder->ip6))
			continue;
		ranges = malloc(boxes * sizeof(*ranges));
		if (!ranges)
			return -ENOMEM;
		builder->ranges[key] = ranges;
		first = classifier_box_range(set->boxes + set->numbers[0], key);
		for (size_t i = 0; i < set->count; i++) {
			ranges[set->numbers[i]] = classifier_box_range(set->boxes + set->numbers[i], key);
			differ |=
				ranges[set->numbers[i]].low != first.low || ranges[set->numbers[i]].high != first.high;
		}
		if (differ)
			continue;
		free(ranges);
		builder->ranges[key] = NULL;
	}
	return 0;
}

static int build_leaf(struct builder *builder, struct part part, __u64 *step)
{
	const struct classifier_set set = {builder->boxes, part.numbers, part.count};

	builder->records += (double)part.count;
	builder->squares += (double)part.count * (double)part.count;
	if (part.depth > builder->estimate->depth)
		builder->estimate->depth = part.depth;
	return classifier_leaf(builder->image, &set, builder->ip6, step);
}

/* Which boxes each child of a node has: numbers[ends[c - 1]] .. numbers[ends[c] - 1]. */
struct children {
	__u32 *numbers;
	__u32 ends[];
};

static struct classifier_span span_of(const struct builder *builder, struct classifier_cut cut, __u32 number)
{
	struct classifier_span span = classifier_span(cut, builder->ranges[cut.key][number]);

	if (builder->put_off_here && span.count > classifier_span_limit(cut))
		span.count = 0;
	return span;
}

/* Distributes the boxes over the children. Those that are put off are marked. */
static int distribute(struct builder *builder, struct part part, struct classifier_cut cut, struct children *children)
{
	__u32 mask = (1u << cut.bits) - 1;
	__u32 total = 0;

	for (size_t i = 0; i < part.count; i++) {
		struct classifier_span span = span_of(builder, cut, part.numbers[i]);

		for (__u32 j = 0; j < span.count; j++)
			children->ends[(span.first + j) & mask]++;
	}
	for (__u32 i = 0; i <= mask; i++) {
		__u32 count = children->ends[i];

		children->ends[i] = total;
		total += count;
	}
	children->numbers = malloc((total + 1) * sizeof(*children->numbers));
	if (!children->numbers)
		return -ENOMEM;
	for (size_t i = 0; i < part.count; i++) {
		struct classifier_span span = span_of(builder, cut, part.numbers[i]);

		for (__u32 j = 0; j < span.count; j++)
			children->numbers[children->ends[(span.first + j) & mask]++] = part.numbers[i];
		if (!span.count)
			builder->put_off[part.numbers[i]] = true;
	}
	return 0;
}

static bool same_boxes(struct part one, struct part other)
{
	if (one.count != other.count)
		return false;
	return !one.count || !memcmp(one.numbers, other.numbers, one.count * sizeof(*one.numbers));
}

/* Builds the children and writes their steps at `place`. Neighbours with the same boxes are built once. */
static int build_children(struct builder *builder, struct part part, const struct children *children, __u32 count,
			  size_t place)
{
	double share = part.most / (double)(children->ends[count - 1] + 1);
	struct part before = {0};
	__u64 step = CLASSIFIER_EMPTY;

	for (__u32 i = 0; i < count; i++) {
		size_t start = i ? children->ends[i - 1] : 0;
		struct part child = {.numbers = children->numbers + start,
				     .count = children->ends[i] - start,
				     .depth = part.depth + 1};
		int error = 0;

		child.most = share * (double)child.count;
		if (!same_boxes(child, before)) {
			step = CLASSIFIER_EMPTY;
			error = child.count ? build(builder, child, &step) : 0;
		}
		if (error)
			return error;
		builder->image->units[place + i] = step;
		before = child;
	}
	return 0;
}

static int build_node(struct builder *builder, struct part part, struct classifier_cut cut, __u64 *step)
{
	__u32 count = 1u << cut.bits;
	long place = classifier_image_room(builder->image, count, count < 8 ? count : 8);
	struct children *children = calloc(1, sizeof(*children) + count * sizeof(*children->ends));
	int error;

	if (place < 0 || !children) {
		free(children);
		return place < 0 ? (int)place : -ENOMEM;
	}
	error = distribute(builder, part, cut, children);
	if (!error) {
		error = build_children(builder, part, children, count, (size_t)place);
		free(children->numbers);
	}
	*step = CLASSIFIER_NODE((__u64)place, builder->boxes[part.numbers[0]].index, cut.key, cut.shift, cut.bits);
	free(children);
	return error;
}

/* Boxes are put off if that makes for a good cut, else the best one is taken that goes without. */
static bool choose(struct builder *builder, struct part part, struct classifier_cut *cut)
{
	struct classifier_limits limits = {true, part.most, builder->copy_cost};

	builder->put_off_here = builder->may_put_off && classifier_choose(builder->ranges, part.numbers, part.count,
									  &limits, builder->tally, cut);
	if (builder->put_off_here)
		return true;
	limits.put_off = false;
	return classifier_choose(builder->ranges, part.numbers, part.count, &limits, builder->tally, cut);
}

static int build(struct builder *builder, struct part part, __u64 *step)
{
	struct classifier_cut cut;

	if (part.depth < CLASSIFIER_DEPTH && choose(builder, part, &cut))
		return build_node(builder, part, cut, step);
	return build_leaf(builder, part, step);
}

/* Builds one tree and keeps the boxes that it has put off in `numbers`, whose number is returned, or an error. */
static long build_tree(struct builder *builder, __u32 *numbers, size_t count, bool last, __u64 *step, double *records)
{
	struct part part = {.numbers = numbers, .count = count};
	size_t left = 0;
	int error;

	last = last || count <= ONE_TREE;
	part.most = (double)count * (last ? COPIES_LAST : COPIES);
	if (part.most < FEW_RECORDS)
		part.most = FEW_RECORDS;
	builder->may_put_off = !last;
	builder->records = builder->squares = 0;
	error = build(builder, part, step);
	if (error)
		return error;
	if (builder->records > 0)
		*records += builder->squares / builder->records;
	for (size_t i = 0; i < count; i++)
		if (builder->put_off[numbers[i]]) {
			builder->put_off[numbers[i]] = false;
			numbers[left++] = numbers[i];
		}
	return (long)left;
}

static int compare_steps(const void *a, const void *b)
{
	__u32 left = CLASSIFIER_STEP_FIRST(*(const __u64 *)a), right = CLASSIFIER_STEP_FIRST(*(const __u64 *)b);

	return left < right ? -1 : left > right;
}

static int build_trees(struct builder *builder, __u32 *numbers, size_t count, __u64 steps[CLASSIFIER_TREES])
{
	long left = (long)count;
	unsigned int trees = 0;
	double records = 0;

	for (; left > 0 && trees < CLASSIFIER_TREES; trees++)
		left = build_tree(builder, numbers, (size_t)left, trees == CLASSIFIER_TREES - 1, steps + trees,
				  &records);
	if (left < 0)
		return (int)left;
	qsort(steps, trees, sizeof(*steps), compare_steps);
	if (trees > builder->estimate->trees)
		builder->estimate->trees = trees;
	if (records > builder->estimate->records)
		builder->estimate->records = records;
	return 0;
}

static size_t numbers_end(const struct classifier_set *set)
{
	size_t end = 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->numbers[i] >= end)
			end = set->numbers[i] + 1;
	return end;
}

int classifier_trees(struct classifier_image *image, const struct classifier_set *set, bool ip6,
		     __u64 steps[CLASSIFIER_TREES], struct classifier_estimate *estimate)
{
	struct builder builder = {.image = image, .boxes = set->boxes, .ip6 = ip6, .estimate = estimate};
	size_t boxes = numbers_end(set);
	__u32 *numbers = malloc(set->count * sizeof(*numbers));
	bool *put_off = calloc(boxes, sizeof(*put_off));
	int error;

	builder.tally = malloc(CLASSIFIER_TALLIES * sizeof(*builder.tally));
	error = numbers && put_off && builder.tally ? fill_ranges(&builder, set, boxes) : -ENOMEM;

	for (int i = 0; i < CLASSIFIER_TREES; i++)
		steps[i] = CLASSIFIER_EMPTY;
	if (!error) {
		builder.put_off = put_off;
		builder.copy_cost = COPY_COST * (double)set->count / (double)(set->count + MANY_BOXES);
		memcpy(numbers, set->numbers, set->count * sizeof(*numbers));
		error = build_trees(&builder, numbers, set->count, steps);
	}
	for (unsigned int key = 0; key < CLASSIFIER_KEYS; key++)
		free(builder.ranges[key]);
	free(builder.tally);
	free(numbers);
	free(put_off);
	return error;
}
