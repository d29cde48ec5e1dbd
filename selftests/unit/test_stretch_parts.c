/* SPDX-License-Identifier: GPL-2.0-only */
/* Where stretches begin and end, and how many of them there may be. */
#include "selftests/unit/support.h"

#include <stdarg.h>
#include <stdio.h>

#include "loader/compile/chain.h"
#include "loader/compile/plan.h"

static const struct interface_list list;
static size_t default_from;

static int restore(void **state)
{
	plan_classify_from = default_from;
	return 0;
}

static struct plan planned(const struct ruleset *ruleset)
{
	struct plan plan;

	assert_int_equal(plan_make(&plan, ruleset, &list, true), 0);
	return plan;
}

/* Adds a rule of this text, with a slot of its own. */
static __attribute__((format(printf, 2, 3))) void add(struct ruleset *ruleset, const char *format, ...)
{
	struct rule *rule;
	va_list arguments;
	char text[256];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	rule = rule_from(text);
	rule->slot = (__u32)ruleset->count;
	assert_int_equal(ruleset_insert(ruleset, rule), 0);
}

/* The first and last rule of each function, by number, with `?` behind a stretch that asks for states. */
static char *functions_text(const struct ruleset *ruleset)
{
	struct plan plan = planned(ruleset);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < plan.function_count; i++) {
		const struct plan_function *function = plan.functions + i;

		fprintf(out, "%s%s%u-%u%s", i ? " " : "", function->classified ? "" : "code ",
			plan.rules[function->first].rule->number, plan.rules[function->end - 1].rule->number,
			function->question ? "?" : "");
	}
	fclose(out);
	plan_free(&plan);
	return text;
}

/* A ruleset of such lines, each with a slot of its own. */
static char *functions_of(const char *const *texts)
{
	struct ruleset ruleset = ruleset_from(texts);
	char *text;

	for (size_t i = 0; i < ruleset.count; i++)
		ruleset.rules[i]->slot = (__u32)i;
	text = functions_text(&ruleset);
	ruleset_free(&ruleset);
	return text;
}

static void parts_rules_where_states_are_asked_for(void **state)
{
	static const struct {
		const char *texts[8], *functions;
	} cases[] = {
		/* at the first question, which is also a check-state's, and at another name */
		{{"10 deny ip from 10.0.0.1 to any", "20 allow tcp from 10.0.0.2 to any keep-state",
		  "30 deny ip from 10.0.0.3 to any", "40 allow tcp from 10.0.0.4 to any limit src-addr 2", NULL},
		 "10-10 20-65535?"},
		{{"10 check-state", "20 deny ip from 10.0.0.1 to any", "30 allow tcp from 10.0.0.2 to any keep-state",
		  NULL},
		 "10-65535?"},
		{{"10 allow tcp from any to any keep-state :a", "20 allow tcp from 10.0.0.2 to any keep-state :b",
		  "30 allow tcp from 10.0.0.2 to any keep-state :b", NULL},
		 "10-10? 20-65535?"},
		/* none is asked for */
		{{"10 allow tcp from any to any record-state", "20 deny ip from 10.0.0.1 to any", NULL}, "10-65535"},
		/* what is asked, or done, depends on more */
		{{"10 check-state :any", "20 allow tcp from 10.0.0.2 to any keep-state", NULL}, "code 10-10 20-65535?"},
		{{"10 prob 0.5 allow tcp from 10.0.0.2 to any keep-state", "20 deny ip from 10.0.0.2 to any", NULL},
		 "code 10-10 20-65535"},
		{{"10 tcp-setmss 1400 tcp from 10.0.0.2 to any",
		  "20 tcp-setmss 1400 tcp from 10.0.0.2 to any keep-state", NULL},
		 "code 10-20 65535-65535"},
	};

	plan_classify_from = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = functions_of(cases[i].texts);

		assert_string_equal(text, cases[i].functions);
		free(text);
	}
}

/* Each name that is asked for parts the rules: these would be more branches than the verifier follows. */
static void gives_up_where_names_part_too_many_rules(void **state)
{
	struct ruleset ruleset = ruleset_from((const char *const[]){NULL});
	struct plan plan;

	for (unsigned int i = 0; i < 600; i++)
		add(&ruleset, "%u allow tcp from 10.0.%u.%u to any keep-state :%c", 1 + i, i / 200, i % 200,
		    i % 2 ? 'a' : 'b');
	plan_classify_from = 0;
	plan = planned(&ruleset);
	assert_false(plan_classifies(&plan));
	assert_int_equal(plan.functions[0].form, STRETCH_SCATTERED);
	plan_free(&plan);
	while (ruleset.count > 400)
		ruleset_remove(&ruleset, 0);
	plan = planned(&ruleset);
	assert_int_equal(plan.functions[0].form, STRETCH_CLASSIFIED);
	assert_true(chain_branches(&plan) <= CHAIN_BRANCHES_MAX);
	plan_free(&plan);
	ruleset_free(&ruleset);
}

/* Blocks of rules with one that makes states behind each. */
static void looks_up_rules_with_states_among_them(void **state)
{
	struct ruleset ruleset = ruleset_from((const char *const[]){NULL});
	char *text;

	for (unsigned int i = 0; i < 3300; i++) {
		bool last = i % 100 == 99;

		add(&ruleset, "%u %s 10.%u.%u.0/24 to any%s", 1 + i, last ? "allow tcp from" : "deny ip from", i / 100,
		    i % 100, last ? " keep-state" : "");
	}
	text = functions_text(&ruleset);
	assert_string_equal(text, "code 1-99 100-3300? code 65535-65535");
	free(text);
	ruleset_free(&ruleset);
}

/* Adds groups of rules that differ in all fields, with one behind each group that is code. */
static void add_groups(struct ruleset *ruleset, unsigned int groups)
{
	for (unsigned int group = 0; group < groups; group++) {
		for (unsigned int i = 0; i < 70; i++)
			add(ruleset, "%u allow tcp from 10.%u.%u.%u %u to 11.%u.%u.0/%u %u", 1 + 2 * group, i * 7 % 256,
			    i * 31 % 256, (group + i * 11) % 256, 1 + i * 401 % 65000, i * 13 % 256, group % 256,
			    24 + i % 8, 1 + i * 601 % 65000);
		add(ruleset, "%u tcp-setmss 1400 tcp from 10.9.0.%u to any", 2 + 2 * group, group % 250);
	}
}

/* Such groups, and as many rules that make one long stretch, with states. */
static struct ruleset scattered(unsigned int groups, unsigned int longer)
{
	struct ruleset ruleset = ruleset_from((const char *const[]){NULL});

	add_groups(&ruleset, groups);
	for (unsigned int i = 0; i < longer; i++)
		add(&ruleset, "%u allow tcp from 10.2.0.1 to 10.3.%u.%u %u keep-state", 60000 + i, i / 250, i % 250,
		    1 + i);
	return ruleset;
}

/* How many stretches the plan of such rules has; the last one that is code, before the default rule, says why. */
static size_t stretches_of(unsigned int groups, unsigned int longer, bool with_states, enum stretch_form form)
{
	struct ruleset ruleset = scattered(groups, longer);
	struct plan plan = planned(&ruleset);
	size_t stretches = 0, code = 0;

	for (size_t i = 0; i < plan.function_count; i++)
		stretches += plan.functions[i].classified;
	code = plan.function_count - stretches;
	assert_true(code <= 130);
	assert_int_equal(plan.functions[0].form, form);
	assert_int_equal(plan.classifies_states, with_states);
	assert_int_equal(plan_classifies(&plan), stretches > 0);
	assert_true((plan.image != NULL) == (stretches > 0));
	plan_free(&plan);
	ruleset_free(&ruleset);
	return stretches;
}

/* Between stretches there are functions, of which the kernel takes so many: then long ones are looked up alone. */
static void looks_up_what_is_long_where_stretches_are_too_many(void **state)
{
	plan_classify_from--; /* whatever it costs */
	assert_int_equal(stretches_of(100, 0, false, STRETCH_CLASSIFIED), 100);
	assert_int_equal(stretches_of(100, 1000, true, STRETCH_CLASSIFIED), 101);
	assert_int_equal(stretches_of(140, 0, false, STRETCH_SCATTERED), 0);
	assert_int_equal(stretches_of(140, 1000, true, STRETCH_SCATTERED), 1);
	/* what is tried with more of them leaves nothing behind */
	assert_int_equal(stretches_of(140, 100, false, STRETCH_SCATTERED), 0);
}

/* Sections of rules for a host each, with one behind each that is code. */
static enum stretch_form form_of_sections(unsigned int sections)
{
	struct ruleset ruleset = ruleset_from((const char *const[]){NULL});
	enum stretch_form form;
	struct plan plan;

	for (unsigned int section = 0; section < sections; section++) {
		for (unsigned int i = 0; i < 150; i++)
			add(&ruleset, "%u allow tcp from any to 10.1.0.%u %u", 1 + 2 * section, section, 1 + i);
		add(&ruleset, "%u tcp-setmss 1400 tcp from 10.9.0.%u to any", 2 + 2 * section, section);
	}
	plan = planned(&ruleset);
	form = plan.functions[0].form;
	plan_free(&plan);
	ruleset_free(&ruleset);
	return form;
}

/* Code goes past the rules for another host in one step. */
static void looks_up_no_section_that_most_packets_go_past(void **state)
{
	assert_int_equal(form_of_sections(1), STRETCH_EXACT);
	assert_int_equal(form_of_sections(10), STRETCH_NOT_CHEAPER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(parts_rules_where_states_are_asked_for, restore),
		cmocka_unit_test_teardown(gives_up_where_names_part_too_many_rules, restore),
		cmocka_unit_test(looks_up_rules_with_states_among_them),
		cmocka_unit_test_teardown(looks_up_what_is_long_where_stretches_are_too_many, restore),
		cmocka_unit_test(looks_up_no_section_that_most_packets_go_past),
	};

	default_from = plan_classify_from;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
