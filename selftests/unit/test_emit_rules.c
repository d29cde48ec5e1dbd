/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole rules, run in the kernel: what actions give, where packets go on, what stays on them, what the verifier takes.
 */
#include "selftests/unit/emit_packets.h"

/* One rule per action: what the runtime is told to do. */
static void actions_give_their_verdicts(void **state)
{
	static const struct {
		const char *rule;
		__u32 verdict, argument;
	} actions[] = {
		{"allow ip from any to any", VERDICT_ALLOW, 0},
		{"deny ip from any to any", VERDICT_DENY, 0},
		{"reject ip from any to any", VERDICT_UNREACH, 1},
		{"unreach port ip from any to any", VERDICT_UNREACH, 3},
		{"unreach needfrag 1420 ip from any to any", VERDICT_UNREACH, 4 | 1420 << 16},
		{"unreach6 admin-prohib ip from any to any", VERDICT_UNREACH6, 1},
		{"reset ip from any to any", VERDICT_RESET, 0},
		{"reset6 ip from any to any", VERDICT_RESET6, 0},
	};
	struct packet packet = {TCP4};

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		const char *texts[] = {actions[i].rule, NULL};
		char text[128];
		struct ruleset ruleset;
		struct probe probe;
		__u64 result;

		snprintf(text, sizeof(text), "100 %s", actions[i].rule);
		texts[0] = text;
		ruleset = ruleset_from(texts);
		probe = probe_load(&ruleset, &list, true);
		result = probe_run(&probe, &packet);
		assert_int_equal(MATCH_VERDICT(result), actions[i].verdict);
		assert_int_equal(MATCH_ARGUMENT(result), actions[i].argument);
		assert_int_equal(MATCH_SLOT(result), 1);
		probe_close(&probe);
		ruleset_free(&ruleset);
	}
}

static void count_goes_on_and_counts(void **state)
{
	static const char *const texts[] = {"100 count tcp from any to any", "200 count udp from any to any",
					    "300 allow ip from any to any", NULL};
	struct ruleset ruleset = ruleset_from(texts);
	struct probe probe = probe_load(&ruleset, &list, true);
	struct packet packet = {TCP4, .segments = 3};

	assert_int_equal(MATCH_SLOT(probe_run(&probe, &packet)), 3);
	assert_int_equal(probe_counted(&probe, 1), 3);
	assert_int_equal(probe_counted(&probe, 2), 0);
	probe_close(&probe);
	ruleset_free(&ruleset);
}

/* Later rules see what earlier ones put on the packet, and nothing that was taken off again. */
static void tags_and_marks_stay(void **state)
{
	static const char *const texts[] = {"100 count tag 5 tcp from any to any",
					    "110 count tag 65534 ip from any to any",
					    "120 count untag 5 tcp from any to any dst-port 80",
					    "200 count tagged 5",
					    "210 count tagged 6-65533",
					    "220 count tagged 65534",
					    "300 setmark 0x12 tcp from any to any",
					    "310 count mark 0x12",
					    "320 count mark 0x10:0xf0",
					    "330 count not mark 0x12",
					    "400 allow ip from any to any",
					    NULL};
	static const __u64 expected[][2] = {{4, 1}, {5, 0}, {6, 2}, {8, 2}, {9, 2}, {10, 0}};
	struct ruleset ruleset = ruleset_from(texts);
	struct probe probe = probe_load(&ruleset, &list, true);
	struct packet first = {TCP4, .segments = 1}, second = {TCP4, .segments = 1, .destination_port = 80};

	probe_run(&probe, &first);
	probe_run(&probe, &second);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(probe_counted(&probe, (__u32)expected[i][0]), expected[i][1]);
	probe_close(&probe);
	ruleset_free(&ruleset);
}

/*
 * 1,300 rules make several functions: a skipto into a later one, over one, and from one late entry on to the next, must
 * pass exactly the rules that the text says.
 */
static void skipto_crosses_functions(void **state)
{
	struct ruleset ruleset = {0};
	struct packet packet = {TCP4, .segments = 1};
	struct probe probe;
	char text[64];

	for (int i = 1; i <= 1300; i++) {
		struct rule *rule;

		if (i == 10 || i == 700)
			snprintf(text, sizeof(text), "%d skipto %d tcp from any to any", i, i == 10 ? 600 : 1250);
		else
			snprintf(text, sizeof(text), "%d count tcp from any to any", i);
		rule = rule_from(text);
		rule->slot = (__u32)i;
		assert_int_equal(ruleset_insert(&ruleset, rule), 0);
	}
	assert_int_equal(ruleset_insert(&ruleset, rule_default("allow")), 0);
	probe = probe_load(&ruleset, &list, true);
	assert_int_equal(MATCH_VERDICT(probe_run(&probe, &packet)), VERDICT_ALLOW);
	for (int i = 1; i <= 1300; i++)
		assert_int_equal(probe_counted(&probe, (__u32)i), i <= 10 || (i >= 600 && i <= 700) || i >= 1250);
	probe_close(&probe);
	ruleset_free(&ruleset);
}

static void probability_is_met(void **state)
{
	static const char *const texts[] = {"100 prob 0.25 allow ip from any to any", NULL};
	struct ruleset ruleset = ruleset_from(texts);
	struct probe probe = probe_load(&ruleset, &list, true);
	struct packet packet = {TCP4};
	int hits = 0;

	for (int i = 0; i < 4000; i++)
		hits += MATCH_VERDICT(probe_run(&probe, &packet)) == VERDICT_ALLOW;
	/* 1000 expected, standard deviation 27 */
	assert_in_range(hits, 820, 1180);
	probe_close(&probe);
	ruleset_free(&ruleset);
}

/* Tests that cannot match, or always do, must not leave code that the verifier calls unreachable. */
static void constant_tests_load(void **state)
{
	static const char *const texts[] = {"100 count ip6 from ::/0,fe80::/10 to any",
					    "200 count ip from any to any 0-65535",
					    "300 count { out or via nosuch0 or tcpflags syn }",
					    "400 deny ip from any to any in",
					    "450 count not proto 256",
					    "460 count proto 256",
					    "470 allow proto 256",
					    "500 skipto 600 ip from any to any",
					    "600 allow ip from any to any",
					    NULL};
	struct ruleset ruleset = ruleset_from(texts);

	for (int input = 0; input < 2; input++) {
		struct probe probe = probe_load(&ruleset, &list, input);

		probe_close(&probe);
	}
	ruleset_free(&ruleset);
}

/* Rules that an earlier one leaves no packet for, with what only they lead to. */
static void shadowed_rules_load(void **state)
{
	static const char *const texts[] = {"100 allow tcp from any to any", "200 skipto 400 tcp from any to any",
					    "300 deny ip from any to any", "400 count ip from any to any", NULL};
	struct ruleset ruleset = ruleset_from(texts);

	bpf_object__close(probe_load(&ruleset, &list, true).object);
	ruleset_free(&ruleset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_give_their_verdicts), cmocka_unit_test(count_goes_on_and_counts),
		cmocka_unit_test(tags_and_marks_stay),	       cmocka_unit_test(skipto_crosses_functions),
		cmocka_unit_test(probability_is_met),	       cmocka_unit_test(constant_tests_load),
		cmocka_unit_test(shadowed_rules_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
