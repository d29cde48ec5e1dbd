/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftests/unit/support.h"

#include <errno.h>

#include "ipfw/variable.h"
#include "maps/layout.h"

static void rows_are_sound(void **state)
{
	struct variables initial;

	variables_initialise(&initial);
	for (int i = 0; i < VARIABLES; i++) {
		const struct variable_row *row = variable_rows + i;

		assert_int_equal(variable_find(row->name), i);
		assert_true(row->description[0]);
		if (i && strcmp(variable_rows[i - 1].name, row->name) >= 0)
			fail_msg("%s is out of order", row->name);
		if (row->flags & VARIABLE_READ_ONLY)
			continue;
		assert_true(row->low < row->high);
		assert_in_range(initial.value[i], row->low, row->high);
	}
	assert_int_equal(variable_find("net.inet.ip.fw"), -ENOENT);
	assert_int_equal(variables_switches(&initial), 0);
}

/* What is stored is read back, each variable by itself: no two share a place. */
static void every_value_has_its_own_place(void **state)
{
	for (int i = 0; i < VARIABLES; i++) {
		struct variables variables, found;
		struct control control = {0};

		if (variable_rows[i].flags & VARIABLE_READ_ONLY)
			continue;
		variables_initialise(&variables);
		variables.value[i] ^= 1;
		variables_store(&variables, &control);
		variables_load(&found, &control, variables_switches(&variables));
		assert_memory_equal(&found, &variables, sizeof(found));
	}
}

static void switches_are_bits_of_the_ruleset(void **state)
{
	static const struct {
		enum variable variable;
		__u32 value, switches;
	} cases[] = {{VARIABLE_ENABLE_IP4, 0, RULESET_WITHOUT_IP4},
		     {VARIABLE_ENABLE_IP6, 0, RULESET_WITHOUT_IP6},
		     {VARIABLE_ENABLE_LAYER2, 1, RULESET_WITH_LAYER2},
		     {VARIABLE_FAST_FORWARDING, 1, RULESET_FORWARD_TOLD},
		     {VARIABLE_FAST_FORWARDING, 2, RULESET_FORWARD_ANY}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct variables variables;

		variables_initialise(&variables);
		variables.value[cases[i].variable] = cases[i].value;
		assert_int_equal(variables_switches(&variables), cases[i].switches);
	}
}

static void values_are_checked(void **state)
{
	static const struct {
		const char *text;
		int result;
		__u32 value;
	} cases[] = {{"1", 0, 1},
		     {"1000", 0, 1000},
		     {"0x10", 0, 16},
		     {"0", -ERANGE, 7},
		     {"1001", -ERANGE, 7},
		     {"-1", -ERANGE, 7},
		     {"", -EINVAL, 7},
		     {"ten", -EINVAL, 7},
		     {"10 ", -EINVAL, 7},
		     {"1.5", -EINVAL, 7},
		     {"99999999999999999999", -ERANGE, 7}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct variables variables;

		variables_initialise(&variables);
		variables.value[VARIABLE_NUMBER_STEP] = 7;
		assert_int_equal(variable_set(&variables, VARIABLE_NUMBER_STEP, cases[i].text), cases[i].result);
		assert_int_equal(variables.value[VARIABLE_NUMBER_STEP], cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(every_value_has_its_own_place),
		cmocka_unit_test(switches_are_bits_of_the_ruleset),
		cmocka_unit_test(values_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
