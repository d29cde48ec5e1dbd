/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers, selections and inherited counter slots of ipfw-compat/ruleset_edit.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "ipfw-compat/ruleset_edit.h"
#include "loader/firewall.h"

#define STEP 100
#define ALL_NUMBERS .first = 0, .last = RULE_NUMBER_DEFAULT

struct fixture {
	struct ruleset ruleset, removed;
};

/* A rule without options; `argument` tells two bodies apart. */
static struct rule *make_rule(unsigned int number, unsigned int set, unsigned int argument)
{
	size_t size = sizeof(struct rule) + sizeof(struct action);
	struct rule *rule = calloc(1, size);
	struct action *action;

	assert_non_null(rule);
	rule->size = size;
	rule->number = number;
	rule->set = set;
	rule->slot = RULE_SLOT_NEW;
	action = (struct action *)rule->options;
	action->code = ACTION_SKIPTO;
	action->size = sizeof(*action);
	action->argument = argument;
	return rule;
}

static unsigned int argument_at(const struct fixture *fixture, size_t index)
{
	return rule_action(fixture->ruleset.rules[index])->argument;
}

static struct rule *add(struct fixture *fixture, unsigned int number, unsigned int set, unsigned int argument)
{
	struct rule *rule = make_rule(number, set, argument);

	assert_int_equal(ruleset_add(&fixture->ruleset, &fixture->removed, rule, STEP), 0);
	return rule;
}

static int delete (struct fixture *fixture, struct selection selection)
{
	return ruleset_delete(&fixture->ruleset, &fixture->removed, &selection);
}

/* A ruleset with the default rule alone. */
static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct rule *rule = make_rule(RULE_NUMBER_DEFAULT, RULE_SET_DEFAULT, 0);

	assert_non_null(fixture);
	rule->slot = COUNTER_SLOT_DEFAULT;
	assert_int_equal(ruleset_insert(&fixture->ruleset, rule), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	ruleset_free(&fixture->ruleset);
	ruleset_free(&fixture->removed);
	free(fixture);
	return 0;
}

static void test_automatic_numbers(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(add(fixture, 0, 0, 1)->number, 100);
	assert_int_equal(add(fixture, 0, 0, 2)->number, 200);
	assert_int_equal(add(fixture, 7, 0, 3)->number, 7);
	assert_int_equal(add(fixture, 0, 0, 4)->number, 300);
	assert_int_equal(add(fixture, 60000, 0, 5)->number, 60000);
	assert_int_equal(ruleset_next_number(&fixture->ruleset, 1), 60001);
	assert_int_equal(ruleset_next_number(&fixture->ruleset, 1000), 61000);
}

static void test_numbers_near_the_end(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, 65434, 0, 1);
	assert_int_equal(add(fixture, 0, 0, 2)->number, 65534);
	/* 65634 does not exist: the number of the last rule again, behind it. */
	assert_int_equal(add(fixture, 0, 0, 3)->number, 65534);
	assert_int_equal(argument_at(fixture, 1), 2);
	assert_int_equal(argument_at(fixture, 2), 3);
	assert_int_equal(fixture->ruleset.rules[3]->number, RULE_NUMBER_DEFAULT);
}

static void test_step_that_would_reach_the_default_rule(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, 65435, 0, 1);
	assert_int_equal(ruleset_next_number(&fixture->ruleset, STEP), 65435);
	assert_int_equal(ruleset_next_number(&fixture->ruleset, STEP - 1), 65534);
}

static void test_default_number_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct rule *rule = make_rule(RULE_NUMBER_DEFAULT, 0, 1);

	assert_int_equal(ruleset_add(&fixture->ruleset, &fixture->removed, rule, STEP), -EINVAL);
	assert_int_equal(fixture->ruleset.count, 1);
	free(rule);
}

static void test_equal_numbers_keep_their_order(void **state)
{
	struct fixture *fixture = *state;
	static const unsigned int expected[] = {4, 1, 2, 3, 5};

	add(fixture, 200, 0, 1);
	add(fixture, 200, 1, 2);
	add(fixture, 200, 0, 3);
	add(fixture, 100, 0, 4);
	add(fixture, 300, 0, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(argument_at(fixture, i), expected[i]);
}

static void test_delete_number(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, 100, 0, 1);
	add(fixture, 200, 0, 2);
	add(fixture, 200, 3, 3);
	add(fixture, 300, 0, 4);
	assert_int_equal(delete (fixture, (struct selection){200, 200, ANY_SET, false}), 2);
	assert_int_equal(fixture->ruleset.count, 3);
	assert_int_equal(argument_at(fixture, 0), 1);
	assert_int_equal(argument_at(fixture, 1), 4);
	assert_int_equal(fixture->removed.count, 2);
	assert_int_equal(delete (fixture, (struct selection){200, 200, ANY_SET, false}), 0);
}

static void test_delete_range(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int number = 100; number <= 500; number += 100)
		add(fixture, number, number / 100, number);
	assert_int_equal(delete (fixture, (struct selection){150, 400, ANY_SET, false}), 3);
	assert_int_equal(fixture->ruleset.count, 3);
	assert_int_equal(argument_at(fixture, 1), 500);
	/* An inverted range selects nothing. */
	assert_int_equal(delete (fixture, (struct selection){500, 100, ANY_SET, false}), 0);
	assert_int_equal(delete (fixture, (struct selection){100, 500, 5, false}), 1);
	assert_int_equal(fixture->ruleset.count, 2);
}

static void test_default_rule_stays(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(delete (fixture, (struct selection){ALL_NUMBERS, .set = ANY_SET}), 0);
	assert_int_equal(delete (fixture, (struct selection){ALL_NUMBERS, .set = RULE_SET_DEFAULT}), 0);
	assert_int_equal(fixture->ruleset.count, 1);
}

static void test_delete_set(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, 100, 0, 1);
	add(fixture, 200, 31, 2);
	add(fixture, 300, 1, 3);
	assert_int_equal(delete (fixture, (struct selection){ALL_NUMBERS, .set = 31}), 1);
	assert_int_equal(delete (fixture, (struct selection){ALL_NUMBERS, .set = 5}), 0);
	assert_int_equal(fixture->ruleset.count, 3);
	assert_int_equal(argument_at(fixture, 1), 3);
}

static void test_flush_spares_set_31(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, 100, 0, 1);
	add(fixture, 200, 31, 2);
	add(fixture, 300, 30, 3);
	assert_int_equal(delete (fixture, (struct selection){ALL_NUMBERS, .set = ANY_SET, .spare_default_set = true}),
			 2);
	assert_int_equal(fixture->ruleset.count, 2);
	assert_int_equal(argument_at(fixture, 0), 2);
}

/* What a commit does: new rules get a slot. */
static void assign_slots(struct fixture *fixture)
{
	for (size_t i = 0; i + 1 < fixture->ruleset.count; i++)
		fixture->ruleset.rules[i]->slot = 10 + i;
}

static void test_reload_keeps_slots(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, 100, 0, 1);
	add(fixture, 200, 0, 2);
	add(fixture, 300, 0, 3);
	assign_slots(fixture);
	delete (fixture, (struct selection){ALL_NUMBERS, .set = ANY_SET, .spare_default_set = true});
	assert_int_equal(add(fixture, 200, 0, 2)->slot, 11);
	/* The number may as well be an automatic one. */
	assert_int_equal(add(fixture, 0, 0, 3)->slot, 12);
	/* Another set, body or number is another rule. */
	assert_int_equal(add(fixture, 100, 1, 1)->slot, RULE_SLOT_NEW);
	assert_int_equal(add(fixture, 100, 0, 9)->slot, RULE_SLOT_NEW);
	assert_int_equal(add(fixture, 101, 0, 1)->slot, RULE_SLOT_NEW);
	assert_int_equal(add(fixture, 100, 0, 1)->slot, 10);
}

static void test_a_slot_goes_to_one_rule_only(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, 100, 0, 1);
	add(fixture, 100, 0, 1);
	assign_slots(fixture);
	delete (fixture, (struct selection){100, 100, ANY_SET, false});
	assert_int_equal(add(fixture, 100, 0, 1)->slot, 10);
	assert_int_equal(add(fixture, 100, 0, 1)->slot, 11);
	assert_int_equal(add(fixture, 100, 0, 1)->slot, RULE_SLOT_NEW);
	/* Taken out once more, the slots are there once more. */
	assert_int_equal(delete (fixture, (struct selection){100, 100, ANY_SET, false}), 3);
	assert_int_equal(add(fixture, 100, 0, 1)->slot, 10);
}

static void test_move_keeps_places_and_slots(void **state)
{
	struct fixture *fixture = *state;
	struct rule *moved = add(fixture, 200, 1, 1), *other = add(fixture, 200, 2, 2);
	struct selection number = {.first = 200, .last = 200, .set = ANY_SET};

	moved->slot = 7;
	assert_true(ruleset_move(&fixture->ruleset, &number, 3));
	assert_false(ruleset_move(&fixture->ruleset, &number, 3));
	assert_int_equal(moved->set, 3);
	assert_int_equal(other->set, 3);
	assert_int_equal(moved->slot, 7);
	assert_int_equal(argument_at(fixture, 0), 1);
	assert_true(ruleset_move(&fixture->ruleset, &(struct selection){ALL_NUMBERS, .set = 3}, 31));
	assert_false(
		ruleset_move(&fixture->ruleset, &(struct selection){.first = 65535, .last = 65535, .set = ANY_SET}, 1));
}

static void test_swapped_sets_keep_the_default_rule(void **state)
{
	struct fixture *fixture = *state;
	struct rule *low = add(fixture, 100, 1, 1), *high = add(fixture, 200, RULE_SET_DEFAULT, 2);
	struct rule *third = add(fixture, 300, 3, 3);

	assert_true(ruleset_swap_sets(&fixture->ruleset, 1, RULE_SET_DEFAULT));
	assert_int_equal(low->set, RULE_SET_DEFAULT);
	assert_int_equal(high->set, 1);
	assert_int_equal(third->set, 3);
	assert_int_equal(fixture->ruleset.rules[3]->set, RULE_SET_DEFAULT);
	assert_false(ruleset_swap_sets(&fixture->ruleset, 3, 3));
	assert_false(ruleset_swap_sets(&fixture->ruleset, 10, 11));
}

static void test_switched_sets(void **state)
{
	struct fixture *fixture = *state;

	assert_true(ruleset_switch_sets(&fixture->ruleset, 1u << 31 | 1u << 4, 0));
	assert_int_equal(fixture->ruleset.disabled_sets, 1 << 4);
	assert_true(ruleset_switch_sets(&fixture->ruleset, 1u << 5, 1u << 4));
	assert_int_equal(fixture->ruleset.disabled_sets, 1 << 5);
	assert_false(ruleset_switch_sets(&fixture->ruleset, 1u << 5 | 1u << 31, 1u << 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_automatic_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers_near_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_step_that_would_reach_the_default_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(test_default_number_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_equal_numbers_keep_their_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delete_number, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delete_range, setup, teardown),
		cmocka_unit_test_setup_teardown(test_default_rule_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delete_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush_spares_set_31, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_keeps_slots, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_slot_goes_to_one_rule_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_move_keeps_places_and_slots, setup, teardown),
		cmocka_unit_test_setup_teardown(test_swapped_sets_keep_the_default_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(test_switched_sets, setup, teardown),
	};

	return cmocka_run_group_tests_name("ruleset_edit", tests, NULL, NULL);
}
