/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftests/unit/support.h"

#include <arpa/inet.h>

#include "ipfw/packet.h"
#include "ipfw/verdict.h"
#include "loader/compile/plan.h"

static struct interface_address em0_address = {.family = 4, .prefix_length = 24};
static struct interface interfaces[] = {
	{.index = 1, .name = "lo"},
	{.index = 2, .name = "em0", .addresses = &em0_address, .address_count = 1},
	{.index = 3, .name = "em1"},
	{.index = 7, .name = "tun0"},
};
static const struct interface_list list = {.interfaces = interfaces, .count = 4};

/* Plans the texts; the numbers of the planned rules are written to `numbers`, ended by 0. */
static void planned(const char *const *texts, bool input, unsigned int *numbers)
{
	struct ruleset ruleset = ruleset_from(texts);
	struct plan plan;
	size_t i;

	assert_int_equal(plan_make(&plan, &ruleset, &list, input), 0);
	for (i = 0; i < plan.rule_count; i++)
		numbers[i] = plan.rules[i].rule->number;
	numbers[i] = 0;
	plan_free(&plan);
	ruleset_free(&ruleset);
}

#define ASSERT_PLANNED(input, texts, ...)                                                                              \
	do {                                                                                                           \
		unsigned int got[64], wanted[] = {__VA_ARGS__, 0};                                                     \
		planned(texts, input, got);                                                                            \
		for (size_t n = 0; n < sizeof(wanted) / sizeof(*wanted); n++)                                          \
			assert_int_equal(got[n], wanted[n]);                                                           \
	} while (0)

static void drops_rules_of_the_other_direction(void **state)
{
	static const char *const texts[] = {
		"100 count ip from any to any in",     "200 count ip from any to any out",
		"300 count ip from any to any",	       "400 count ip from any to any xmit em0",
		"500 count ip from any to any not in", NULL};

	ASSERT_PLANNED(true, texts, 100, 300, 65535);
	ASSERT_PLANNED(false, texts, 200, 300, 400, 500, 65535);
}

/* The numbers of the rules that are planned for incoming packets with these RULESET_* switches. */
static void planned_with(__u32 switches, const char *const *texts, unsigned int *numbers)
{
	struct ruleset ruleset = ruleset_from(texts);
	struct plan plan;

	ruleset.switches = switches;
	assert_int_equal(plan_make(&plan, &ruleset, &list, true), 0);
	for (size_t i = 0; i < plan.rule_count; i++)
		numbers[i] = plan.rules[i].rule->number;
	numbers[plan.rule_count] = 0;
	plan_free(&plan);
	ruleset_free(&ruleset);
}

static void folds_frames_unless_they_are_seen(void **state)
{
	static const char *const texts[] = {"100 count layer2",
					    "200 count MAC any any",
					    "300 count mac-type arp",
					    "400 count bridged",
					    "500 count { layer2 or proto tcp }",
					    "600 count not mac-type ip",
					    "700 allow not layer2",
					    "800 count ip from any to any",
					    NULL};
	const unsigned int all[] = {100, 200, 300, 400, 500, 600, 700, 800, 65535, 0}, few[] = {500, 600, 700, 0};
	unsigned int got[16];

	planned_with(RULESET_WITH_LAYER2, texts, got);
	assert_memory_equal(got, all, sizeof(all));
	/* Nothing gets beyond 700. */
	planned_with(0, texts, got);
	assert_memory_equal(got, few, sizeof(few));
}

/* Plans a ruleset of this rule and one that is nothing special. Both are freed by end_plan(). */
static void begin_plan(struct plan *plan, struct ruleset *ruleset, const char *first, __u32 switches, bool input)
{
	const char *const texts[] = {first, "300 count tcp from any to any", NULL};

	*ruleset = ruleset_from(texts);
	ruleset->switches = switches;
	assert_int_equal(plan_make(plan, ruleset, &list, input), 0);
}

static void end_plan(struct plan *plan, struct ruleset *ruleset)
{
	plan_free(plan);
	ruleset_free(ruleset);
}

/* The verdict that all packets get which leave, VERDICT_NONE if they must be looked at. */
static unsigned int settled_by(const char *first, __u32 switches)
{
	struct ruleset ruleset;
	struct plan plan;
	__u64 result;

	begin_plan(&plan, &ruleset, first, switches, false);
	result = plan_settled(&plan);
	if (result)
		assert_int_equal(MATCH_SLOT(result), plan.rules[0].rule->slot);
	end_plan(&plan, &ruleset);
	return MATCH_VERDICT(result);
}

static void knows_when_the_first_rule_decides(void **state)
{
	static const char *const not_for_all[] = {
		"100 allow tcp from any to any",	 "100 allow ip from any to any xmit em0",
		"100 allow ip from any to any in",	 "100 count ip from any to any",
		"100 skipto 200 ip from any to any",	 "100 reset tcp from any to any",
		"100 unreach host ip from any to any",	 "100 allow log ip from any to any",
		"100 allow tag 7 ip from any to any",	 "100 allow ip from any to any keep-state",
		"100 prob 0.5 allow ip from any to any",
	};

	assert_int_equal(settled_by("100 allow ip from any to any", 0), VERDICT_ALLOW);
	assert_int_equal(settled_by("100 allow ip from any to any out", 0), VERDICT_ALLOW);
	assert_int_equal(settled_by("100 deny ip from any to any // all", 0), VERDICT_DENY);
	for (size_t i = 0; i < sizeof(not_for_all) / sizeof(*not_for_all); i++)
		assert_int_equal(settled_by(not_for_all[i], 0), VERDICT_NONE);
	assert_int_equal(settled_by("100 allow ip from any to any", RULESET_WITHOUT_IP6), VERDICT_NONE);
	assert_int_equal(settled_by("100 allow ip from any to any", RULESET_WITH_LAYER2), VERDICT_NONE);
}

static void tells_the_programs_which_packets_meet_them(void **state)
{
	static const struct {
		__u32 switches, needs;
	} cases[] = {
		{0, 0},
		{RULESET_WITHOUT_IP4, PACKET_WITHOUT_IP4},
		{RULESET_WITHOUT_IP6, PACKET_WITHOUT_IP6},
		{RULESET_WITH_LAYER2, PACKET_NEEDS_LAYER2},
		{RULESET_NONE | RULESET_WITH_LAYER2, PACKET_NEEDS_LAYER2 | PACKET_WITHOUT_IP4 | PACKET_WITHOUT_IP6}};
	static const char *const texts[] = {NULL};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ruleset ruleset = ruleset_from(texts);
		struct plan plan;

		ruleset.switches = cases[i].switches;
		assert_int_equal(plan_make(&plan, &ruleset, &list, true), 0);
		assert_int_equal(plan_needs(&plan), cases[i].needs);
		plan_free(&plan);
		ruleset_free(&ruleset);
	}
}

static bool plain(const char *first, __u32 switches, bool input)
{
	struct ruleset ruleset;
	struct plan plan;
	bool result;

	begin_plan(&plan, &ruleset, first, switches, input);
	result = plan_plain(&plan);
	end_plan(&plan, &ruleset);
	return result;
}

static void knows_plain_rulesets(void **state)
{
	static const __u32 switches[] = {RULESET_WITHOUT_IP4, RULESET_WITHOUT_IP6, RULESET_WITH_LAYER2,
					 RULESET_FORWARD_TOLD, RULESET_FORWARD_ANY};
	static const char ordinary[] = "100 allow log tcp from any to 10.0.0.0/8 1-80 setup keep-state";
	static const char *const special[] = {
		"100 allow tcp from any to any iplen 40", "100 allow tcp from any to any tcpmss 1-1000",
		"100 allow ip from any to any fib 1",	  "100 setfib 1 ip from any to any",
		"100 call 300 ip from any to any",	  "100 allow tcp from any to any ipttl 1",
	};

	for (int input = 0; input < 2; input++) {
		assert_true(plain("100 deny tcp from 10.0.0.0/8 to any 25", 0, input));
		for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
			if (plain(special[i], 0, input))
				fail_msg("`%s' is taken for plain", special[i]);
		for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++)
			assert_false(plain("100 deny tcp from 10.0.0.0/8 to any 25", switches[i], input));
	}
	/* a state's action starts over */
	assert_false(plain(ordinary, 0, true));
	/* what leaves is settled */
	assert_false(plain("100 allow ip from any to any", 0, false));
	assert_true(plain("100 allow ip from any to any", 0, true));
}

static void folds_or_blocks(void **state)
{
	static const char *const texts[] = {"100 count { in or out }", "200 count { in or recv nosuch0 }",
					    "300 count { out or recv em0 }", NULL};

	ASSERT_PLANNED(true, texts, 100, 200, 300, 65535);
	ASSERT_PLANNED(false, texts, 100, 300, 65535);
}

static void drops_rules_for_absent_interfaces(void **state)
{
	static const char *const texts[] = {"100 count ip from any to any via nosuch0",
					    "200 count ip from any to any via em*",
					    "300 count ip from any to any not via nosuch0", NULL};

	ASSERT_PLANNED(true, texts, 200, 300, 65535);
}

static void drops_rules_whose_options_exclude_one_another(void **state)
{
	static const char *const texts[] = {"100 count tcp from 10.0.0.1 to any",
					    "200 count ip6 from any to any src-ip 10.0.0.1",
					    "300 count udp from any to any proto tcp",
					    "400 count udp from any to any not proto tcp",
					    "500 count ip6 from any to any { src-ip 10.0.0.1 or dst-port 1 }",
					    "600 count ip from any to any proto 256",
					    NULL};

	ASSERT_PLANNED(true, texts, 100, 400, 500, 65535);
}

static void drops_what_nothing_reaches(void **state)
{
	static const char *const texts[] = {"100 skipto 300 tcp from any to any",
					    "150 deny ip from any to any",
					    "200 count ip from any to any",
					    "300 count ip from any to any",
					    "400 allow ip from any to any",
					    "500 count ip from any to any",
					    NULL};

	ASSERT_PLANNED(true, texts, 100, 150, 300, 400);
}

static void follows_calls(void **state)
{
	static const char *const backward[] = {"100 skipto 300 ip from any to any", "200 count ip from any to any",
					       "210 return ip from any to any",	    "220 deny ip from any to any",
					       "230 count ip from any to any",	    "300 call 150 ip from any to any",
					       "400 allow ip from any to any",	    NULL};
	static const char *const never[] = {"100 allow ip from any to any", "200 call 400 ip from any to any",
					    "300 deny ip from any to any", "400 count ip from any to any", NULL};

	/* a return may find no call to return from and go on */
	ASSERT_PLANNED(true, backward, 100, 200, 210, 220, 300, 400);
	ASSERT_PLANNED(true, never, 100);
}

static void skips_forward_only(void **state)
{
	static const char *const texts[] = {"100 count ip from any to any", "200 skipto 100 tcp from any to any",
					    "200 count udp from any to any", "300 count ip from any to any", NULL};
	struct ruleset ruleset = ruleset_from(texts);
	struct plan plan;

	assert_int_equal(plan_make(&plan, &ruleset, &list, true), 0);
	/* to its own number or below means to the next number */
	assert_int_equal(plan.rules[1].skip_target, 3);
	plan_free(&plan);
	ruleset_free(&ruleset);
}

/* All rules that are the first ones of their numbers; without a table the number is 0. */
static void follows_numbers_out_of_tables(void **state)
{
	static const char *const skip[] = {
		"50 count ip from any to any",	"60 skipto 100 ip from any to any",
		"70 count ip from any to any",	"100 skipto tablearg ip from table(t) to any",
		"200 allow ip from any to any", "200 count ip from any to any",
		"300 count ip from any to any", NULL};
	static const char *const call[] = {"60 skipto 100 ip from any to any", "70 count ip from any to any",
					   "100 call tablearg ip from any to any lookup dst-port t",
					   "200 allow ip from any to any", NULL};
	static const char *const nothing[] = {"100 skipto tablearg ip from any to any", "200 allow ip from any to any",
					      "300 count ip from any to any", NULL};

	ASSERT_PLANNED(true, skip, 50, 60, 100, 200, 300, 65535);
	ASSERT_PLANNED(true, call, 60, 70, 100, 200, 65535);
	ASSERT_PLANNED(true, nothing, 100, 200);
}

/* Behind a skipto to a number out of a table begins a function, which packets may enter at any number. */
static void numbers_lead_from_function_to_function(void **state)
{
	static const char *const texts[] = {
		"100 count ip from any to any",	 "200 skipto tablearg ip from table(t) to any",
		"300 count udp from any to any", "300 count tcp from any to any",
		"400 deny ip from any to any",	 NULL};
	struct ruleset ruleset = ruleset_from(texts);
	static __u64 positions[RULE_NUMBER_DEFAULT + 1];
	struct plan plan;

	assert_int_equal(plan_make(&plan, &ruleset, &list, true), 0);
	assert_int_equal(plan.function_count, 2);
	assert_int_equal(plan.functions[0].end, 2);
	assert_false(plan.functions[0].entered_late);
	assert_true(plan.functions[1].entered_late);
	assert_int_equal(plan.rules[1].skip_target, PLAN_NO_TARGET);
	assert_true(plan.rules[2].is_target);
	assert_false(plan.rules[3].is_target);
	assert_true(plan.rules[4].is_target);
	plan_positions(&plan, positions);
	assert_int_equal(positions[0], 0);
	assert_int_equal(positions[201], 2);
	assert_int_equal(positions[300], 2);
	assert_int_equal(positions[301], 4);
	assert_int_equal(positions[401], 5);
	assert_int_equal(positions[RULE_NUMBER_DEFAULT], 5);
	plan_free(&plan);
	ruleset_free(&ruleset);
}

/* An alternative that always matches hides those behind it, not those before it, if they give a value that is taken. */
static void look_ups_for_values_are_not_folded(void **state)
{
	static const struct {
		const char *text;
		bool left;
	} cases[] = {
		{"count { lookup dst-port t or in }", false},
		{"skipto tablearg { lookup dst-port t or in }", true},
		{"skipto tablearg { in or lookup dst-port t }", false},
		{"skipto tablearg { src-port 5 or in }", false},
		{"skipto tablearg { src-port 5 or out or lookup dst-port t or in }", true},
		{"count tag tablearg { not lookup dst-port t or in }", true},
	};
	struct plan plan = {.input = true, .interfaces = &list};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rule *rule = rule_from(cases[i].text);
		const struct option *first = rule_first_option(rule);

		while (first->code == OPTION_TAG)
			first = rule_next_option(rule, first);
		if (plan_block_left(&plan, rule, first, plan_block_end(rule, first)) != cases[i].left)
			fail_msg("`%s'", cases[i].text);
		free(rule);
	}
}

static void leaves_out_disabled_sets(void **state)
{
	static const char *const texts[] = {"100 set 3 deny ip from any to any", "200 allow ip from any to any", NULL};
	struct ruleset ruleset = ruleset_from(texts);
	struct plan plan;

	ruleset.disabled_sets = 1u << 3;
	assert_int_equal(plan_make(&plan, &ruleset, &list, true), 0);
	assert_int_equal(plan.rule_count, 1);
	assert_int_equal(plan.rules[0].rule->number, 200);
	plan_free(&plan);
	ruleset_free(&ruleset);
}

static void splits_large_rulesets(void **state)
{
	struct ruleset ruleset = {0};
	struct plan plan;
	char text[64];

	for (int i = 1; i <= 1300; i++) {
		snprintf(text, sizeof(text),
			 i == 10 ? "%d skipto 1200 tcp from any to any" : "%d count udp from any to any", i);
		assert_int_equal(ruleset_insert(&ruleset, rule_from(text)), 0);
	}
	assert_int_equal(plan_make(&plan, &ruleset, &list, true), 0);
	assert_int_equal(plan.function_count, 3);
	assert_int_equal(plan.functions[0].end, RULES_PER_FUNCTION);
	assert_false(plan.functions[0].entered_late);
	assert_true(plan.functions[1].entered_late);
	assert_true(plan.functions[2].entered_late);
	assert_int_equal(plan.rules[9].skip_target, 1199);
	assert_true(plan.rules[1199].is_target);
	plan_free(&plan);
	ruleset_free(&ruleset);
}

static void finds_interfaces_by_name_pattern_and_address(void **state)
{
	struct plan plan = {.interfaces = &list};
	struct interface_match match = {.kind = INTERFACE_PATTERN, .name = "em[01]"};
	__u32 indexes[4];

	assert_int_equal(plan_interfaces(&plan, &match, indexes, 4), 2);
	assert_int_equal(indexes[0], 2);
	assert_int_equal(indexes[1], 3);
	match = (struct interface_match){.kind = INTERFACE_ADDRESS, .address = htonl(0xc0000201)};
	assert_int_equal(plan_interfaces(&plan, &match, indexes, 4), 1);
	assert_int_equal(indexes[0], 2);
	match = (struct interface_match){.kind = INTERFACE_NAME, .name = "em"};
	assert_int_equal(plan_interfaces(&plan, &match, indexes, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drops_rules_of_the_other_direction),
		cmocka_unit_test(folds_frames_unless_they_are_seen),
		cmocka_unit_test(tells_the_programs_which_packets_meet_them),
		cmocka_unit_test(folds_or_blocks),
		cmocka_unit_test(drops_rules_for_absent_interfaces),
		cmocka_unit_test(drops_rules_whose_options_exclude_one_another),
		cmocka_unit_test(drops_what_nothing_reaches),
		cmocka_unit_test(follows_calls),
		cmocka_unit_test(skips_forward_only),
		cmocka_unit_test(leaves_out_disabled_sets),
		cmocka_unit_test(knows_when_the_first_rule_decides),
		cmocka_unit_test(knows_plain_rulesets),
		cmocka_unit_test(splits_large_rulesets),
		cmocka_unit_test(follows_numbers_out_of_tables),
		cmocka_unit_test(numbers_lead_from_function_to_function),
		cmocka_unit_test(look_ups_for_values_are_not_folded),
		cmocka_unit_test(finds_interfaces_by_name_pattern_and_address),
	};

	em0_address.address[0] = htonl(0xc0000201);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
