/* SPDX-License-Identifier: GPL-2.0-only */
/* Every option row, run in the kernel: packets that match and packets that do not, plain, inverted and in or-blocks. */
#include "selftests/unit/match_cases.h"
#include "selftests/unit/table_fixture.h"

#include "loader/compile/head.h"

/* Whether the rule, which becomes part of a ruleset of its own, matches the packet. */
static bool matches(struct rule *rule, bool output, const struct packet *packet)
{
	struct ruleset ruleset = {.switches = RULESET_WITH_LAYER2};
	struct probe probe;
	__u64 result;

	rule->slot = 1;
	table_fixture_resolve(rule);
	assert_int_equal(ruleset_insert(&ruleset, rule), 0);
	assert_int_equal(ruleset_insert(&ruleset, rule_default("deny")), 0);
	probe = probe_load(&ruleset, &list, !output);
	result = probe_run(&probe, packet);
	probe_close(&probe);
	ruleset_free(&ruleset);
	assert_int_equal(MATCH_SLOT(result), MATCH_VERDICT(result) == VERDICT_ALLOW);
	return MATCH_VERDICT(result) == VERDICT_ALLOW;
}

static struct rule *rule_of(const struct match_case *test)
{
	char text[256];

	snprintf(text, sizeof(text), "100 %s", test->rule);
	return rule_from(text);
}

static void decides(const struct match_case *test, const struct packet *packet, bool hit)
{
	if (matches(rule_of(test), test->output, packet) != hit)
		fail_msg("`%s' does not %s the packet it should", test->rule, hit ? "match" : "pass over");
}

static void options_match_and_pass_over(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		decides(cases + i, &cases[i].hit, true);
		decides(cases + i, &cases[i].miss, false);
	}
}

/* What is made of each case besides: how its option decides then follows from how it does alone. */
enum variant { NEGATED, ALTERNATIVE, OTHER_FAMILY, VARIANTS };

static const char *const variant_names[VARIANTS] = {"inverted", "in an or-block", "in the other address family"};

static const struct {
	const char *name;
	enum option_place place;
	enum head_kind head;
	const char *emitter;
} rows[OPTION_CODES] = {
#define OPTION(code, keyword, aliases, argument, place, emitter, field, head, ...)                                     \
	[OPTION_##code] = {#code, PLACE_##place, HEAD_##head, #emitter},
#include "ipfw/options.def"
#undef OPTION
};

/* They act behind the tests, and outlive the packet: the packet vectors have their cases. */
static bool of_states(int code)
{
	return code == OPTION_KEEP_STATE || code == OPTION_RECORD_STATE || code == OPTION_LIMIT ||
	       code == OPTION_SET_LIMIT || code == OPTION_DEFER_ACTION;
}

static bool is_test(int code)
{
	return rows[code].place != PLACE_HEAD && rows[code].place != PLACE_MODIFIER &&
	       rows[code].place != PLACE_COMMENT;
}

/* Whether it is the same for IPv4 and IPv6. */
static bool of_both_families(int code)
{
	enum head_kind head = rows[code].head;

	return (head == HEAD_NOTHING || head == HEAD_PORTS || head == HEAD_TCP || head == HEAD_PROTOCOL) &&
	       code != OPTION_IP_VERSION && code != OPTION_TCP_DATA_LENGTH && code != OPTION_SOURCE_TABLE &&
	       code != OPTION_DESTINATION_TABLE && code != OPTION_FLOW && code != OPTION_LOOKUP;
}

static bool rule_of_both_families(const struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule)
		if (!of_both_families(option->code))
			return false;
	return true;
}

/* The option of this row that is no alternative to others, or NULL. */
static struct option *find_option(struct rule *rule, int code)
{
	bool inside = false;

	RULE_FOR_EACH_OPTION (option, rule) {
		if (option->code == code && !inside && !(option->flags & OPTION_OR))
			return (struct option *)option;
		inside = option->flags & OPTION_OR;
	}
	return NULL;
}

/* Makes an or-block of the option and one that no packet matches. Returns the new rule; the old one is freed. */
static struct rule *add_alternative(struct rule *rule, struct option *option)
{
	const struct option never = {.code = OPTION_PROTOCOL, .size = 16, .u.number = 256};
	size_t before = (size_t)((char *)option - (char *)rule) + option->size;
	struct rule *longer = malloc(rule->size + never.size);

	assert_non_null(longer);
	option->flags |= OPTION_OR;
	memcpy(longer, rule, before);
	memcpy((char *)longer + before, &never, never.size);
	memcpy((char *)longer + before + never.size, (char *)rule + before, rule->size - before);
	longer->size += never.size;
	longer->options_size += never.size;
	longer->option_count++;
	free(rule);
	assert_true(rule_valid(longer, longer->size));
	return longer;
}

/* Tries a variant of the case on one of its packets. Returns false if the case has no such variant. */
static bool varies(const struct match_case *test, enum variant variant, struct packet packet, bool hit)
{
	struct rule *rule = rule_of(test);
	struct option *option = find_option(rule, test->option);
	bool sole = rule->option_count == 1, wanted = variant == NEGATED ? !hit : hit;

	if (!option || (variant == OTHER_FAMILY && (!packet.family || !rule_of_both_families(rule))) ||
	    (variant == NEGATED && !hit && !sole)) {
		free(rule);
		return false;
	}
	if (variant == NEGATED)
		option->flags ^= OPTION_NOT;
	else if (variant == ALTERNATIVE)
		rule = add_alternative(rule, option);
	else
		packet.family = packet.family == 4 ? 6 : 4;
	if (matches(rule, test->output, &packet) != wanted)
		fail_msg("`%s' %s does not %s the packet", test->rule, variant_names[variant],
			 wanted ? "match" : "pass over");
	return true;
}

static void every_option_row_has_its_cases(void **state)
{
	bool seen[OPTION_CODES] = {false}, varied[OPTION_CODES][VARIANTS] = {{false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int code = cases[i].option;

		seen[code] = true;
		for (enum variant variant = 0; is_test(code) && variant < VARIANTS; variant++) {
			varied[code][variant] |= varies(cases + i, variant, cases[i].hit, true);
			varies(cases + i, variant, cases[i].miss, false);
		}
	}
	for (int code = 0; code < OPTION_CODES; code++) {
		if (!strcmp(rows[code].emitter, "later") || of_states(code))
			continue;
		if (!seen[code])
			fail_msg("option %s has no case in match_cases.h", rows[code].name);
		for (enum variant variant = 0; is_test(code) && variant < VARIANTS; variant++)
			if (!varied[code][variant] && (variant != OTHER_FAMILY || of_both_families(code)))
				fail_msg("option %s has no case that can be tried %s", rows[code].name,
					 variant_names[variant]);
	}
}

static int make_tables(void **state)
{
	struct table_present present[sizeof(interfaces) / sizeof(*interfaces)];

	for (size_t i = 0; i < list.count; i++)
		present[i] = (struct table_present){(__u32)interfaces[i].index, interfaces[i].name};
	table_fixture_make(present, list.count);
	return 0;
}

static int forget_tables(void **state)
{
	table_fixture_close();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_match_and_pass_over),
		cmocka_unit_test(every_option_row_has_its_cases),
	};

	return cmocka_run_group_tests(tests, make_tables, forget_tables);
}
