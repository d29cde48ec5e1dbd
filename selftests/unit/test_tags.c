/* SPDX-License-Identifier: GPL-2.0-only */
/* Which bit stands for which tag, which tags cross from input to output, and by which way. */
#include "selftests/unit/support.h"

#include <errno.h>

#include "loader/compile/plan.h"

static struct interface interfaces[] = {{.index = 1, .name = "lo"}, {.index = 2, .name = "em0"}};
static const struct interface_list list = {.interfaces = interfaces, .count = 2};

static struct tags collected(const struct ruleset *ruleset)
{
	struct tags tags;

	assert_int_equal(tags_collect(&tags, ruleset, &list), 0);
	return tags;
}

/* The numbers of the tags that cross, as a bitmap: they must be below 64. */
static __u64 crossing_numbers(const char *const *texts)
{
	struct ruleset ruleset = ruleset_from(texts);
	struct tags tags = collected(&ruleset);
	__u64 numbers = 0;

	for (size_t bit = 0; bit < TAGS_MAX; bit++)
		if (tags.crossing & 1ull << bit)
			numbers |= 1ull << tags.number[bit];
	ruleset_free(&ruleset);
	return numbers;
}

static void only_tags_that_can_be_tested_on_output_cross(void **state)
{
	static const char *const texts[] = {"100 count tag 1 ip from any to any in",
					    "110 count tag 2 ip from any to any out",
					    "120 count tag 3 ip from any to any",
					    "130 count tag 4 ip from any to any recv nosuch0",
					    "140 set 5 count tag 5 ip from any to any in",
					    "150 count tag 6 ip from any to any in",
					    "160 count tag 7 ip from any to any in",
					    "200 count ip from any to any tagged 1-5 out",
					    "210 count ip from any to any tagged 6 in",
					    "220 count { tagged 7 or in }",
					    NULL};

	assert_int_equal(crossing_numbers(texts), 1 << 1 | 1 << 3 | 1 << 5 | 1 << 7);
}

static void frames_count_if_they_meet_the_rules(void **state)
{
	static const char *const texts[] = {"100 count tag 5 layer2", "200 count ip from any to any tagged 5 out",
					    NULL};
	struct ruleset ruleset = ruleset_from(texts);

	assert_int_equal(collected(&ruleset).crossing, 1);
	ruleset.switches = 0;
	assert_int_equal(collected(&ruleset).crossing, 0);
	ruleset_free(&ruleset);
}

static void disabled_sets_do_not_count(void **state)
{
	static const char *const texts[] = {"100 set 5 count tag 5 ip from any to any in",
					    "200 count ip from any to any tagged 5 out", NULL};
	struct ruleset ruleset = ruleset_from(texts);

	assert_int_equal(collected(&ruleset).crossing, 1);
	ruleset.disabled_sets = 1 << 5;
	assert_int_equal(collected(&ruleset).crossing, 0);
	ruleset_free(&ruleset);
}

static void ranges_select_bits(void **state)
{
	static const char *const texts[] = {
		"100 count tag 10 ip from any to any", "110 count tag 65534 ip from any to any",
		"120 count tag 20 ip from any to any", "130 count tag 10 ip from any to any", NULL};
	struct ruleset ruleset = ruleset_from(texts);
	struct tags tags = collected(&ruleset);

	assert_int_equal(__builtin_popcountll(tags_bits(&tags, 1, 65535)), 3);
	assert_int_equal(__builtin_popcountll(tags_bits(&tags, 10, 20)), 2);
	assert_int_equal(tags_bits(&tags, 11, 19), 0);
	assert_int_equal(tags_bits(&tags, 0, 0), 0);
	assert_int_equal(tags_bits(&tags, 65534, 65534) & tags_bits(&tags, 10, 20), 0);
	ruleset_free(&ruleset);
}

/* Adds rules that put tags `first` to `last` on packets, and, if asked, test them on output. */
static void add_tags(struct ruleset *ruleset, unsigned int first, unsigned int last, bool tested)
{
	char text[80];

	for (unsigned int number = first; number <= last; number++) {
		snprintf(text, sizeof(text), "100 count tag %u ip from any to any in", number);
		assert_int_equal(ruleset_insert(ruleset, rule_from(text)), 0);
		snprintf(text, sizeof(text), "200 count ip from any to any tagged %u out", number);
		if (tested)
			assert_int_equal(ruleset_insert(ruleset, rule_from(text)), 0);
	}
}

static struct carry carry_of(const struct ruleset *ruleset, bool input)
{
	struct carry carry;
	struct plan plan;

	assert_int_equal(plan_make(&plan, ruleset, &list, input), 0);
	carry = plan_carry(&plan);
	plan_free(&plan);
	return carry;
}

static void eight_cross_by_the_mark_more_by_metadata(void **state)
{
	struct ruleset ruleset = {0};
	struct tags tags;

	add_tags(&ruleset, 101, 150, false);
	add_tags(&ruleset, 1, 8, true);
	tags = collected(&ruleset);
	assert_int_equal(tags.crossing, 0xff);
	assert_true(tags_fit_mark(&tags));
	assert_int_equal(carry_of(&ruleset, true).mark_mask, 0xff000000);
	assert_int_equal(carry_of(&ruleset, true).by_metadata, 0);
	assert_int_equal(carry_of(&ruleset, false).mark_mask, 0);
	add_tags(&ruleset, 9, 9, true);
	tags = collected(&ruleset);
	assert_int_equal(__builtin_popcountll(tags.crossing), 9);
	assert_false(tags_fit_mark(&tags));
	assert_int_equal(carry_of(&ruleset, true).mark_mask, 0);
	assert_int_equal(carry_of(&ruleset, true).by_metadata, 1);
	ruleset_free(&ruleset);
}

static void setfib_is_carried_where_it_can_match(void **state)
{
	static const char *const texts[] = {"100 setfib 1 ip from any to any in", NULL};
	struct ruleset ruleset = ruleset_from(texts);

	assert_int_equal(carry_of(&ruleset, true).mark_mask, CARRY_FIB_MASK);
	assert_int_equal(carry_of(&ruleset, false).mark_mask, 0);
	ruleset_free(&ruleset);
}

static void sixty_four_are_the_most(void **state)
{
	struct ruleset ruleset = {0};
	struct tags tags;

	add_tags(&ruleset, 1, TAGS_MAX, true);
	assert_int_equal(collected(&ruleset).crossing, ~0ull);
	add_tags(&ruleset, TAGS_MAX + 1, TAGS_MAX + 1, false);
	assert_int_equal(tags_collect(&tags, &ruleset, &list), -EOVERFLOW);
	ruleset_free(&ruleset);
}

/* Collects, and remembers the bits as a commit does. */
static struct tags committed(struct ruleset *ruleset)
{
	struct tags tags = collected(ruleset);

	memcpy(ruleset->tags, tags.number, sizeof(ruleset->tags));
	return tags;
}

static void tags_keep_their_bits(void **state)
{
	struct ruleset ruleset = {0};
	__u64 first, second;
	struct tags tags;

	add_tags(&ruleset, 20, 22, true);
	add_tags(&ruleset, 40, 42, false);
	tags = committed(&ruleset);
	first = tags_bits(&tags, 20, 20);
	second = tags_bits(&tags, 42, 42);
	add_tags(&ruleset, 10, 14, true);
	add_tags(&ruleset, 30, 39, false);
	tags = committed(&ruleset);
	assert_int_equal(tags_bits(&tags, 20, 20), first);
	assert_int_equal(tags_bits(&tags, 42, 42), second);
	assert_int_equal(tags.crossing, 0xff);
	ruleset_free(&ruleset);
}

/* Removes the rules; the bits are remembered. */
static void remove_all(struct ruleset *ruleset)
{
	while (ruleset->count)
		ruleset_remove(ruleset, ruleset->count - 1);
}

/* A bit that a tag has just lost is the last that another one gets. */
static void bits_are_not_reused_at_once(void **state)
{
	struct ruleset ruleset = {0};
	__u64 lost, new;
	struct tags tags;

	add_tags(&ruleset, 1, 2, true);
	tags = committed(&ruleset);
	lost = tags_bits(&tags, 1, 1);
	remove_all(&ruleset);
	add_tags(&ruleset, 2, 3, true);
	tags = committed(&ruleset);
	new = tags_bits(&tags, 3, 3);
	assert_int_not_equal(new, 0);
	assert_int_not_equal(new, lost);
	ruleset_free(&ruleset);
}

/* A tag that begins to cross goes where the mark has room, even if others were there. */
static void crossing_tags_come_first(void **state)
{
	struct ruleset ruleset = {0};
	struct tags tags;

	add_tags(&ruleset, 1, 64, false);
	committed(&ruleset);
	remove_all(&ruleset);
	add_tags(&ruleset, 9, 64, false);
	add_tags(&ruleset, 1, 8, true);
	tags = committed(&ruleset);
	assert_int_equal(tags.crossing, 0xff);
	assert_int_equal(tags_bits(&tags, 1, 8), 0xff);
	assert_int_equal(tags_bits(&tags, 1, 64), ~0ull);
	ruleset_free(&ruleset);
}

/* Any number may come out of a table: no bits are given, and all of them cross or none. */
static void tags_out_of_tables_are_numbers(void **state)
{
	static const char *const texts[][4] = {
		{"100 count tag tablearg ip from table(t) to any in", "200 count ip from any to any tagged 5 out",
		 NULL},
		{"100 count tag 5 ip from any to any in", "200 count ip from table(t) to any tagged tablearg out",
		 NULL},
		{"100 count tag tablearg ip from table(t) to any in", "200 count ip from any to any tagged 5 in", NULL},
		{"100 count tag tablearg ip from table(t) to any out", "200 count ip from any to any tagged 5 out",
		 NULL},
		{"100 count tag 5 ip from any to any in", "200 count untag tablearg ip from table(t) to any",
		 "300 count ip from any to any not tagged 5", NULL},
	};
	static const bool crossing[] = {true, true, false, false, true};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct ruleset ruleset = ruleset_from(texts[i]);
		struct tags tags = collected(&ruleset);

		assert_true(tags.numbers);
		assert_true(tags_are_numbers(&ruleset));
		assert_int_equal(tags.crossing, crossing[i] ? ~0ull : 0);
		assert_int_equal(tags_fit_mark(&tags), !crossing[i]);
		assert_int_equal(tags_bits(&tags, 1, 65534), 0);
		ruleset_free(&ruleset);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_tags_that_can_be_tested_on_output_cross),
		cmocka_unit_test(frames_count_if_they_meet_the_rules),
		cmocka_unit_test(disabled_sets_do_not_count),
		cmocka_unit_test(ranges_select_bits),
		cmocka_unit_test(eight_cross_by_the_mark_more_by_metadata),
		cmocka_unit_test(setfib_is_carried_where_it_can_match),
		cmocka_unit_test(sixty_four_are_the_most),
		cmocka_unit_test(tags_keep_their_bits),
		cmocka_unit_test(bits_are_not_reused_at_once),
		cmocka_unit_test(crossing_tags_come_first),
		cmocka_unit_test(tags_out_of_tables_are_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
