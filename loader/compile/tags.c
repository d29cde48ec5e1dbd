/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/tags.h"

#include <errno.h>
#include <string.h>

#include "ipfw/carry.h"
#include "loader/compile/plan.h"

/* A tag that some rule puts on packets. */
struct wanted {
	__u16 number;
	bool input; /* by a rule on input */
	bool crosses;
};

struct search {
	const struct ruleset *ruleset;
	struct plan input, output; /* no more than what plan_can_match() looks at */
	struct wanted wanted[TAGS_MAX];
	size_t count;
};

static bool can_match(const struct search *search, const struct plan *plan, const struct rule *rule)
{
	return !(search->ruleset->disabled_sets & 1u << rule->set) && plan_can_match(plan, rule);
}

static struct wanted *find(struct search *search, __u16 number)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->wanted[i].number == number)
			return search->wanted + i;
	return NULL;
}

static int note_tag(struct search *search, const struct rule *rule, __u16 number)
{
	struct wanted *wanted = find(search, number);

	if (!wanted) {
		if (search->count == TAGS_MAX)
			return -EOVERFLOW;
		wanted = search->wanted + search->count++;
		wanted->number = number;
	}
	wanted->input = wanted->input || can_match(search, &search->input, rule);
	return 0;
}

static int note_tags(struct search *search)
{
	int result = 0;

	for (size_t i = 0; i < search->ruleset->count && !result; i++)
		RULE_FOR_EACH_OPTION (option, search->ruleset->rules[i])
			if (option->code == OPTION_TAG && !result)
				result = note_tag(search, search->ruleset->rules[i], (__u16)option->u.number);
	return result;
}

/* Notes which tags cross, as far as the option `tagged` asks for them on output. */
static void note_test(struct search *search, const struct option *option)
{
	for (unsigned int i = 0; i < option->count; i++)
		for (struct wanted *wanted = search->wanted; wanted < search->wanted + search->count; wanted++)
			wanted->crosses |= wanted->input && wanted->number >= option->u.range[i].low &&
					   wanted->number <= option->u.range[i].high;
}

static void note_tests(struct search *search)
{
	for (size_t i = 0; i < search->ruleset->count; i++)
		RULE_FOR_EACH_OPTION (option, search->ruleset->rules[i])
			if (option->code == OPTION_TAGGED &&
			    can_match(search, &search->output, search->ruleset->rules[i]))
				note_test(search, option);
}

/* If the bit is free for the tag, gives it to it. */
static bool take(struct tags *tags, size_t bit, const struct wanted *wanted)
{
	if (tags->number[bit])
		return false;
	tags->number[bit] = wanted->number;
	if (wanted->crosses)
		tags->crossing |= 1ull << bit;
	return true;
}

/* Bits that a kind of tag may have: `count` of them from `first` on, and behind the last bit from bit 0 on. */
struct bits {
	size_t first, count;
};

static size_t bit_at(const struct bits *bits, size_t index)
{
	return (bits->first + index) % TAGS_MAX;
}

/* Gives the tag the bit that it has had, if it may have that. */
static bool keep(struct tags *tags, const __u16 *old, const struct bits *bits, const struct wanted *wanted)
{
	for (size_t i = 0; i < bits->count; i++)
		if (old[bit_at(bits, i)] == wanted->number)
			return take(tags, bit_at(bits, i), wanted);
	return false;
}

/* Gives the tag a bit, if possible one that no tag has had. */
static void give(struct tags *tags, const __u16 *old, const struct bits *bits, const struct wanted *wanted)
{
	for (size_t i = 0; i < bits->count; i++)
		if (!old[bit_at(bits, i)] && take(tags, bit_at(bits, i), wanted))
			return;
	for (size_t i = 0; i < bits->count; i++)
		if (take(tags, bit_at(bits, i), wanted))
			return;
}

/* Gives bits to the tags that cross, or to the others. There are enough. */
static void give_all(struct tags *tags, const struct search *search, bool crossing, const struct bits *bits)
{
	const __u16 *old = search->ruleset->tags;
	bool kept[TAGS_MAX] = {false};

	for (size_t i = 0; i < search->count; i++)
		if (search->wanted[i].crosses == crossing)
			kept[i] = keep(tags, old, bits, search->wanted + i);
	for (size_t i = 0; i < search->count; i++)
		if (search->wanted[i].crosses == crossing && !kept[i])
			give(tags, old, bits, search->wanted + i);
}

static bool is_tag(const struct option *option)
{
	return option->code == OPTION_TAG || option->code == OPTION_UNTAG || option->code == OPTION_TAGGED;
}

bool tags_are_numbers(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++)
		RULE_FOR_EACH_OPTION (option, ruleset->rules[i])
			if (is_tag(option) && option_table_value(option))
				return true;
	return false;
}

/* Whether some rule with the option can match in the direction of `plan`. */
static bool any_with(const struct search *search, const struct plan *plan, unsigned int code)
{
	for (size_t i = 0; i < search->ruleset->count; i++)
		if (rule_find_option(search->ruleset->rules[i], code) &&
		    can_match(search, plan, search->ruleset->rules[i]))
			return true;
	return false;
}

int tags_collect(struct tags *tags, const struct ruleset *ruleset, const struct interface_list *interfaces)
{
	struct search search = {
		.ruleset = ruleset,
		.input = {.input = true, .interfaces = interfaces, .switches = ruleset->switches},
		.output = {.interfaces = interfaces, .switches = ruleset->switches},
	};
	size_t crossing = 0;
	int result;

	memset(tags, 0, sizeof(*tags));
	tags->numbers = tags_are_numbers(ruleset);
	if (tags->numbers) {
		if (any_with(&search, &search.input, OPTION_TAG) && any_with(&search, &search.output, OPTION_TAGGED))
			tags->crossing = ~0ull;
		return 0;
	}
	result = note_tags(&search);
	if (result || !search.count)
		return result;
	note_tests(&search);
	for (size_t i = 0; i < search.count; i++)
		crossing += search.wanted[i].crosses;
	give_all(tags, &search, true, &(struct bits){0, crossing > CARRY_TAGS_MAX ? TAGS_MAX : CARRY_TAGS_MAX});
	give_all(tags, &search, false, &(struct bits){CARRY_TAGS_MAX, TAGS_MAX});
	return 0;
}

bool tags_fit_mark(const struct tags *tags)
{
	return !(tags->crossing >> CARRY_TAGS_MAX);
}

__u64 tags_bits(const struct tags *tags, __u16 low, __u16 high)
{
	__u64 bits = 0;

	for (size_t i = 0; i < TAGS_MAX; i++)
		if (tags->number[i] && tags->number[i] >= low && tags->number[i] <= high)
			bits |= 1ull << i;
	return bits;
}
