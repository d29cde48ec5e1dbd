/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/classifier_cut.h"

#include <math.h>
#include <string.h>

/* Boxes that are looked at to judge a cut: some of many. */
#define SAMPLE 384

/*
 * What things cost, in ns or so. A tree that begins with some boxes needs a few nodes, each dividing them by about
 * eight, and then compares with the rest. Memory costs in that caches hold less of it.
 */
#define COST_RECORD 2.5
#define COST_NODE 20.0
#define LEAF 8.0 /* boxes of which a node would not divide many */
/* A cut that puts off more than this share makes no headway. */
#define PUT_OFF_MOST 0.75

/* What a cut does to boxes. */
struct outcome {
	double copies;	/* records in the children, per box */
	double put_off; /* share of the boxes that are */
};

struct sample {
	__u32 numbers[SAMPLE];
	size_t count, of;
	struct classifier_tally *tally;
};

static void tally_add(struct classifier_tally *tally, struct classifier_span span, __u32 children)
{
	float weight = span.count == 1 ? 1 : 1.0f / (float)span.count;
	__u32 end = span.first + span.count;

	tally[span.first].boxes += 1;
	tally[span.first].weight += weight;
	if (end > children) {
		tally[0].boxes += 1;
		tally[0].weight += weight;
		end -= children;
	}
	tally[end].boxes -= 1;
	tally[end].weight -= weight;
}

/* Tallies the boxes; returns what it costs besides the search among the expected ones. */
static struct outcome tally_boxes(const struct classifier_range *ranges, const struct sample *sample,
				  struct classifier_cut cut, bool put_off)
{
	struct classifier_tally *tally = sample->tally;
	__u32 children = 1u << cut.bits, limit = put_off ? classifier_span_limit(cut) : children;
	__u32 copies = 0, away = 0;

	memset(tally, 0, (children + 1) * sizeof(*tally));
	for (size_t i = 0; i < sample->count; i++) {
		struct classifier_span span = classifier_span(cut, ranges[sample->numbers[i]]);

		if (span.count > limit) {
			away++;
			continue;
		}
		copies += span.count;
		tally_add(tally, span, children);
	}
	return (struct outcome){copies / (double)sample->count, away / (double)sample->count};
}

/* The size of the child that a packet of one of the boxes that are not put off gets to. */
static double expected_size(const struct sample *sample, __u32 children, double put_off)
{
	const struct classifier_tally *tally = sample->tally;
	double boxes = (double)sample->count * (1 - put_off), sum = 0;
	float size = 0, weight = 0;

	for (__u32 i = 0; i < children; i++) {
		size += tally[i].boxes;
		weight += tally[i].weight;
		sum += size * weight;
	}
	/* A box meets itself, and of the others as many as there are, not as many as were looked at. */
	return 1 + (sum / boxes - 1) * (double)sample->of / (double)sample->count;
}

/* The logarithm to base 2 of a value above 1, by straight lines between the powers of 2. */
static double log2_about(double value)
{
	int exponent;
	double mantissa = frexp(value, &exponent);

	return exponent - 2 + 2 * mantissa;
}

/* What it costs to search a tree of that many boxes. */
static double cost_of(double boxes)
{
	return boxes <= LEAF ? COST_RECORD * boxes : COST_RECORD * LEAF + COST_NODE * log2_about(boxes / LEAF) / 3;
}

/* What a cut costs without the search in the child. */
static double cost_of_cut(struct outcome outcome, struct classifier_cut cut, size_t boxes, double copy_cost)
{
	double memory = outcome.copies - 1 + outcome.put_off + (double)(1u << cut.bits) / (4.0 * (double)boxes);

	return COST_NODE + copy_cost * memory + cost_of(outcome.put_off * (double)boxes);
}

static void take_sample(struct sample *sample, const __u32 *numbers, size_t count)
{
	sample->of = count;
	sample->count = count < SAMPLE ? count : SAMPLE;
	for (size_t i = 0; i < sample->count; i++)
		sample->numbers[i] = numbers[i * count / sample->count];
}

/*
 * How many bits from the right on tell the boxes' values apart. 0: none, or most boxes have all values.
 */
static unsigned int varying_bits(const struct classifier_range *ranges, const struct sample *sample)
{
	__u32 varying = 0, low = ranges[sample->numbers[0]].low;
	size_t full = 0;

	for (size_t i = 0; i < sample->count; i++) {
		struct classifier_range range = ranges[sample->numbers[i]];

		varying |= (range.low ^ low) | (range.low ? 0 : range.high & (range.high + 1));
		full += range.high - range.low >= 0xffff && !range.low;
	}
	if (!varying || (double)full > PUT_OFF_MOST * (double)sample->count)
		return 0;
	return 32 - (unsigned int)__builtin_clz(varying);
}

struct choice {
	struct classifier_cut cut;
	double cost;
};

static void try_cut(struct choice *best, const struct classifier_range *ranges, const struct sample *sample,
		    struct classifier_cut cut, const struct classifier_limits *limits)
{
	struct outcome outcome = tally_boxes(ranges, sample, cut, limits->put_off);
	double cost = cost_of_cut(outcome, cut, sample->of, limits->copy_cost);

	if (outcome.copies * (double)sample->of > limits->most || outcome.put_off > PUT_OFF_MOST ||
	    cost + cost_of(1) >= best->cost)
		return;
	cost += cost_of(expected_size(sample, 1u << cut.bits, outcome.put_off));
	if (cost < best->cost)
		*best = (struct choice){cut, cost};
}

/* Tries the shifts of one key with nodes of `bits`; every other one will do if there are many bits. */
static void try_key(struct choice *best, classifier_ranges ranges, const struct sample *sample,
		    struct classifier_cut cut, unsigned int varying, const struct classifier_limits *limits)
{
	if (cut.bits > varying)
		cut.bits = (__u8)varying;
	for (; cut.shift + cut.bits <= varying; cut.shift += cut.bits > 3 ? 2 : 1)
		try_cut(best, ranges[cut.key], sample, cut, limits);
}

bool classifier_choose(classifier_ranges ranges, const __u32 *numbers, size_t count,
		       const struct classifier_limits *limits, struct classifier_tally *tally,
		       struct classifier_cut *cut)
{
	struct choice best = {.cost = COST_RECORD * (double)count};
	struct sample sample;
	unsigned int bits = 1;

	if (best.cost <= COST_NODE + cost_of(1))
		return false;
	take_sample(&sample, numbers, count);
	sample.tally = tally;
	while (bits < CLASSIFIER_BITS && 1u << bits < count)
		bits++;
	for (unsigned int key = 0; key < CLASSIFIER_KEYS; key++) {
		unsigned int varying = ranges[key] ? varying_bits(ranges[key], &sample) : 0;

		for (int less = 0; less < 6 && varying && (int)bits - less > 0; less += 2)
			try_key(&best, ranges, &sample, (struct classifier_cut){(__u8)key, 0, (__u8)(bits - less)},
				varying, limits);
	}
	*cut = best.cut;
	return best.cut.bits > 0;
}
