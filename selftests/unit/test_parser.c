/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts and the listings or errors that they give. Each row of options.def and actions.def must have its cases: a row
 * without them fails here.
 */
#include "selftests/unit/rule_cases.h"
#include "selftests/unit/support.h"

static char warning[256];

static void remember_warning(void *argument, const char *message)
{
	snprintf(warning, sizeof(warning), "%s", message);
}

/* Parses a text. Returns the rule or NULL with *error set. */
static struct rule *parse(const char *text, struct error *error)
{
	struct parse_context context = {.warn = remember_warning};

	warning[0] = '\0';
	return rule_from_text(text, &context, error);
}

static void check_case(const struct rule_case *test)
{
	struct print_options plain = {0};
	struct error error;
	struct rule *rule = parse(test->text, &error);
	char listing[512];

	if (test->exit_code) {
		if (rule)
			fail_msg("`%s' was taken", test->text);
		if (strcmp(error.message, test->expected) != 0 || error.exit_code != test->exit_code)
			fail_msg("`%s': exit %d, %s", test->text, error.exit_code, error.message);
		if (error.word != test->word || !error.advice[0])
			fail_msg("`%s': word %d, advice `%s'", test->text, error.word, error.advice);
		return;
	}
	if (!rule)
		fail_msg("`%s': %s", test->text, error.message);
	rule->number = 1;
	assert_true(rule_valid(rule, rule->size));
	rule_print(listing, sizeof(listing), rule, &plain);
	if (strcmp(listing, test->expected) != 0)
		fail_msg("`%s' is listed as `%s'", test->text, listing);
	free(rule);
}

static void check_cases(const struct rule_case *cases, size_t count, unsigned int (*seen)[CASE_KINDS])
{
	for (size_t i = 0; i < count; i++) {
		check_case(&cases[i]);
		if (seen)
			seen[cases[i].code][cases[i].kind]++;
	}
}

static void test_options(void **state)
{
	static const char *const names[] = {
#define OPTION(code, ...) #code,
#include "ipfw/options.def"
#undef OPTION
	};
	unsigned int seen[OPTION_CODES][CASE_KINDS] = {0};

	check_cases(option_cases, sizeof(option_cases) / sizeof(option_cases[0]), seen);
	for (int code = 0; code < OPTION_CODES; code++)
		for (int kind = 0; kind < CASE_KINDS; kind++)
			if (!seen[code][kind])
				fail_msg("option %s has no `%s' case", names[code], kind_names[kind]);
}

static void test_actions(void **state)
{
	static const char *const names[] = {
#define ACTION(code, ...) #code,
#include "ipfw/actions.def"
#undef ACTION
	};
	unsigned int seen[ACTION_CODES][CASE_KINDS] = {0};

	check_cases(action_cases, sizeof(action_cases) / sizeof(action_cases[0]), seen);
	for (int code = 0; code < ACTION_CODES; code++)
		for (int kind = VALID; kind <= INVALID; kind++)
			if (!seen[code][kind])
				fail_msg("action %s has no `%s' case", names[code], kind_names[kind]);
}

static void test_others(void **state)
{
	check_cases(other_cases, sizeof(other_cases) / sizeof(other_cases[0]), NULL);
}

static int install(const char *text, struct error *error)
{
	struct parse_context context = {.install = true};
	struct rule *rule = rule_from_text(text, &context, error);

	free(rule);
	return rule ? 0 : -1;
}

static bool has_row_without_code(const struct rule *rule)
{
	static const char *const options[] = {
#define OPTION(code, keyword, aliases, argument, place, emitter, ...) [OPTION_##code] = #emitter,
#include "ipfw/options.def"
#undef OPTION
	};
	static const char *const actions[] = {
#define ACTION(code, keyword, aliases, argument, terminal, emitter, ...) [ACTION_##code] = #emitter,
#include "ipfw/actions.def"
#undef ACTION
	};

	RULE_FOR_EACH_OPTION (option, rule)
		if (!strcmp(options[option->code], "later"))
			return true;
	return !strcmp(actions[rule_action(rule)->code], "later");
}

static void check_install(const struct rule_case *test)
{
	struct error error;
	struct rule *rule;
	char text[256];
	bool later;

	if (test->exit_code)
		return;
	rule = parse(test->text, &error);
	assert_non_null(rule);
	later = has_row_without_code(rule);
	free(rule);
	if (install(test->text, &error) != (later ? -1 : 0))
		fail_msg("`%s' can%s be installed", test->text, later ? "" : "not");
	if (!later)
		return;
	assert_non_null(strstr(error.message, ": not supported yet"));
	assert_int_equal(error.exit_code, EX_UNAVAILABLE);
	if (strstr(test->text, "//") || strstr(test->text, "check-state")) /* takes any words behind it */
		return;
	/* What is wrong comes first. */
	snprintf(text, sizeof(text), "%s bogus", test->text);
	assert_int_equal(install(text, &error), -1);
	assert_string_equal(error.message, "unrecognised option [-1] bogus");
}

/* Rules with a row whose emitter is `later` parse but cannot be installed; all others can. */
static void test_rows_without_code(void **state)
{
	for (size_t i = 0; i < sizeof(option_cases) / sizeof(option_cases[0]); i++)
		check_install(&option_cases[i]);
	for (size_t i = 0; i < sizeof(action_cases) / sizeof(action_cases[0]); i++)
		check_install(&action_cases[i]);
}

static void test_head(void **state)
{
	struct error error;
	struct rule *rule = parse("1234 set 9 prob 0.25 unreach needfrag 1420 tcp from any to any", &error);

	assert_non_null(rule);
	assert_int_equal(rule->number, 1234);
	assert_int_equal(rule->set, 9);
	assert_int_equal(rule->option_count, 2);
	assert_int_equal(rule_first_option(rule)->code, OPTION_PROBABILITY);
	assert_int_equal(rule_first_option(rule)->u.number, PROBABILITY_ONE / 4);
	assert_int_equal(rule_action(rule)->code, ACTION_UNREACH);
	assert_int_equal(rule_action(rule)->argument, 4);
	assert_int_equal(rule_action(rule)->extra, 1420);
	free(rule);
	rule = parse("0 allow in", &error);
	assert_int_equal(rule->number, 0);
	free(rule);
}

static void test_warnings(void **state)
{
	struct error error;

	free(parse("allow tcp from an to me", &error));
	assert_string_equal(warning, "DEPRECATED: 'an' matched 'any' as a sub-string");
	assert_null(parse("allow tcp from any to any 080", &error));
	assert_string_equal(warning, "port list: invalid separator <8> in <080>");
	assert_string_equal(error.message, "unrecognised option [-1] 080");
	free(parse("allow tcp from any to any 80", &error));
	assert_string_equal(warning, "");
}

static void test_advice(void **state)
{
	struct error error;

	assert_null(parse("dney in", &error));
	assert_string_equal(error.advice, "did you mean `deny'?");
	assert_null(parse("allow ip from any to any Established", &error));
	assert_string_equal(error.advice, "did you mean `established'?");
	assert_null(parse("allow icmptypes 40", &error));
	assert_string_equal(error.advice, "types are 0 to 31");
}

/* A body as long as ipfw takes is taken, a longer one is refused and does no harm. */
static void test_length(void **state)
{
	char text[8192];
	struct error error;
	struct rule *rule;

	for (int count = 249; count <= 252; count++) {
		size_t used = (size_t)snprintf(text, sizeof(text), "allow");

		for (int i = 0; i < count; i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, " in");
		rule = parse(text, &error);
		assert_true((rule != NULL) == (count <= 250));
		if (!rule)
			assert_string_equal(error.message, "Rule too long");
		free(rule);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options), cmocka_unit_test(test_actions),		  cmocka_unit_test(test_others),
		cmocka_unit_test(test_head),	cmocka_unit_test(test_warnings),	  cmocka_unit_test(test_advice),
		cmocka_unit_test(test_length),	cmocka_unit_test(test_rows_without_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
