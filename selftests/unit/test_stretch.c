/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rules are looked up, and what of them can be: boxes, and the code for what is left. */
#include "selftests/unit/support.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>

#include "ipfw/verdict.h"
#include "loader/compile/box.h"
#include "loader/compile/function.h"
#include "loader/compile/plan.h"
#include "loader/compile/rest.h"

static struct interface interfaces[] = {
	{.index = 2, .name = "em0"}, {.index = 3, .name = "em1"}, {.index = 70000, .name = "far0"}};
static const struct interface_list list = {.interfaces = interfaces, .count = 3};

static void print_prefix(FILE *out, const char *name, const __u32 *address, unsigned int bits, unsigned int family)
{
	__u32 wire[4];
	char text[INET6_ADDRSTRLEN];

	if (!bits)
		return;
	for (int i = 0; i < 4; i++)
		wire[i] = htonl(address[i]);
	inet_ntop(family == 4 ? AF_INET : AF_INET6, wire, text, sizeof(text));
	fprintf(out, " %s %s/%u", name, text, bits);
}

static void print_ports(FILE *out, const char *name, const __u16 *range)
{
	if (range[0] || range[1] != 0xffff)
		fprintf(out, " %s %u-%u", name, range[0], range[1]);
}

static void print_box(FILE *out, const struct classifier_box *box)
{
	fprintf(out, "[%u", box->family);
	print_prefix(out, "src", box->source, box->source_bits, box->family);
	print_prefix(out, "dst", box->destination, box->destination_bits, box->family);
	print_ports(out, "sport", box->source_port);
	print_ports(out, "dport", box->destination_port);
	if (box->interface_key)
		fprintf(out, " if%u", box->interface);
	fprintf(out, "]");
}

/* The boxes of a rule on input, as text, and behind them the blocks that they hold. */
static char *boxes_text(const char *rule_text)
{
	struct plan plan = {.input = true, .interfaces = &list, .switches = RULESET_WITH_LAYER2};
	struct rule *rule = rule_from(rule_text);
	struct rule_boxes boxes;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	boxes_of(&boxes, &plan, rule, 7);
	for (size_t i = 0; i < boxes.count; i++) {
		assert_int_equal(boxes.box[i].index, 7);
		print_box(out, boxes.box + i);
	}
	fprintf(out, " %" PRIx64, (uint64_t)boxes.held);
	fclose(out);
	free(rule);
	return text;
}

static void makes_boxes_of_rules(void **state)
{
	static const struct {
		const char *rule, *boxes;
	} cases[] = {
		{"100 deny ip from any to any", "[0] 0"},
		{"100 deny tcp from any to any", "[0] 1"},
		{"100 deny ip from 10.1.2.3/8 to any", "[4 src 10.0.0.0/8] 1"},
		{"100 deny tcp from any to 10.0.0.1 80", "[4 dst 10.0.0.1/32 dport 80-80] 7"},
		{"100 deny ip from 10.0.0.1,10.2.0.0/16 to any", "[4 src 10.0.0.1/32][4 src 10.2.0.0/16] 1"},
		{"100 deny ip from 2001:db8::/33 to any", "[6 src 2001:db8::/33] 1"},
		{"100 deny ip from any to 10.0.0.0/24{1-3,128}",
		 "[4 dst 10.0.0.1/32][4 dst 10.0.0.2/31][4 dst 10.0.0.128/32] 1"},
		{"100 deny udp from any 1-5,9 to any 53", "[0 sport 1-5 dport 53-53][0 sport 9-9 dport 53-53] 7"},
		{"100 deny ip from any to any via em0", "[0 if2] 1"},
		{"100 deny ip from any to any via em*", "[0 if2][0 if3] 1"},
		{"100 deny ip from any to any in via em0", "[0 if2] 2"},
		/* families meet */
		{"100 deny src-ip 10.0.0.1 dst-ip6 2001:db8::1", " 3"},
		{"100 deny { src-ip 10.0.0.1 or src-ip6 2001:db8::1 }", "[4 src 10.0.0.1/32][6 src 2001:db8::1/128] 1"},
		/* two prefixes of one address, and two that exclude each other */
		{"100 deny src-ip 10.0.0.0/8 src-ip 10.1.0.0/16", "[4 src 10.1.0.0/16] 3"},
		{"100 deny src-ip 10.0.0.0/8 src-ip 11.1.0.0/16", " 3"},
		{"100 deny src-port 1-100 src-port 50-200", "[0 sport 50-100] 3"},
		/* what is left to be tested */
		{"100 deny tcp from any to 10.0.0.1 setup", "[4 dst 10.0.0.1/32] 3"},
		{"100 deny ip from not 10.0.0.1 to 10.0.0.2", "[4 dst 10.0.0.2/32] 2"},
		{"100 deny ip from 10.0.0.1:255.0.0.255 to any", "[4 src 10.0.0.0/8] 0"},
		{"100 deny ip from { 10.0.0.1 or not me } to any", "[0] 0"},
		{"100 deny { src-ip 10.0.0.1 or dst-port 80 }", "[4 src 10.0.0.1/32][0 dport 80-80] 1"},
		{"100 deny ip from any to any via far0", "[0] 0"},
		{"100 deny ip from any to any via em0 recv em1", "[0 if2] 1"},
		/* more boxes than a rule may have: the second list is bounded from outside */
		{"100 deny ip from 10.0.0.1,10.0.1.1,10.0.2.1,10.0.3.1,10.0.4.1 to any dst-port 1,3,5,70",
		 "[4 src 10.0.0.1/32 dport 1-70][4 src 10.0.1.1/32 dport 1-70][4 src 10.0.2.1/32 dport 1-70]"
		 "[4 src 10.0.3.1/32 dport 1-70][4 src 10.0.4.1/32 dport 1-70] 1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = boxes_text(cases[i].rule);

		if (strcmp(text, cases[i].boxes))
			fail_msg("%s: %s, expected %s", cases[i].rule, text, cases[i].boxes);
		free(text);
	}
}

/* `count` rules from a format with two places for the number of the rule, and the default rule. */
static struct ruleset many(const char *format, unsigned int count)
{
	struct ruleset ruleset = ruleset_from((const char *const[]){NULL});

	for (unsigned int i = 0; i < count; i++) {
		char text[256];
		struct rule *rule;

		snprintf(text, sizeof(text), format, 1 + i, 1 + i % 250);
		rule = rule_from(text);
		rule->slot = 1 + i;
		assert_int_equal(ruleset_insert(&ruleset, rule), 0);
	}
	return ruleset;
}

static struct plan planned(const struct ruleset *ruleset)
{
	struct plan plan;

	assert_int_equal(plan_make(&plan, ruleset, &list, true), 0);
	return plan;
}

static void looks_up_what_is_many_and_selective(void **state)
{
	struct ruleset few = many("%u deny tcp from any to 10.0.0.%u dst-port 1-9", 20);
	struct ruleset same = many("%u count tcp from any to any setup // %u", 2000);
	struct ruleset mixed = many("%u deny tcp from 10.0.0.0/%u to 10.0.0.1", 0);
	struct plan plan = planned(&few);

	assert_false(plan_classifies(&plan));
	assert_int_equal(plan.functions[0].form, STRETCH_FEW);
	plan_free(&plan);
	plan = planned(&same);
	assert_false(plan_classifies(&plan));
	plan_free(&plan);
	for (unsigned int i = 0; i < 1000; i++) {
		char text[128];

		snprintf(text, sizeof(text), "%u deny tcp from 10.%u.0.0/%u to 11.0.%u.0/%u %u", 1 + i, i % 200,
			 16 + i % 16, i % 250, 20 + i % 13, 1 + i);
		assert_int_equal(ruleset_insert(&mixed, rule_from(text)), 0);
	}
	plan_classify_from--; /* whatever it costs */
	plan = planned(&mixed);
	assert_true(plan.functions[0].classified);
	assert_int_equal(plan.functions[0].end, 1000);
	assert_int_equal(plan.functions[0].form, STRETCH_CLASSIFIED);
	assert_int_equal(plan.code_count, 0);
	assert_false(plan.functions[1].classified);
	plan_free(&plan);
	mixed.linear = true;
	plan = planned(&mixed);
	assert_false(plan_classifies(&plan));
	assert_int_equal(plan.functions[0].form, STRETCH_WISHED);
	plan_free(&plan);
	ruleset_free(&few);
	ruleset_free(&same);
	ruleset_free(&mixed);
}

/* What becomes of `count` rules, each with one of so many values: the second and third number of the format. */
static enum stretch_form form_of(const char *format, unsigned int count, unsigned int values)
{
	struct ruleset ruleset = {0};
	enum stretch_form form;
	struct plan plan;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int value = i % values;
		char text[256];

		snprintf(text, sizeof(text), format, 1 + i, 1 + value / 256, value % 256);
		assert_int_equal(ruleset_insert(&ruleset, rule_from(text)), 0);
	}
	plan = planned(&ruleset);
	form = plan.functions[0].form;
	plan_free(&plan);
	ruleset_free(&ruleset);
	return form;
}

/* Code finds one of many values fast, but asks all rules with the same value one by one. */
static void looks_up_what_code_would_compare_one_by_one(void **state)
{
	static const char by_port[] = "%u deny tcp from any to any %u%03u";
	static const char by_source[] = "%u deny tcp from 10.1.%u.%u to any 25";
	static const char one_source[] = "%u deny tcp from 10.0.0.1 to any %u%03u";

	plan_exact_from = SIZE_MAX;
	assert_int_equal(form_of(by_port, 100, 100), STRETCH_NOT_CHEAPER);
	assert_int_equal(form_of(by_port, 450, 450), STRETCH_CLASSIFIED);
	assert_int_equal(form_of(by_source, 450, 450), STRETCH_NOT_CHEAPER);
	assert_int_equal(form_of(by_source, 450, 150), STRETCH_NOT_CHEAPER);
	assert_int_equal(form_of(one_source, 450, 450), STRETCH_CLASSIFIED);
}

/* Which form the rules up to number 1000 have, in a plan of that many like `format` and some that want a bit more. */
static void forms_are(const char *format, unsigned int count, const char *more, bool exact, bool walked)
{
	struct ruleset ruleset = many(format, count);
	struct plan plan;

	if (more)
		assert_int_equal(ruleset_insert(&ruleset, rule_from(more)), 0);
	plan = planned(&ruleset);
	if (plan.functions[0].exact != exact || plan.functions[0].walked != walked ||
	    plan.functions[0].form != (exact	? STRETCH_EXACT
				       : walked ? STRETCH_CLASSIFIED
						: plan.functions[0].form))
		fail_msg("%u rules %s, and %s: exact %d, walked %d, form %d", count, format, more,
			 plan.functions[0].exact, plan.functions[0].walked, plan.functions[0].form);
	if (exact)
		assert_int_equal(plan.functions[0].end, plan.rule_count - 1);
	plan_free(&plan);
	ruleset_free(&ruleset);
}

static void hashes_what_differs_in_values(void **state)
{
	forms_are("%u deny ip from 10.0.0.%u to any", 700, NULL, true, false);
	forms_are("%u deny tcp from 10.0.0.1 to any dst-port %u", 200, NULL, true, false);
	forms_are("%u deny ip from 2001:db8::%u to any", 200, NULL, true, false);
	forms_are("%u deny ip from 10.0.%u.0/24 to any", 2000, "2001 deny ip from 10.0.0.0/16 to any", true, false);
	/* as many as that are code, which finds some hundred values as fast */
	forms_are("%u deny ip from 10.0.0.%u to any", 20, NULL, false, false);
	forms_are("%u deny ip from 10.0.0.%u to any", 200, NULL, false, false);
	/* one rule is all that a packet meets, or more */
	forms_are("%u count ip from 2001:db8::%u to any", 200, NULL, true, false);
	forms_are("%u count ip from 2001:db8::%u to any", 200, "201 count ip from 2001:db8::7 to any", true, true);
	forms_are("%u count ip from 10.0.0.%u to any", 2000, "2001 count ip from 10.0.0.0/29 to any", false, false);
	forms_are("%u skipto 65534 ip from 2001:db8::%u to any", 200, NULL, true, false);
	/* packets that come to the middle, or may go back */
	forms_are("%u deny ip from 10.0.0.%u to any", 700, "1 skipto 100 ip from 10.1.0.1 to any", true, true);
	forms_are("%u deny ip from 10.0.0.%u to any", 700, "701 call 100 ip from 10.1.0.1 to any", true, true);
	/* keys that are too long */
	forms_are("%u deny ip from 2001:db8::%u to 2001:db8:1::1", 2000, NULL, false, true);
	/* a test is left */
	forms_are("%u deny ip from 10.0.0.%u to any", 2000, "2001 deny tcp from 10.1.0.1 to any setup", true, true);
}

/* Rules of another kind beside those that are exact. */
static void divides_rules_by_form(void **state)
{
	struct ruleset ruleset = many("%u deny ip from 10.0.0.%u to any", 700);
	struct plan plan;

	for (unsigned int i = 0; i < 100; i++) {
		char text[128];

		snprintf(text, sizeof(text), "%u deny tcp from 10.0.%u.0/%u to 10.0.%u.0/%u %u-%u", 1000 + i, i,
			 9 + i % 17, i, 11 + i % 14, i + 1, 2 * i + 2);
		assert_int_equal(ruleset_insert(&ruleset, rule_from(text)), 0);
	}
	plan = planned(&ruleset);
	assert_true(plan.functions[0].exact);
	assert_int_equal(plan.functions[0].end, 700);
	assert_false(plan.functions[1].exact);
	assert_int_equal(plan.functions[1].first, 700);
	plan_free(&plan);
	plan_exact_from = SIZE_MAX;
	plan = planned(&ruleset);
	assert_false(plan.functions[0].exact);
	plan_free(&plan);
	ruleset_free(&ruleset);
}

/* What the code of each rule is, in a plan of one stretch. */
static void shares_code_for_what_is_left(void **state)
{
	static const char *const texts[] = {"100 deny tcp from 10.0.0.1 to any setup",
					    "200 count tcp from 10.0.0.2 to any setup",
					    "300 deny tcp from 10.0.0.3 to any",
					    "400 deny udp from 10.0.0.3 to any not dst-port 80",
					    "500 count log tcp from 10.0.0.5 to any setup",
					    "600 skipto 700 ip from 10.0.0.5 to any",
					    "700 deny ip from 2001:db8::1 to any proto tcp setup",
					    "800 count log tcp from 10.0.0.6 to any setup",
					    "810 deny log tcp from 10.0.0.7 to any setup",
					    "820 deny log tcp from 10.0.0.8 to any",
					    "830 deny log udp from 10.0.0.9 to any",
					    "840 deny log logamount 7 udp from 10.0.0.10 to any",
					    "850 count tag 7 udp from 10.0.0.11 to any",
					    "860 allow tag 7 udp from 10.0.0.12 to any",
					    "870 setfib 1 ip from 10.0.0.13 to any",
					    "880 setfib 1 ip from 10.0.0.14 to any",
					    NULL};
	/* modifiers are with the tests; `log' tells of the action */
	static const __u32 codes[] = {1, 1, 0, 2, 3, 0, 4, 3, 5, 6, 6, 7, 8, 8, 9, 10, 0};
	static const __u16 kinds[] = {DISPATCH_VERDICT, DISPATCH_COUNT,	  DISPATCH_VERDICT, DISPATCH_VERDICT,
				      DISPATCH_COUNT,	DISPATCH_SKIPTO,  DISPATCH_VERDICT, DISPATCH_COUNT,
				      DISPATCH_VERDICT, DISPATCH_VERDICT, DISPATCH_VERDICT, DISPATCH_VERDICT,
				      DISPATCH_COUNT,	DISPATCH_VERDICT, DISPATCH_CODE,    DISPATCH_CODE,
				      DISPATCH_VERDICT};
	struct ruleset ruleset = ruleset_from(texts);
	struct plan plan;
	struct code code;

	plan_classify_from = 0;
	plan = planned(&ruleset);
	assert_int_equal(plan.function_count, 1);
	for (size_t i = 0; i < plan.rule_count; i++) {
		assert_int_equal(plan.dispatch[i].code, codes[i]);
		assert_int_equal(plan.dispatch[i].kind, kinds[i]);
		assert_int_equal(plan.dispatch[i].number, plan.rules[i].rule->number);
	}
	assert_int_equal(code_generate(&code, &plan), 0);
	code_free(&code);
	plan_free(&plan);
	ruleset_free(&ruleset);
}

/* `lookup rulenum' is another test in each rule. */
static void shares_no_code_that_asks_for_the_number(void **state)
{
	static const char *const texts[] = {"100 deny lookup rulenum t",  "100 count lookup rulenum t",
					    "200 deny lookup rulenum t",  "300 deny lookup src-port t",
					    "400 deny lookup src-port t", NULL};
	static const __u32 codes[] = {1, 1, 2, 3, 3, 0};
	struct ruleset ruleset = ruleset_from(texts);
	struct plan plan;

	plan_classify_from = 0;
	plan = planned(&ruleset);
	assert_int_equal(plan.rule_count, sizeof(codes) / sizeof(*codes));
	for (size_t i = 0; i < plan.rule_count; i++)
		assert_int_equal(plan.dispatch[i].code, codes[i]);
	plan_free(&plan);
	ruleset_free(&ruleset);
}

/* Where rules need more code than there is room for, all of them become straight-line code. */
static void gives_up_where_code_is_too_long(void **state)
{
	struct ruleset ruleset = many("%u setfib 1 tcp from any to 10.0.0.%u dst-port 1-9", 17);
	size_t rules = plan_function_rules;
	struct plan plan;

	plan_classify_from = 0;
	plan_function_rules = 1;
	plan = planned(&ruleset);
	assert_false(plan_classifies(&plan));
	assert_int_equal(plan.functions[0].form, STRETCH_CODE_FULL);
	plan_function_rules = rules;
	plan_free(&plan);
	plan = planned(&ruleset);
	assert_true(plan_classifies(&plan));
	plan_free(&plan);
	ruleset_free(&ruleset);
}

/* The verdict that records say, VERDICT_NONE: none; it is what `dispatch` says. */
static void check_results(const char *format, unsigned int verdict)
{
	struct ruleset ruleset = many(format, 200);
	struct plan plan = planned(&ruleset);

	assert_true(plan_classifies(&plan));
	for (size_t i = 0; i < 200; i++) {
		__u32 slot = plan.rules[i].rule->slot, result;
		struct rule_boxes boxes;

		boxes_of(&boxes, &plan, plan.rules[i].rule, (__u32)i);
		result = rests_result(&plan, i, boxes.held);
		assert_int_equal(result, verdict ? CLASSIFIER_RESULT(verdict, slot) : 0);
		if (!verdict)
			continue;
		assert_int_equal(plan.dispatch[i].kind, DISPATCH_VERDICT);
		assert_int_equal(plan.dispatch[i].code, 0);
		assert_int_equal(plan.dispatch[i].result, MATCH_RESULT(verdict, slot, 0));
		assert_int_equal(CLASSIFIER_RESULT_VERDICT(result), verdict);
		assert_int_equal(CLASSIFIER_RESULT_SLOT(result), slot);
	}
	plan_free(&plan);
	ruleset_free(&ruleset);
}

static void records_say_what_becomes_of_packets(void **state)
{
	plan_classify_from = 0;
	plan_exact_from = SIZE_MAX;
	check_results("%u deny tcp from any to 10.0.0.%u 80", VERDICT_DENY);
	check_results("%u allow ip from any to 10.0.0.%u in", VERDICT_ALLOW);
	check_results("%u reset tcp from any to 10.0.0.%u", VERDICT_RESET);
	check_results("%u allow tcp from any to 10.0.0.%u keep-state", VERDICT_STATE);
	/* what takes an argument, more tests, or code, is not for records */
	check_results("%u unreach port udp from any to 10.0.0.%u", VERDICT_NONE);
	check_results("%u deny tcp from any to 10.0.0.%u setup", VERDICT_NONE);
	check_results("%u deny log ip from any to 10.0.0.%u", VERDICT_NONE);
	check_results("%u count ip from any to 10.0.0.%u", VERDICT_NONE);
}

/* A slot that records have no room for. */
static void large_slots_are_not_for_records(void **state)
{
	struct ruleset ruleset = many("%u deny tcp from any to 10.0.0.%u", 3);
	struct plan plan;

	ruleset.rules[0]->slot = (1u << CLASSIFIER_SLOT_BITS) - 1;
	ruleset.rules[1]->slot = 1u << CLASSIFIER_SLOT_BITS;
	plan = planned(&ruleset);
	assert_int_equal(rests_result(&plan, 0, ~0ull), CLASSIFIER_RESULT(VERDICT_DENY, ruleset.rules[0]->slot));
	assert_int_equal(rests_result(&plan, 1, ~0ull), 0);
	plan_free(&plan);
	ruleset_free(&ruleset);
}

struct planner {
	const struct ruleset *ruleset;
	struct images *images;
	bool input;
	struct plan plan;
	int result;
};

static void *plan_thread(void *argument)
{
	struct planner *planner = argument;

	planner->result = plan_make_sharing(&planner->plan, planner->ruleset, &list, planner->input, planner->images);
	return NULL;
}

/* Whether plans for both directions, made at the same time, have one image. Both must look up the rules. */
static bool directions_share(const struct ruleset *ruleset)
{
	struct images *images = images_new();
	struct planner planners[2] = {{.ruleset = ruleset, .images = images, .input = true},
				      {.ruleset = ruleset, .images = images}};
	pthread_t threads[2];
	bool shared;

	assert_non_null(images);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(threads + i, NULL, plan_thread, planners + i), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(planners[i].result, 0);
		assert_true(plan_classifies(&planners[i].plan));
	}
	shared = planners[0].plan.image == planners[1].plan.image;
	for (int i = 0; i < 2; i++)
		plan_free(&planners[i].plan);
	images_free(images);
	return shared;
}

/* Trees hold boxes, and whether anything is left to be done for them: neither may differ by direction. */
static void directions_share_an_image_of_the_same_boxes(void **state)
{
	struct ruleset same = many("%u deny tcp from any to 10.0.0.%u dst-port 1-9", 200);
	struct ruleset rest = many("%u deny tcp from any to 10.0.0.%u setup", 200);
	struct ruleset one_way = many("%u deny tcp from any to 10.0.0.%u antispoof", 200);
	struct ruleset hosts = many("%u deny ip from any to 10.0.0.%u", 200);
	struct ruleset fewer = many("%u deny tcp from any to 10.0.0.%u dst-port 1-9", 200);

	plan_classify_from = 10;
	assert_int_equal(ruleset_insert(&fewer, rule_from("150 deny tcp from any to 11.0.0.1 in")), 0);
	for (int i = 0; i < 20; i++) {
		assert_true(directions_share(&same));
		assert_true(directions_share(&hosts));
		assert_false(directions_share(&fewer));
	}
	plan_exact_from = SIZE_MAX;
	for (int i = 0; i < 20; i++)
		assert_true(directions_share(&rest));
	assert_false(directions_share(&one_way));
	ruleset_free(&same);
	ruleset_free(&rest);
	ruleset_free(&one_way);
	ruleset_free(&hosts);
	ruleset_free(&fewer);
}

static size_t default_from, default_exact_from;

static int restore(void **state)
{
	plan_classify_from = default_from;
	plan_exact_from = default_exact_from;
	return 0;
}

/* What the data says of rules that make states. */
static void states_of_stretches_are_data(void **state)
{
	static const char *const texts[] = {"100 allow tcp from 10.0.0.1 to any setup keep-state",
					    "200 deny tcp from 10.0.0.2 to any setup limit dst-port 7 :a",
					    "300 skipto 400 tcp from 10.0.0.3 to any record-state",
					    "400 count log tcp from 10.0.0.4 to any keep-state defer-action",
					    "500 allow udp from 10.0.0.5 to any out keep-state",
					    NULL};
	static const struct {
		__u32 next, connections, code, tests;
		__u8 action, defers;
	} wanted[] = {{1, 0, 0, 1, DISPATCH_VERDICT, 0},
		      {2, 7, 0, 1, DISPATCH_VERDICT, 0},
		      {3, 0, 0, 0, DISPATCH_SKIPTO, 0},
		      {4, 0, 2, 0, DISPATCH_COUNT, 1},
		      {5, 0, 0, 0, DISPATCH_VERDICT, 0}};
	struct ruleset ruleset = ruleset_from(texts);
	struct plan plan;

	for (__u32 i = 0; i < ruleset.count; i++)
		ruleset.rules[i]->slot = 10 + i;
	plan_classify_from = 0;
	plan = planned(&ruleset);
	for (__u32 i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		const struct stretch_state *state_of = plan.stretch_states + 10 + i;

		assert_int_equal(plan.dispatch[i].code, wanted[i].tests);
		assert_true(plan.dispatch[i].result == MATCH_RESULT(VERDICT_STATE, 10 + i, 0));
		assert_int_equal(state_of->here, 1);
		assert_int_equal(state_of->next, wanted[i].next);
		assert_int_equal(state_of->connections, wanted[i].connections);
		assert_int_equal(state_of->code, wanted[i].code);
		assert_int_equal(state_of->action, wanted[i].action);
		assert_int_equal(state_of->defers, wanted[i].defers);
	}
	plan_free(&plan);
	ruleset_free(&ruleset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_boxes_of_rules),
		cmocka_unit_test_teardown(looks_up_what_is_many_and_selective, restore),
		cmocka_unit_test_teardown(looks_up_what_code_would_compare_one_by_one, restore),
		cmocka_unit_test(hashes_what_differs_in_values),
		cmocka_unit_test_teardown(divides_rules_by_form, restore),
		cmocka_unit_test_teardown(shares_code_for_what_is_left, restore),
		cmocka_unit_test_teardown(shares_no_code_that_asks_for_the_number, restore),
		cmocka_unit_test_teardown(gives_up_where_code_is_too_long, restore),
		cmocka_unit_test_teardown(states_of_stretches_are_data, restore),
		cmocka_unit_test_teardown(records_say_what_becomes_of_packets, restore),
		cmocka_unit_test(large_slots_are_not_for_records),
		cmocka_unit_test_teardown(directions_share_an_image_of_the_same_boxes, restore),
	};

	default_from = plan_classify_from;
	default_exact_from = plan_exact_from;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
