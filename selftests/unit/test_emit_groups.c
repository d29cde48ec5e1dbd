/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules that share addresses, ports and neighbours, run in the kernel beside a walk from the first to the last. */
#include "selftests/unit/emit_packets.h"

#include <arpa/inet.h>

/* A rule of the model below: what it asks for (0: anything), and what it does. */
struct model_rule {
	unsigned int host, port; /* source 10.0.0.host or, from 8 on, 10.0.host.0/24; destination port */
	unsigned int skip;	 /* skipto this number; 0: see deny */
	bool deny;		 /* else it counts */
	bool udp;		 /* else TCP */
};

#define MODEL_RULES 150

/* For half of the seeds all rules have hosts and few are skipped to, which makes long runs; for half, both protocols.
 */
static struct model_rule model_random(unsigned int index, unsigned int seed)
{
	bool long_runs = seed & 1, protocols = seed & 2;
	unsigned int hosts = seed & 4 ? 1 : 7;
	struct model_rule rule = {.port = (unsigned int)rand() % 4};
	int action = rand() % (long_runs ? 60 : 12);

	rule.host = long_runs ? 1 + (unsigned int)rand() % hosts : (unsigned int)rand() % 16;
	rule.udp = protocols && rand() % 2;
	if (action == 0)
		rule.skip = index + 1 + (unsigned int)rand() % 20;
	rule.deny = action == 1 && rule.host && rule.port;
	return rule;
}

static void model_text(char *text, size_t size, unsigned int number, const struct model_rule *rule)
{
	char action[24], source[24] = "any", port[8] = "";

	if (rule->skip)
		snprintf(action, sizeof(action), "skipto %u", rule->skip);
	else
		snprintf(action, sizeof(action), "%s", rule->deny ? "deny" : "count");
	if (rule->host >= 8)
		snprintf(source, sizeof(source), "10.0.%u.0/24", rule->host);
	else if (rule->host)
		snprintf(source, sizeof(source), "10.0.0.%u", rule->host);
	if (rule->port)
		snprintf(port, sizeof(port), "%u", rule->port);
	snprintf(text, size, "%u %s %s from %s to any %s", number, action, rule->udp ? "udp" : "tcp", source, port);
}

static bool model_match(const struct model_rule *rule, const struct model_rule *packet, unsigned int third)
{
	if (rule->udp != packet->udp || (rule->port && rule->port != packet->port))
		return false;
	return !rule->host || (rule->host < 8 ? !third && rule->host == packet->host : rule->host == third);
}

/*
 * What the manual says that a packet from 10.0.third.host does: counts in `counted` and returns the number of the rule
 * that denies it, or 0.
 */
static unsigned int model_run(const struct model_rule *rules, const struct model_rule *packet, unsigned int third,
			      unsigned int *counted)
{
	for (unsigned int number = 1; number <= MODEL_RULES; number++) {
		const struct model_rule *rule = rules + number;

		if (!model_match(rule, packet, third))
			continue;
		counted[number]++;
		if (rule->deny)
			return number;
		if (rule->skip)
			number = rule->skip - 1;
	}
	return 0;
}

static void model_compare(const struct model_rule *rules, const struct probe *probe)
{
	unsigned int counted[MODEL_RULES + 1] = {0};

	for (unsigned int i = 0; i < 16 * 5 * 2; i++) {
		unsigned int third = i % 16 < 8 ? 0 : i % 16;
		struct model_rule asked = {
			.host = i % 16 < 8 ? i % 16 : 1, .port = i / 16 % 5, .udp = i >= (unsigned int)(16 * 5)};
		struct packet tcp = {TCP4}, packet = {UDP4}, *sent = asked.udp ? &packet : &tcp;
		unsigned int denied = model_run(rules, &asked, third, counted);
		__u64 result;

		sent->source[0] = htonl(10u << 24 | third << 8 | asked.host);
		sent->destination_port = (__u16)asked.port;
		sent->segments = 1;
		result = probe_run(probe, sent);
		assert_int_equal(MATCH_VERDICT(result), denied ? VERDICT_DENY : VERDICT_ALLOW);
		if (denied)
			assert_int_equal(MATCH_SLOT(result), denied);
	}
	for (unsigned int number = 1; number <= MODEL_RULES; number++)
		assert_int_equal(probe_counted(probe, number), counted[number]);
}

/*
 * Random rules, many of which share addresses, ports and neighbours: however they are grouped, each packet must meet
 * exactly the rules that a walk from the first to the last finds.
 */
static void grouped_rules_keep_their_order(void **state)
{
	for (unsigned int seed = 1; seed <= 12; seed++) {
		struct model_rule rules[MODEL_RULES + 1];
		struct ruleset ruleset = {0};
		struct probe probe;
		char text[128];

		srand(seed);
		for (unsigned int number = 1; number <= MODEL_RULES; number++) {
			struct rule *rule;

			rules[number] = model_random(number, seed);
			model_text(text, sizeof(text), number, rules + number);
			rule = rule_from(text);
			rule->slot = number;
			assert_int_equal(ruleset_insert(&ruleset, rule), 0);
		}
		assert_int_equal(ruleset_insert(&ruleset, rule_default("allow")), 0);
		probe = probe_load(&ruleset, &list, true);
		model_compare(rules, &probe);
		probe_close(&probe);
		ruleset_free(&ruleset);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grouped_rules_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
