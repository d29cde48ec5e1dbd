/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What holds for every rule: its listing is a rule of the same meaning that is listed in the same way. The rules are
 * put together at random, always the same ones, from the cases of all rows.
 */
#include "selftests/unit/rule_cases.h"
#include "selftests/unit/support.h"

#define RULES 40000
#define MUTATIONS 40000
#define FRAGMENTS_MAX 512
#define TEXT_MAX 2048
#define BLOCKS_MAX 64

/* Pieces of rules. */
struct fragments {
	const char *text[FRAGMENTS_MAX];
	size_t length[FRAGMENTS_MAX];
	size_t count;
};

static struct fragments actions, modifiers, options, comments;
static struct print_options plain;

static void fragment_add(struct fragments *fragments, const char *text, size_t length)
{
	assert_true(fragments->count < FRAGMENTS_MAX);
	fragments->text[fragments->count] = text;
	fragments->length[fragments->count++] = length;
}

/* Options of cases like `allow dscp ef`: what stands behind the action. */
static void collect_option(const struct rule_case *test, const char *body, unsigned int place)
{
	const char *comment = strstr(body, "//");

	if (strstr(body, " from ") || strchr(body, '{') || strstr(body, "( "))
		return;
	if (place == PLACE_MODIFIER)
		fragment_add(&modifiers, body, strlen(body) - strlen(" in"));
	else if (comment)
		fragment_add(&comments, comment, strlen(comment));
	else if (place != PLACE_HEAD)
		fragment_add(&options, body, strlen(body));
}

static void collect(void)
{
	static const unsigned char places[] = {
#define OPTION(code, keyword, aliases, argument, place, ...) [OPTION_##code] = PLACE_##place,
#include "ipfw/options.def"
#undef OPTION
	};

	for (size_t i = 0; i < sizeof(option_cases) / sizeof(*option_cases); i++) {
		const char *body = strchr(option_cases[i].text, ' ');

		if (!option_cases[i].exit_code && body)
			collect_option(option_cases + i, body + 1, places[option_cases[i].code]);
	}
	for (size_t i = 0; i < sizeof(action_cases) / sizeof(*action_cases); i++) {
		size_t length = strlen(action_cases[i].text);

		if (!action_cases[i].exit_code && length > 3 && !strcmp(action_cases[i].text + length - 3, " in"))
			fragment_add(&actions, action_cases[i].text, length - 3);
	}
}

/* A text under construction. */
struct composition {
	char text[TEXT_MAX];
	size_t length;
};

static void append(struct composition *rule, const char *text, size_t length)
{
	assert_true(rule->length + length + 2 < TEXT_MAX);
	if (rule->length)
		rule->text[rule->length++] = ' ';
	memcpy(rule->text + rule->length, text, length);
	rule->length += length;
	rule->text[rule->length] = '\0';
}

static void append_word(struct composition *rule, const char *word)
{
	append(rule, word, strlen(word));
}

static unsigned int chance(unsigned int of)
{
	return (unsigned int)rand() % of;
}

static void append_any(struct composition *rule, const struct fragments *fragments)
{
	unsigned int which = chance((unsigned int)fragments->count);

	append(rule, fragments->text[which], fragments->length[which]);
}

#define APPEND_ONE(rule, words) append_word(rule, (words)[chance(sizeof(words) / sizeof(*(words)))])

/* `proto from source ports to destination ports` */
static void append_positions(struct composition *rule)
{
	static const char *const protocols[] = {"ip",
						"all",
						"tcp",
						"udp",
						"not tcp",
						"ip4",
						"ip6",
						"{ tcp or udp }",
						"{ ip4 or ip6 }",
						"41",
						"0",
						"ipv6-icmp",
						"{ udp or not ip4 }"};
	static const char *const addresses[] = {"any",
						"me",
						"not me6",
						"10.0.0.0/8,1.2.3.4",
						"1.0.0.1:255.0.0.255",
						"2001:db8::/32,fe80::1",
						"{ me or 10.0.0.1 }",
						"not table(t,7)",
						"10.0.0.0/24{1,7-9}",
						"{ table(t) or not 10.0.0.0/24{3} or me6 }",
						"::1/ffff::1"};
	static const char *const ports[] = {"80", "not 22,http", "1024-65535", "any"};

	APPEND_ONE(rule, protocols);
	append_word(rule, "from");
	APPEND_ONE(rule, addresses);
	if (!chance(3))
		APPEND_ONE(rule, ports);
	append_word(rule, "to");
	APPEND_ONE(rule, addresses);
	if (!chance(3))
		APPEND_ONE(rule, ports);
}

static void append_block(struct composition *rule)
{
	append_word(rule, "{");
	append_any(rule, &options);
	for (unsigned int more = chance(4); more; more--) {
		append_word(rule, "or");
		append_any(rule, &options);
	}
	append_word(rule, "}");
}

static void compose(struct composition *rule)
{
	rule->length = 0;
	if (!chance(10))
		append_word(rule, "prob 0.5");
	append_any(rule, &actions);
	for (unsigned int more = chance(3); more; more--)
		append_any(rule, &modifiers);
	if (chance(3))
		append_positions(rule);
	for (unsigned int more = chance(5); more; more--) {
		if (chance(4))
			append_any(rule, &options);
		else
			append_block(rule);
	}
	if (!chance(6))
		append_any(rule, &comments);
}

static struct rule *parse(const char *text)
{
	struct error error;

	return rule_from_text(text, NULL, &error);
}

/* The or-blocks of a rule, each the options from `first` for `size` bytes. */
struct block {
	const struct option *first;
	size_t size;
};

static int block_compare(const void *one, const void *other)
{
	const struct block *a = one, *b = other;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return memcmp(a->first, b->first, a->size);
}

/* All or-blocks in an order that does not depend on where they stood. Returns how many there are. */
static size_t blocks_of(const struct rule *rule, struct block *blocks)
{
	size_t count = 0;
	bool inside = false;

	RULE_FOR_EACH_OPTION (option, rule) {
		if (!inside)
			blocks[count++] = (struct block){option, 0};
		assert_true(count < BLOCKS_MAX);
		blocks[count - 1].size += option->size;
		inside = option->flags & OPTION_OR;
	}
	qsort(blocks, count, sizeof(*blocks), block_compare);
	return count;
}

/* Whether two rules are the same but for the order of their tests, all of which must hold anyway. */
static bool same(const struct rule *one, const struct rule *other)
{
	const struct action *action = rule_action(one), *other_action = rule_action(other);
	struct block blocks[BLOCKS_MAX], other_blocks[BLOCKS_MAX];
	size_t count = blocks_of(one, blocks);

	if (action->size != other_action->size || memcmp(action, other_action, action->size) != 0)
		return false;
	if (count != blocks_of(other, other_blocks))
		return false;
	for (size_t i = 0; i < count; i++)
		if (block_compare(blocks + i, other_blocks + i))
			return false;
	return true;
}

/*
 * Whether an or-block mixes a test that has a position in `protocol from source to destination` with others, or a
 * protocol with a family. ipfw lists such a test in its position, where it is no alternative any more, and so do we as
 * long as the listing reads back to itself.
 */
static bool mixed_block(const struct rule *rule)
{
	static const unsigned char places[] = {
#define OPTION(code, keyword, aliases, argument, place, ...) [OPTION_##code] = PLACE_##place,
#include "ipfw/options.def"
#undef OPTION
	};

	RULE_FOR_EACH_OPTION (option, rule) {
		const struct option *next = option->flags & OPTION_OR ? rule_next_option(rule, option) : NULL;

		if (next && (places[option->code] != places[next->code] ||
			     (places[option->code] == PLACE_PROTOCOL && option->code != next->code)))
			return true;
	}
	return false;
}

/* As in ipfw a limit of 0 is listed like none at all. */
static void forget_limits_of_zero(struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule)
		if (option->code == OPTION_LOG && !option->u.log.limit)
			((struct option *)option)->u.log.limit = LOG_DEFAULT_LIMIT;
}

/* Checks the rule that `text` is, if it is one. Returns whether it is. */
static bool check(const char *text, bool *seen_options, bool *seen_actions)
{
	struct rule *rule = parse(text), *again;
	char listing[4 * TEXT_MAX], second[4 * TEXT_MAX];

	if (!rule)
		return false;
	rule->number = 1;
	forget_limits_of_zero(rule);
	assert_true(rule_valid(rule, rule->size));
	rule_print(listing, sizeof(listing), rule, &plain);
	again = parse(listing);
	if (!again)
		fail_msg("`%s' is listed as `%s', which is no rule", text, listing);
	rule_print(second, sizeof(second), again, &plain);
	if (strcmp(listing, second) != 0)
		fail_msg("`%s' is listed as `%s', and that as `%s'", text, listing, second);
	if (!mixed_block(rule) && !same(rule, again))
		fail_msg("`%s' is listed as `%s', which is another rule", text, listing);
	RULE_FOR_EACH_OPTION (option, rule)
		seen_options[option->code] = true;
	seen_actions[rule_action(rule)->code] = true;
	free(rule);
	free(again);
	return true;
}

static void listings_read_back(void **state)
{
	bool seen_options[OPTION_CODES] = {false}, seen_actions[ACTION_CODES] = {false};
	struct composition rule;
	unsigned int accepted = 0;

	srand(1);
	for (unsigned int i = 0; i < RULES; i++) {
		compose(&rule);
		accepted += check(rule.text, seen_options, seen_actions);
	}
	assert_true(accepted > RULES / 3);
	for (int code = 0; code < OPTION_CODES; code++)
		if (!seen_options[code])
			fail_msg("no rule had option %d", code);
	for (int code = 0; code < ACTION_CODES; code++)
		if (!seen_actions[code])
			fail_msg("no rule had action %d", code);
}

/* A block that rule_valid() takes can be listed, whatever is in it. */
static void damaged_rules_do_no_harm(void **state)
{
	struct composition rule;
	unsigned int taken = 0;
	char listing[4 * TEXT_MAX];

	srand(2);
	for (unsigned int i = 0; i < MUTATIONS; i++) {
		struct rule *damaged;

		compose(&rule);
		damaged = parse(rule.text);
		if (!damaged)
			continue;
		damaged->number = 1;
		for (unsigned int more = 1 + chance(3); more; more--)
			((__u8 *)damaged)[sizeof(__u32) + chance(damaged->size - sizeof(__u32))] ^=
				(__u8)(1u << chance(8));
		if (rule_valid(damaged, damaged->size)) {
			rule_print(listing, sizeof(listing), damaged, &plain);
			taken++;
		}
		free(damaged);
	}
	assert_true(taken > 0);
}

static int set_up(void **state)
{
	collect();
	fragment_add(&options, "flow-id 5,6", strlen("flow-id 5,6")); /* its cases all need `ip6 from' */
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listings_read_back),
		cmocka_unit_test(damaged_rules_do_no_harm),

	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
