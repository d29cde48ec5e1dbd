/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of rules that are joined, and code that rules share: how many branches are left, and that they still tell
 * packets apart.
 */
#include "selftests/unit/emit_packets.h"

#include "loader/compile/function.h"

/* What the verifier follows on both ways, in the code for incoming packets. */
static unsigned int branches(const char *const *texts)
{
	struct ruleset ruleset = ruleset_from(texts);
	unsigned int count = 0;
	struct plan plan;
	struct code code;

	assert_int_equal(plan_make(&plan, &ruleset, &list, true), 0);
	assert_int_equal(code_generate(&code, &plan), 0);
	for (size_t i = code.functions[0].first; i < code.functions[0].end; i++) {
		__u8 class = BPF_CLASS(code.assembler.instructions[i].code);
		__u8 operation = BPF_OP(code.assembler.instructions[i].code);

		count += (class == BPF_JMP || class == BPF_JMP32) && operation != BPF_JA && operation != BPF_CALL &&
			 operation != BPF_EXIT;
	}
	code_free(&code);
	plan_free(&plan);
	ruleset_free(&ruleset);
	return count;
}

#define FUNCTION_BRANCHES 1 /* whether the packet is NULL */

/* Branches of the rule behind its filter, in a run with another one. */
static unsigned int tests(const char *rule, const char *other)
{
	const char *const texts[] = {rule, other, NULL}, *const alone[] = {other, NULL};

	return branches(texts) - branches(alone) - 1;
}

static void tests_of_a_rule_are_one_branch(void **state)
{
	static const char ip4[] = "900 allow ip from 10.0.0.99 to any";
	static const char ip6[] = "900 allow udp from any to any ip6";

	assert_int_equal(tests("100 allow tcp from 10.0.0.1 to 10.0.0.2 80 tcpflags syn,!ack", ip4), 1);
	assert_int_equal(tests("100 allow udp from 10.0.0.1 1024-65535 to 10.1.0.0/16 5000-5100", ip4), 1);
	assert_int_equal(tests("100 allow tcp from 2001:db8::/32 to 2001:db8::1", ip6), 1);
}

static void alike_rules_share_their_branch(void **state)
{
	static const char *const rules[] = {"100 allow tcp from 10.0.0.1 to 10.0.0.2 80",
					    "200 deny tcp from 10.0.0.2 to 10.0.0.3 81",
					    "300 allow tcp from 10.0.0.3 to 10.0.0.4 1024-65535",
					    "400 deny tcp from 10.0.0.4 to 10.0.0.5 2000-2010",
					    "500 allow udp from 10.0.0.5 to 10.0.0.6 53",
					    NULL};

	/* a filter for each; one for each of three kinds: port or ports of TCP, port of UDP */
	assert_int_equal(branches(rules), FUNCTION_BRANCHES + 5 + 3);
}

/* The one in front of a rule with the same filter goes on at that one, not at the end of the run. */
static void followed_rules_do_not_share(void **state)
{
	static const char *const rules[] = {"100 allow tcp from 10.0.0.1 to 10.0.0.2 80",
					    "200 allow tcp from 10.0.0.1 to 10.0.0.3 80",
					    "300 allow tcp from 10.0.0.4 to 10.0.0.3 80", NULL};

	assert_int_equal(branches(rules), FUNCTION_BRANCHES + 2 + 3 + 1);
}

static void what_acts_is_not_passed_by(void **state)
{
	static const char other[] = "900 allow ip from 10.0.0.99 to any";

	/* joined are those before the call, and those behind it */
	assert_int_equal(tests("100 allow tcp from 10.0.0.1 to 10.0.0.2 80 dst-ip me src-port 99", other), 3);
	/* each alternative, and what else there is */
	assert_int_equal(
		tests("100 allow tcp from 10.0.0.1 to any { dst-ip 10.0.0.2 or dst-ip 10.0.0.3 } dst-port 80", other),
		3);
	assert_int_equal(tests("100 allow tcp from 10.0.0.1 to not 10.0.0.2 80", other), 2);
}

static const char *const mixed[] = {
	"100 allow tcp from 10.0.0.1 to 10.0.0.2 80",
	"200 allow tcp from 10.0.0.2 to 10.0.0.2 not 80",
	"300 allow tcp from 10.0.0.3 to 10.0.0.2 1000-2000",
	"400 allow tcp from 10.0.0.4 to not 10.0.0.2 1000-2000",
	"500 allow tcp from 10.0.0.5 to any { dst-ip 10.0.0.2 or dst-port 90 } dst-port 80,90",
	"600 allow tcp from 10.0.0.6 2000-65535 to 10.0.0.0/24 0-100",
	"700 allow tcp from 10.0.0.7 99 to 10.0.0.2 1000-2000 tcpflags syn",
	"800 allow tcp from 10.0.0.7 99 to 10.0.0.2 1000-2000 tcpflags !syn",
	"900 count tcp from 10.0.0.8 to 10.0.0.2 80",
	"1000 allow ip from 10.0.0.8 to 10.0.0.2",
	"1100 allow udp from 10.0.0.9 to 10.0.0.2 65535",
	"1200 allow udp from 10.0.0.10 to 10.0.0.0/24 0",
	"1300 allow tcp from 2001:db8::1 to 2001:db8::2 80",
	"1400 allow tcp from 2001:db8::/96 to 2001:db8::3 1000-2000",
	"1500 allow tcp from 2001:db8::1 to { 2001:db8::4 or 2001:db8::5 } 80",
	NULL};

static const struct {
	unsigned int rule; /* that it ends at; 0: the last */
	struct packet packet;
} passages[] = {
#define FROM(host) .source = IP4(10, 0, 0, host)
#define TO(host) .destination = IP4(10, 0, 0, host)
	{100, {TCP4, FROM(1), TO(2), .destination_port = 80}},
	{0, {TCP4, FROM(1), TO(2), .destination_port = 81}},
	{0, {TCP4, FROM(1), TO(3), .destination_port = 80}},
	{0, {UDP4, FROM(1), TO(2), .destination_port = 80}},
	{200, {TCP4, FROM(2), TO(2), .destination_port = 81}},
	{0, {TCP4, FROM(2), TO(2), .destination_port = 80}},
	{0, {TCP4, FROM(2), TO(1), .destination_port = 81}},
	{300, {TCP4, FROM(3), TO(2), .destination_port = 1000}},
	{300, {TCP4, FROM(3), TO(2), .destination_port = 2000}},
	{0, {TCP4, FROM(3), TO(2), .destination_port = 999}},
	{0, {TCP4, FROM(3), TO(2), .destination_port = 2001}},
	{0, {TCP4, FROM(3), TO(2), .destination_port = 0}},
	{0, {TCP4, FROM(3), TO(2), .destination_port = 65535}},
	{0, {TCP4, FROM(3), TO(1), .destination_port = 1000}},
	{400, {TCP4, FROM(4), TO(1), .destination_port = 1500}},
	{0, {TCP4, FROM(4), TO(2), .destination_port = 1500}},
	{0, {TCP4, FROM(4), TO(1), .destination_port = 2001}},
	{500, {TCP4, FROM(5), TO(2), .destination_port = 80}},
	{500, {TCP4, FROM(5), TO(9), .destination_port = 90}},
	{0, {TCP4, FROM(5), TO(9), .destination_port = 80}},
	{0, {TCP4, FROM(5), TO(2), .destination_port = 81}},
	{600, {TCP4, FROM(6), TO(200), .source_port = 2000, .destination_port = 0}},
	{600, {TCP4, FROM(6), TO(200), .source_port = 65535, .destination_port = 100}},
	{0, {TCP4, FROM(6), TO(200), .source_port = 1999, .destination_port = 0}},
	{0, {TCP4, FROM(6), TO(200), .source_port = 2000, .destination_port = 101}},
	{700, {TCP4, FROM(7), TO(2), .source_port = 99, .destination_port = 1000, .tcp_flags = SYN | ACK}},
	{800, {TCP4, FROM(7), TO(2), .source_port = 99, .destination_port = 1000, .tcp_flags = ACK}},
	{0, {TCP4, FROM(7), TO(2), .source_port = 98, .destination_port = 1000, .tcp_flags = ACK}},
	{1000, {TCP4, FROM(8), TO(2), .destination_port = 80}},
	{1000, {TCP4, FROM(8), TO(2), .destination_port = 81}},
	{0, {TCP4, FROM(8), TO(1), .destination_port = 80}},
	{1100, {UDP4, FROM(9), TO(2), .destination_port = 65535}},
	{0, {UDP4, FROM(9), TO(2), .destination_port = 0}},
	{1200, {UDP4, FROM(10), TO(77), .destination_port = 0}},
	{0, {UDP4, FROM(10), TO(77), .destination_port = 1}},
	{1300, {TCP6, .source = IP6(1), .destination = IP6(2), .destination_port = 80}},
	{0, {TCP6, .source = IP6(1), .destination = IP6(2), .destination_port = 81}},
	{0, {TCP6, .source = IP6(2), .destination = IP6(2), .destination_port = 80}},
	{1400, {TCP6, .source = IP6(77), .destination = IP6(3), .destination_port = 2000}},
	{0, {TCP6, .source = IP6(77), .destination = IP6(3), .destination_port = 2001}},
	{1500, {TCP6, .source = IP6(1), .destination = IP6(4), .destination_port = 80}},
	{1500, {TCP6, .source = IP6(1), .destination = IP6(5), .destination_port = 80}},
	{0, {TCP6, .source = IP6(1), .destination = IP6(6), .destination_port = 80}},
};

static void joined_tests_decide_as_apart(void **state)
{
	struct ruleset ruleset = ruleset_from(mixed);
	struct probe probe = probe_load(&ruleset, &list, true);

	for (size_t i = 0; i < sizeof(passages) / sizeof(*passages); i++) {
		struct packet packet = passages[i].packet;
		unsigned int rule;
		__u64 result;

		packet.segments = 1;
		result = probe_run(&probe, &packet);
		rule = MATCH_VERDICT(result) == VERDICT_ALLOW ? MATCH_SLOT(result) * 100 : 0;

		if (rule != passages[i].rule)
			fail_msg("packet %zu ends at %u, not %u", i, rule, passages[i].rule);
	}
	/* rule 900 has counted one packet, and let it go on */
	assert_int_equal(probe_counted(&probe, 9), 1);
	probe_close(&probe);
	ruleset_free(&ruleset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tests_of_a_rule_are_one_branch), cmocka_unit_test(alike_rules_share_their_branch),
		cmocka_unit_test(followed_rules_do_not_share),	  cmocka_unit_test(what_acts_is_not_passed_by),
		cmocka_unit_test(joined_tests_decide_as_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
