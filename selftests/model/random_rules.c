/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftests/model/random_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/language.h"
#include "selftests/model/random_tables.h"
#include "selftests/model/rule_text.h"

#define ATTEMPTS 8

/* States outlive a packet: rules get them only if the caller has packets in a row. */
static bool of_states(int option)
{
	switch (option) {
	case OPTION_KEEP_STATE:
	case OPTION_RECORD_STATE:
	case OPTION_LIMIT:
	case OPTION_SET_LIMIT:
	case OPTION_DEFER_ACTION:
		return true;
	default:
		return false;
	}
}

bool random_option_asks_table(int option)
{
	return option >= OPTION_SOURCE_TABLE && option <= OPTION_DESTINATION_MAC;
}

bool random_option_works(int option)
{
	static const char *const emitters[OPTION_CODES] = {
#define OPTION(code, keyword, aliases, argument, place, emitter, ...) [OPTION_##code] = #emitter,
#include "ipfw/options.def"
#undef OPTION
	};

	return strcmp(emitters[option], "later") != 0 && !of_states(option);
}

bool random_action_works(int action)
{
	static const char *const emitters[ACTION_CODES] = {
#define ACTION(code, keyword, aliases, argument, terminal, emitter, ...) [ACTION_##code] = #emitter,
#include "ipfw/actions.def"
#undef ACTION
	};

	return strcmp(emitters[action], "later") != 0 && action != ACTION_CHECK_STATE;
}

static __attribute__((format(printf, 2, 3))) void append(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, RANDOM_RULE_TEXT_MAX - used, format, arguments);
	va_end(arguments);
}

/* Up to `most` things, separated by commas. */
static void append_list(struct choices *choices, char *text, unsigned int most, char kind)
{
	for (unsigned int left = 1 + choose(choices, most); left; left--) {
		unsigned int number = choose(choices, 6), low = choose(choices, 120);

		if (kind == '4')
			append(text, "10.0.%u.%u/%u", number & 1, choose(choices, 8), 24 + choose(choices, 9));
		else if (kind == '6')
			append(text, "2001:db8::%x/%u", number, 120 + choose(choices, 9));
		else
			append(text, "%u-%u", low, low + choose(choices, 20));
		append(text, "%s", left > 1 ? "," : "");
	}
}

/* The number of a rule that exists, mostly. */
static unsigned int some_number(struct choices *choices, const struct rule_shape *shape)
{
	return choose_once_in(choices, 10) ? 1 + choose(choices, 65534) : 1 + choose(choices, shape->highest);
}

/* Appends a text of the tables, in which `@' and a letter stand for something that is chosen now. */
static void append_text(struct choices *choices, char *text, const char *piece, const struct rule_shape *shape,
			unsigned int number)
{
	const char *mark = strchr(piece, '@');

	if (!mark) {
		append(text, "%s ", piece);
		return;
	}
	append(text, "%.*s", (int)(mark - piece), piece);
	if (mark[1] == 's')
		append(text, "%u", 1 + (number + choose(choices, 12)) % 65534);
	else if (mark[1] == 'n')
		append(text, "%u", some_number(choices, shape));
	else if (mark[1] == 't')
		append(text, "%u", 1 + choose(choices, 60));
	else
		append_list(choices, text, mark[1] == '4' ? 15 : mark[1] == '6' ? 7 : 30, mark[1]);
	append(text, " ");
}

static const struct row_text *choose_text(struct choices *choices, const struct row_text *texts)
{
	unsigned int count = 0;

	while (texts[count].text)
		count++;
	return texts + choose(choices, count);
}

/* One that rules of this shape may have; the first one is for all. */
static const struct row_text *choose_test(struct choices *choices, const struct row_text *texts,
					  const struct rule_shape *shape)
{
	for (int left = ATTEMPTS; left; left--) {
		const struct row_text *test = choose_text(choices, texts);

		if (random_option_works(test->row) && (shape->tables || !random_option_asks_table(test->row)))
			return test;
	}
	return texts;
}

/* One option, perhaps inverted. */
static void append_option(struct choices *choices, const struct rule_shape *shape, char *text)
{
	append_text(choices, text, choose_once_in(choices, 4) ? "not" : "", NULL, 0);
	append_text(choices, text, choose_test(choices, random_options, shape)->text, NULL, 0);
}

/* Up to two options or or-blocks. */
static void append_options(struct choices *choices, const struct rule_shape *shape, char *text)
{
	for (unsigned int left = choose(choices, 3); left; left--) {
		unsigned int alternatives = choose_once_in(choices, 3) ? 2 + choose(choices, 2) : 1;

		append(text, "%s", alternatives > 1 ? "{ " : "");
		for (unsigned int i = 0; i < alternatives; i++) {
			append(text, "%s", i ? "or " : "");
			append_option(choices, shape, text);
		}
		append(text, "%s", alternatives > 1 ? "} " : "");
	}
}

/* Many rules count, so that packets get to see the others. */
static void append_action(struct choices *choices, const struct rule_shape *shape, unsigned int number, char *text)
{
	const struct row_text *action = choose_text(choices, random_actions);
	bool call = action->row == ACTION_CALL || action->row == ACTION_RETURN;
	bool refused = (call && !shape->calls) || (strstr(action->text, "tablearg") && !shape->tables);

	if (choose(choices, shape->counts) || !random_action_works(action->row) || refused)
		append(text, "count ");
	else
		append_text(choices, text, action->text, shape, number);
}

static void append_modifier(struct choices *choices, char *text)
{
	const struct row_text *modifier = choose_text(choices, random_modifiers);

	if (choose_once_in(choices, 5) && random_option_works(modifier->row))
		append_text(choices, text, modifier->text, NULL, 0);
}

static void append_body(struct choices *choices, const struct rule_shape *shape, char *text)
{
	static const struct row_text *const parts[] = {random_protocols, NULL,	      random_hosts, random_ports, NULL,
						       random_hosts,	 random_ports};
	static const char *const words[] = {"", "from ", "", "", "to ", "", ""};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		append(text, "%s", words[i]);
		if (parts[i])
			append(text, "%s ", choose_test(choices, parts[i], shape)->text);
	}
}

/* One of few addresses and ports that lie far apart, as random_spread_packet() has them, with what is near. */
static void append_spread(struct choices *choices, char *text)
{
	static const unsigned int bytes[] = {0, 1, 127, 255};
	const char *side = choose(choices, 2) ? "src" : "dst";
	unsigned int port = choose(choices, 64) * 1021;

	if (choose_once_in(choices, 3))
		append(text, "%s-ip6 2001:db8:%x::%x/%u ", side, choose(choices, 4) << 14, choose(choices, 3),
		       33 + choose(choices, 96));
	else if (choose(choices, 4))
		append(text, "%s-ip 10.%u.%u.%u/%u ", side, CHOOSE_FROM(choices, bytes), CHOOSE_FROM(choices, bytes),
		       CHOOSE_FROM(choices, bytes), 9 + choose(choices, 24));
	if (choose_once_in(choices, 3))
		append(text, "%s-port %u-%u ", side, port, port + (choose(choices, 2) ? choose(choices, 2000) : 0));
}

#define ALIKE_KINDS 7

/* What rules that are alike ask for, with a value of random_spread_packet(). */
static void append_alike(struct choices *choices, unsigned int kind, char *text)
{
	static const unsigned int bytes[] = {0, 1, 127, 255};
	unsigned int upper = CHOOSE_FROM(choices, bytes), lower = CHOOSE_FROM(choices, bytes),
		     last = choose(choices, 64);

	switch (kind) {
	case 1:
		append(text, "ip from 10.%u.%u.%u to any ", upper, lower, bytes[last % 4]);
		break;
	case 2:
		append(text, "tcp from any to 10.%u.%u.%u dst-port 0 ", upper, lower, bytes[last % 4]);
		break;
	case 3:
		append(text, "udp from 10.%u.%u.0/24 to any ", upper, lower);
		break;
	case 4:
		append(text, "tcp from any to any dst-port %u ", last * 1021);
		break;
	case 5:
		append(text, "ip6 from 2001:db8:%x::%x to any ", last % 4 << 14, upper % 3);
		break;
	case 6:
		append(text, "ip from 10.%u.%u.%u/%u to any ", upper, lower, bytes[last % 4], last & 4 ? 32 : 16);
		break;
	default:
		append(text, "%s from any to any ", last & 1 ? "tcp" : "udp");
		append(text, "src-port %u dst-ip 10.%u.%u.0/24 ", last / 2 * 1021, upper, lower);
	}
}

static const char *choose_state_option(struct choices *choices, const struct rule_shape *shape)
{
	const char *text = choose_text(choices, random_state_options)->text;

	return shape->plain_states && strchr(text, ':') ? "keep-state" : text;
}

void random_rule_text(struct choices *choices, const struct rule_shape *shape, unsigned int number,
		      char text[RANDOM_RULE_TEXT_MAX])
{
	static const char *const names[] = {"", ":one", ":two", ":any", ":nobody"};

	sprintf(text, "%u ", number);
	if (shape->sets)
		append(text, "set %u ", choose(choices, 4));
	if (shape->states && choose_once_in(choices, 5)) {
		append(text, "check-state %s", shape->plain_states ? "" : CHOOSE_FROM(choices, names));
		return;
	}
	if (choose_once_in(choices, 100))
		append(text, "prob %s ", choose_once_in(choices, 2) ? "0.9999999999" : "0.0000000001");
	append_action(choices, shape, number, text);
	append_modifier(choices, text);
	if (shape->alike)
		append_alike(choices, shape->alike, text);
	else if (choose_once_in(choices, 4))
		append_option(choices, shape, text);
	else
		append_body(choices, shape, text);
	if (shape->spread && !shape->alike && choose(choices, 4))
		append_spread(choices, text);
	if (!shape->alike || choose_once_in(choices, 8))
		append_options(choices, shape, text);
	if (shape->states && choose(choices, 2))
		append(text, "%s ", choose_state_option(choices, shape));
	if (choose_once_in(choices, 20))
		append(text, "// comment");
}

static struct rule *parse(const char *text)
{
	struct error error;
	struct rule *rule = rule_from_text(text, NULL, &error);

	if (rule)
		random_tables_resolve(rule);
	return rule;
}

struct rule *random_rule(struct choices *choices, const struct rule_shape *shape, unsigned int number)
{
	char text[RANDOM_RULE_TEXT_MAX];
	struct rule *rule = NULL;

	for (int left = ATTEMPTS; left && !rule; left--) {
		random_rule_text(choices, shape, number, text);
		rule = parse(text);
	}
	if (!rule) {
		sprintf(text, "%u count ip from any to any", number);
		rule = parse(text);
	}
	if (!rule)
		abort();
	return rule;
}

static void insert(struct ruleset *ruleset, struct rule *rule, __u32 slot)
{
	rule->slot = slot;
	if (ruleset_insert(ruleset, rule))
		abort();
}

#define MANY 50 /* rules: packets are to see many of them, and most leave out most packets */

/* Numbers repeat: up to `denser' and one more rules have the same. */
static struct ruleset make_ruleset(struct choices *choices, unsigned int rules, struct rule_shape *shape)
{
	unsigned int number = 1, denser = choose(choices, 3);
	struct ruleset ruleset = {0};
	struct rule *last;
	bool alike;

	shape->highest = 1 + rules / (1 + denser);
	alike = (!shape->states || rules >= MANY) && choose_once_in(choices, 3);
	for (unsigned int i = 0; i < rules; i++) {
		if (alike && choose_once_in(choices, 1 + rules / 3))
			shape->alike = choose(choices, 1 + ALIKE_KINDS);
		insert(&ruleset, random_rule(choices, shape, number), 1 + i);
		number += choose(choices, 1 + denser) == denser;
	}
	last = parse(choose_once_in(choices, 2) ? "allow ip from any to any" : "deny ip from any to any");
	last->number = RULE_NUMBER_DEFAULT;
	last->set = RULE_SET_DEFAULT;
	insert(&ruleset, last, COUNTER_SLOT_DEFAULT);
	if (shape->sets)
		ruleset.disabled_sets = choose(choices, 16);
	ruleset.switches = choose_once_in(choices, 4) ? 0 : RULESET_WITH_LAYER2;
	return ruleset;
}

struct ruleset random_ruleset(struct choices *choices, unsigned int rules)
{
	struct rule_shape shape = {
		.calls = choose_once_in(choices, 3),
		.sets = choose_once_in(choices, 4),
		.counts = 2 + rules / 40,
		.spread = choose_once_in(choices, 2),
		.tables = choose_once_in(choices, rules < 50 ? 16 : 2),
	};

	return make_ruleset(choices, rules, &shape);
}

struct ruleset random_ruleset_with_states(struct choices *choices, unsigned int rules)
{
	struct rule_shape shape = {
		.sets = choose_once_in(choices, 4),
		.counts = rules < MANY ? 2 : 2 + rules / 40,
		.states = true,
		.spread = rules >= MANY && choose_once_in(choices, 2),
		.plain_states = rules >= MANY && choose(choices, 4),
	};

	return make_ruleset(choices, rules, &shape);
}

unsigned int random_ruleset_size(struct choices *choices)
{
	return choose_once_in(choices, 50) ? RULES_PER_FUNCTION + choose(choices, 800) : 1 + choose(choices, 40);
}
