/* SPDX-License-Identifier: GPL-2.0-only */
/* `call', `return' and `skipto': where packets go on, and what is counted on the way. */
#include "selftests/unit/probe.h"

static const struct interface_list no_interfaces;

#define UDP 17
#define TCP 6

/* One rule; its counter slot is its place, from 1 on. */
struct line {
	unsigned int number;
	enum action_code action;
	__u32 argument;
	__u8 protocol; /* 0: matches all */
	__u8 set;
};

#define LINE(number, action, argument)                                                                                 \
	{                                                                                                              \
		number, ACTION_##action, argument, 0, 0                                                                \
	}

static struct rule *rule_of(const struct line *line, __u32 slot)
{
	struct rule *rule =
		rule_with_action(line->protocol == TCP ? "count tcp from any to any" : "count ip from any to any",
				 line->action, line->argument);

	rule->number = (__u16)line->number;
	rule->set = line->set;
	rule->slot = slot;
	return rule;
}

#define SET_DISABLED 4

static struct ruleset ruleset_of(const struct line *lines, size_t count)
{
	struct ruleset ruleset = {.disabled_sets = 1u << SET_DISABLED};

	for (size_t i = 0; i < count; i++)
		assert_int_equal(ruleset_insert(&ruleset, rule_of(lines + i, (__u32)i + 1)), 0);
	assert_int_equal(ruleset_insert(&ruleset, rule_default("deny")), 0);
	return ruleset;
}

/* Sends one packet through the rules. The verdict must be `verdict`, and the rules must have counted it `counts` times.
 */
static void expect_counts(const struct line *lines, size_t count, enum verdict verdict, const unsigned int *counts)
{
	struct ruleset ruleset = ruleset_of(lines, count);
	struct probe probe = probe_load(&ruleset, &no_interfaces, true);
	struct packet packet = {.family = 4, .protocol = UDP, .segments = 1};

	assert_int_equal(MATCH_VERDICT(probe_run(&probe, &packet)), verdict);
	for (size_t i = 0; i < count; i++)
		if (probe_counted(&probe, (__u32)i + 1) != counts[i])
			fail_msg("rule %u (number %zu) counted %llu times, not %u", lines[i].number, i,
				 probe_counted(&probe, (__u32)i + 1), counts[i]);
	probe_close(&probe);
	ruleset_free(&ruleset);
}

#define EXPECT_COUNTS(lines, verdict, ...)                                                                             \
	do {                                                                                                           \
		static const unsigned int counts[] = {__VA_ARGS__};                                                    \
		assert_int_equal(sizeof(counts) / sizeof(*counts), sizeof(lines) / sizeof(*(lines)));                  \
		expect_counts(lines, sizeof(lines) / sizeof(*(lines)), verdict, counts);                               \
	} while (0)

static void calls_nest(void **state)
{
	static const struct line lines[] = {
		LINE(100, CALL, 500), LINE(200, COUNT, 0),  LINE(300, ALLOW, 0), LINE(400, DENY, 0),
		LINE(500, COUNT, 0),  LINE(510, CALL, 600), LINE(520, COUNT, 0), LINE(530, RETURN, 0),
		LINE(600, COUNT, 0),  LINE(610, RETURN, 0),
	};

	EXPECT_COUNTS(lines, VERDICT_ALLOW, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1);
}

static void calls_go_backward(void **state)
{
	static const struct line lines[] = {
		LINE(100, SKIPTO, 300), LINE(200, COUNT, 0),  LINE(210, RETURN, 0), LINE(300, CALL, 200),
		LINE(400, COUNT, 0),	LINE(500, CALL, 200), LINE(600, ALLOW, 0),
	};

	EXPECT_COUNTS(lines, VERDICT_ALLOW, 1, 2, 2, 1, 1, 1, 1);
}

/* The very first rule is the one that packet.resume has no number of its own for. */
static void calls_reach_the_first_rule(void **state)
{
	static const struct line lines[] = {LINE(100, COUNT, 0), LINE(200, RETURN, 0), LINE(300, CALL, 1),
					    LINE(400, ALLOW, 0)};

	EXPECT_COUNTS(lines, VERDICT_ALLOW, 2, 1, 1, 1);
}

static void return_without_a_call_is_passed_over(void **state)
{
	static const struct line lines[] = {LINE(100, RETURN, 0), LINE(200, RETURN, RETURN_TO_NEXT_RULE),
					    LINE(300, CALL, 400), LINE(400, RETURN, 0), LINE(500, ALLOW, 0)};

	/* 300 calls 400, which returns to 400, where nothing is left to return to */
	EXPECT_COUNTS(lines, VERDICT_ALLOW, 0, 0, 1, 1, 1);
}

static void returns_behind_the_number_or_the_rule(void **state)
{
	static const struct line by_number[] = {LINE(100, CALL, 300), LINE(100, COUNT, 0), LINE(200, ALLOW, 0),
						LINE(300, RETURN, 0)};
	static const struct line by_rule[] = {LINE(100, CALL, 300), LINE(100, COUNT, 0), LINE(200, ALLOW, 0),
					      LINE(300, RETURN, RETURN_TO_NEXT_RULE)};
	static const struct line last_of_number[] = {LINE(100, COUNT, 0), LINE(100, CALL, 300), LINE(200, ALLOW, 0),
						     LINE(300, RETURN, RETURN_TO_NEXT_RULE)};

	EXPECT_COUNTS(by_number, VERDICT_ALLOW, 1, 0, 1, 1);
	EXPECT_COUNTS(by_rule, VERDICT_ALLOW, 1, 1, 1, 1);
	EXPECT_COUNTS(last_of_number, VERDICT_ALLOW, 1, 1, 1, 1);
}

/* The target is the first rule of its number, or of the next one that is there. */
static void calls_go_to_the_first_of_a_number(void **state)
{
	static const struct line lines[] = {LINE(100, CALL, 250), LINE(200, ALLOW, 0), LINE(300, COUNT, 0),
					    LINE(300, COUNT, 0), LINE(310, RETURN, 0)};
	static const struct line none[] = {LINE(100, CALL, 60000), LINE(200, ALLOW, 0)};

	EXPECT_COUNTS(lines, VERDICT_ALLOW, 1, 1, 1, 1, 1);
	EXPECT_COUNTS(none, VERDICT_DENY, 1, 0);
}

static void disabled_sets_are_no_part_of_it(void **state)
{
	static const struct line lines[] = {
		{100, ACTION_CALL, 300, 0, SET_DISABLED}, LINE(200, CALL, 300),
		{210, ACTION_COUNT, 0, 0, SET_DISABLED},  LINE(220, ALLOW, 0),
		{300, ACTION_DENY, 0, 0, SET_DISABLED},	  LINE(310, RETURN, RETURN_TO_NEXT_RULE),
	};

	EXPECT_COUNTS(lines, VERDICT_ALLOW, 0, 1, 0, 1, 0, 1);
}

static void conditions_decide_on_calls(void **state)
{
	static const struct line lines[] = {
		{100, ACTION_CALL, 300, TCP, 0},
		LINE(110, CALL, 400),
		LINE(200, ALLOW, 0),
		LINE(300, DENY, 0),
		LINE(400, COUNT, 0),
		{410, ACTION_RETURN, 0, TCP, 0},
		LINE(420, RETURN, 0),
	};

	EXPECT_COUNTS(lines, VERDICT_ALLOW, 0, 1, 1, 0, 1, 0, 1);
}

/* 16 calls are noted; the 17th goes on at the next rule and is not counted, as are returns when none is left. */
static void the_stack_overflows_to_the_next_rule(void **state)
{
	static const struct line itself[] = {LINE(100, COUNT, 0), LINE(200, CALL, 100), LINE(300, ALLOW, 0)};
	static const struct line and_back[] = {LINE(100, COUNT, 0), LINE(200, CALL, 100), LINE(300, RETURN, 0),
					       LINE(400, ALLOW, 0)};

	EXPECT_COUNTS(itself, VERDICT_ALLOW, 17, 16, 1);
	EXPECT_COUNTS(and_back, VERDICT_ALLOW, 17, 16, 16, 1);
}

/* Rules that call each other without end are cut off. */
static void too_many_calls_are_dropped(void **state)
{
	struct line many[CALLS_MAX / 2 + 3];
	unsigned int counts[CALLS_MAX / 2 + 3];
	size_t calls = CALLS_MAX / 2;

	for (size_t i = 0; i < calls + 1; i++)
		many[i] = (struct line)LINE((unsigned int)i + 1, CALL, 1000);
	many[calls + 1] = (struct line)LINE(999, ALLOW, 0);
	many[calls + 2] = (struct line)LINE(1000, RETURN, 0);
	for (size_t i = 0; i < calls; i++)
		counts[i] = 1;
	counts[calls] = 0;
	counts[calls + 1] = 1;
	counts[calls + 2] = (unsigned int)calls;
	many[calls].action = ACTION_COUNT;
	counts[calls] = 1;
	expect_counts(many, calls + 3, VERDICT_ALLOW, counts);
	many[calls].action = ACTION_CALL;
	counts[calls + 1] = 0;
	expect_counts(many, calls + 3, VERDICT_BOUND, counts);
}

#define RANDOM_LINES 720 /* two functions */

static size_t first_of(const struct line *lines, unsigned int number)
{
	size_t index = 0;

	while (index < RANDOM_LINES && lines[index].number < number)
		index++;
	return index;
}

struct walk {
	size_t at;
	unsigned int depth, jumps;
	struct {
		size_t next_rule, next_number;
	} stack[CALL_DEPTH_MAX];
};

/* Takes a call or a return as the manual says. False: it does not happen. */
static bool walk_jump(struct walk *walk, const struct line *lines)
{
	const struct line *line = lines + walk->at;

	if (line->action == ACTION_CALL) {
		if (walk->depth == CALL_DEPTH_MAX)
			return false;
		walk->stack[walk->depth].next_rule = walk->at + 1;
		walk->stack[walk->depth++].next_number = first_of(lines, line->number + 1);
		walk->at = first_of(lines, line->argument);
	} else {
		if (!walk->depth--) {
			walk->depth = 0;
			return false;
		}
		walk->at = line->argument == RETURN_TO_NEXT_RULE ? walk->stack[walk->depth].next_rule
								 : walk->stack[walk->depth].next_number;
	}
	walk->jumps++;
	return true;
}

/* The verdict of the manual for a packet; what it counts is added to `counted`, by line. */
static enum verdict walk_rules(const struct line *lines, __u8 protocol, unsigned int *counted)
{
	struct walk walk = {0};

	while (walk.at < RANDOM_LINES) {
		size_t at = walk.at;
		const struct line *line = lines + at;

		walk.at++;
		if (line->set == SET_DISABLED || (line->protocol && line->protocol != protocol))
			continue;
		if (line->action == ACTION_CALL || line->action == ACTION_RETURN) {
			walk.at = at;
			if (!walk_jump(&walk, lines)) {
				walk.at = at + 1;
				continue;
			}
		} else if (line->action == ACTION_SKIPTO) {
			walk.at = first_of(lines, line->argument > line->number ? line->argument : line->number + 1);
		}
		counted[at]++;
		if (line->action == ACTION_ALLOW)
			return VERDICT_ALLOW;
		if (line->action == ACTION_DENY)
			return VERDICT_DENY;
		if (walk.jumps > CALLS_MAX)
			return VERDICT_BOUND;
	}
	return VERDICT_DENY;
}

static struct line random_line(size_t index)
{
	static const enum action_code actions[] = {
		ACTION_CALL,   ACTION_CALL,   ACTION_CALL,   ACTION_CALL,  ACTION_RETURN, ACTION_RETURN,
		ACTION_RETURN, ACTION_RETURN, ACTION_SKIPTO, ACTION_ALLOW, ACTION_DENY,
	};
	unsigned int draw = (unsigned int)rand() % 40;
	struct line line = LINE((unsigned int)(index - index % 3) * 10 + 10, COUNT, 0);

	if (draw < sizeof(actions) / sizeof(*actions))
		line.action = actions[draw];
	if (line.action == ACTION_RETURN)
		line.argument = rand() % 2 ? RETURN_TO_NEXT_RULE : RETURN_TO_NEXT_NUMBER;
	else if (line.action != ACTION_COUNT)
		line.argument = 1 + (__u32)rand() % (rand() % 2 ? line.number + 50 : RANDOM_LINES * 10 + 100);
	line.protocol = rand() % 3 ? TCP : 0;
	line.set = rand() % 8 ? 0 : SET_DISABLED;
	return line;
}

/* Random rules with calls in all directions, over several functions, against a walk that does what the manual says. */
static void random_calls_agree_with_a_walk(void **state)
{
	static const __u8 protocols[] = {UDP, TCP};
	unsigned int verdicts[VERDICT_AGAIN + 1] = {0};

	for (unsigned int seed = 1; seed <= 40; seed++) {
		struct line lines[RANDOM_LINES];
		unsigned int counted[RANDOM_LINES] = {0};
		struct ruleset ruleset;
		struct probe probe;

		srand(seed);
		for (size_t i = 0; i < RANDOM_LINES; i++)
			lines[i] = random_line(i);
		ruleset = ruleset_of(lines, RANDOM_LINES);
		probe = probe_load(&ruleset, &no_interfaces, true);
		for (size_t i = 0; i < 2; i++) {
			struct packet packet = {.family = 4, .protocol = protocols[i], .segments = 1};
			enum verdict verdict = walk_rules(lines, protocols[i], counted);

			verdicts[verdict]++;
			assert_int_equal(MATCH_VERDICT(probe_run(&probe, &packet)), verdict);
		}
		for (size_t i = 0; i < RANDOM_LINES; i++)
			assert_int_equal(probe_counted(&probe, (__u32)i + 1), counted[i]);
		probe_close(&probe);
		ruleset_free(&ruleset);
	}
	/* the draw is such that all ends are met */
	assert_true(verdicts[VERDICT_ALLOW] && verdicts[VERDICT_DENY] && verdicts[VERDICT_BOUND]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_nest),
		cmocka_unit_test(calls_go_backward),
		cmocka_unit_test(calls_reach_the_first_rule),
		cmocka_unit_test(return_without_a_call_is_passed_over),
		cmocka_unit_test(returns_behind_the_number_or_the_rule),
		cmocka_unit_test(calls_go_to_the_first_of_a_number),
		cmocka_unit_test(disabled_sets_are_no_part_of_it),
		cmocka_unit_test(conditions_decide_on_calls),
		cmocka_unit_test(the_stack_overflows_to_the_next_rule),
		cmocka_unit_test(too_many_calls_are_dropped),
		cmocka_unit_test(random_calls_agree_with_a_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
