/* SPDX-License-Identifier: GPL-2.0-only */
/* The variants of a listing, and that listings read back. */
#include "selftests/unit/support.h"

#include <pthread.h>

struct listing_case {
	const char *text, *list, *compact, *brief, *resolved;
};

static const struct listing_case cases[] = {
	{"allow ip from any to any", "allow ip from any to any", "allow ip", "allow // ...",
	 "allow ip from any to any"},
	{"deny tcp from any to me 22 in // ssh", "deny tcp from any to me 22 in // ssh",
	 "deny tcp from any to me 22 in // ssh", "deny // ssh", "deny tcp from any to me ssh in // ssh"},
	{"count tcp from any to any in", "count tcp from any to any in", "count tcp in", "count // ...",
	 "count tcp from any to any in"},
	{"prob 0.5 skipto 300 in", "prob 0.500000 skipto 300 in", "prob 0.500000 skipto 300 in",
	 "prob 0.500000 skipto 300 // ...", "prob 0.500000 skipto 300 in"},
	{"allow ip from any to any src-port 80", "allow ip from any 80 to any", "allow ip 80", "allow // ...",
	 "allow ip from any 80 to any"},
	{"allow dst-port 80 proto tcp src-port 22-53", "allow dst-port 80 proto tcp src-port 22-53",
	 "allow dst-port 80 proto tcp src-port 22-53", "allow // ...",
	 "allow dst-port 80 proto tcp src-port ssh-domain"},
	{"allow ip6 from ::1 to any", "allow ip6 from ::1 to any", "allow ip6 from ::1 to any", "allow // ...",
	 "allow ip6 from localhost to any"},
	{"unreach port udp from any to any 53", "unreach port udp from any to any 53",
	 "unreach port udp from any to any 53", "unreach port // ...", "unreach port udp from any to any domain"},
	/* ipfw moves tests to their positions */
	{"deny ip from any to any via em0 proto udp dst-ip 10.0.0.1", "deny udp from any to 10.0.0.1 via em0",
	 "deny udp via em0 10.0.0.1", "deny // ...", "deny udp from any to 10.0.0.1 via em0"},
	{"deny udp from any to any ip6", "deny ip6 from any to any proto udp", "deny ip6 proto udp", "deny // ...",
	 "deny ip6 from any to any proto udp"},
};

/* What ipfw lists in a way that cannot be read back is listed as it can. */
static const struct {
	const char *text, *list;
} careful_cases[] = {
	{"allow via any", "allow via any"},
	{"count src-ip any", "count via any"},
	{"prob 0.0000001 deny in", "prob 0.0000000999 deny in"},
	{"prob 0.9999999 deny in", "prob 0.9999999001 deny in"},
	{"allow 41 from any to any", "allow 41 from any to any"},
	{"allow in proto 41", "allow in proto ipv6"},
	{"deny not hopopt from any to any", "deny not hopopt from any to any"},
	{"deny in proto hopopt", "deny in proto hopopt"},
	{"allow ip from 1.2.3.4/24{} to any", "allow ip from 1.2.3.0/24{} to any"},
	{"allow ip6 from any to any src-ip me", "allow ip6 from any to any src-ip me"},
	{"deny udp from 10.0.0.0/8 to any not ip6", "deny udp from 10.0.0.0/8 to any not proto ip6"},
	{"count tcp from any to me { not src-ip 10.0.0.0/8 or via em0 } in",
	 "count tcp from any to me { not src-ip 10.0.0.0/8 or via em0 } in"},
	{"deny { tcp or ip } from 10.0.0.0/8 to me", "deny ip from any to me { proto tcp or src-ip 10.0.0.0/8 }"},
	{"allow ip from any to any { in or dst-ip me } // note",
	 "allow ip from any to any { in or dst-ip me } // note"},
	{"allow { in or // note", "allow { in or // note"},
};

static void check(const char *text, const struct print_options *options, const char *expected)
{
	struct rule *rule = rule_from(text);
	char listing[512], cut[8];
	size_t length = rule_print(listing, sizeof(listing), rule, options);

	if (strcmp(listing, expected) != 0)
		fail_msg("`%s' is listed as `%s', not `%s'", text, listing, expected);
	assert_int_equal(length, strlen(listing));
	assert_int_equal(rule_print(cut, sizeof(cut), rule, options), length);
	assert_int_equal(strncmp(cut, listing, sizeof(cut) - 1), 0);
	assert_int_equal(strlen(cut), length < sizeof(cut) ? length : sizeof(cut) - 1);
	free(rule);
}

static void test_variants(void **state)
{
	struct print_options plain = {0}, compact = {.compact = true}, resolve = {.resolve = true};
	struct print_options brief = {.brief = true, .compact = true};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check(cases[i].text, &plain, cases[i].list);
		check(cases[i].text, &compact, cases[i].compact);
		check(cases[i].text, &brief, cases[i].brief);
		check(cases[i].text, &resolve, cases[i].resolved);
	}
}

static void test_reads_back(void **state)
{
	struct print_options plain = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].list, &plain, cases[i].list);
	for (size_t i = 0; i < sizeof(careful_cases) / sizeof(careful_cases[0]); i++) {
		check(careful_cases[i].text, &plain, careful_cases[i].list);
		check(careful_cases[i].list, &plain, careful_cases[i].list);
	}
}

/* Every action can be printed, whatever its argument, if that is a number. */
static void test_actions(void **state)
{
	static const struct {
		const char *keyword;
		enum action_argument argument;
	} actions[] = {
#define ACTION(code, keyword, aliases, argument, ...) {keyword, ACTION_ARGUMENT_##argument},
#include "ipfw/actions.def"
#undef ACTION
	};
	struct print_options brief = {.brief = true};

	for (int code = 0; code < ACTION_CODES; code++) {
		struct rule *rule;
		struct action *action;
		char listing[128];

		if (actions[code].argument >= ACTION_ARGUMENT_FORWARD) /* more stands behind struct action */
			continue;
		rule = rule_from("count in");
		action = (struct action *)rule_action(rule);
		action->code = (__u16)code;
		action->argument = 77;
		rule_print(listing, sizeof(listing), rule, &brief);
		assert_int_equal(strncmp(listing, actions[code].keyword, strlen(actions[code].keyword)), 0);
		free(rule);
	}
}

#define LISTINGS 2000

/* Lists the rule again and again. Returns NULL, or the rule if some listing was another one. */
static void *list_often(void *argument)
{
	const struct print_options plain = {0};
	const char *text = argument;
	struct rule *rule = rule_from(text);
	bool same = true;
	char listing[128];

	for (int i = 0; i < LISTINGS; i++) {
		rule_print(listing, sizeof(listing), rule, &plain);
		same = same && !strcmp(listing, text);
	}
	free(rule);
	return same ? NULL : argument;
}

/* The programs of all hooks are made side by side, and describe their rules. */
static void test_threads(void **state)
{
	static char texts[][32] = {"count uid root", "count uid daemon", "count gid root", "count gid daemon"};
	pthread_t threads[4];
	void *different;

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(threads + i, NULL, list_often, texts[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &different);
		assert_null(different);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_reads_back),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
