/* SPDX-License-Identifier: GPL-2.0-only */
/* Text in; if it is a rule, its listing must be a rule again, and the same one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/language.h"
#include "loader/log.h"
#include "selftests/model/rule_text.h"

#define BLOCKS_MAX 1024

int LLVMFuzzerTestOneInput(const __u8 *bytes, size_t size);

/* An option, or an or-block of them, without what is about its looks. */
struct block {
	const char *bytes;
	size_t size;
};

/* Takes what comes behind `add'; a rule without a number gets one, as there. */
static struct rule *parse(const char *text)
{
	struct error error;
	struct rule *rule = rule_from_text(text, NULL, &error);

	if (rule && !rule->number)
		rule->number = 1;
	return rule;
}

/* The text as the words of `add', number and set included. Malloc'ed. */
static char *print(const struct rule *rule)
{
	struct print_options plain = {0};
	char nothing[1], *text;
	size_t length = rule_print(nothing, sizeof(nothing), rule, &plain);
	int head;

	text = malloc(length + 32);
	if (!text)
		abort();
	head = rule->number ? sprintf(text, "%u set %u ", rule->number, rule->set)
			    : sprintf(text, "set %u ", rule->set);
	rule_print(text + head, length + 1, rule, &plain);
	return text;
}

/* Of a probability ipfw lists six digits, and so do we. */
static __u64 listed_probability(__u64 number)
{
	char digits[64];

	snprintf(digits, sizeof(digits), "%f", (double)number / PROBABILITY_ONE);
	return (__u64)(strtod(digits, NULL) * 1000000 + 0.5);
}

/* Forgets how the rule was written, and what a listing does not tell. */
static void normalise(struct rule *rule)
{
	for (struct option *option = (struct option *)rule_first_option(rule); option;
	     option = (struct option *)rule_next_option(rule, option)) {
		option->form = 0;
		if (option->code == OPTION_PROBABILITY)
			option->u.number = listed_probability(option->u.number);
	}
	((struct action *)rule_action(rule))->form = 0;
	rule->flags = 0;
}

static int compare_blocks(const void *a, const void *b)
{
	const struct block *left = a, *right = b;
	size_t size = left->size < right->size ? left->size : right->size;
	int order = memcmp(left->bytes, right->bytes, size);

	return order ? order : (left->size > right->size) - (left->size < right->size);
}

/* The blocks in an order of their own: a listing has its own, too. */
static size_t sorted_blocks(const struct rule *rule, struct block *blocks)
{
	size_t count = 0;
	bool inside = false;

	RULE_FOR_EACH_OPTION (option, rule) {
		if (!inside && count == BLOCKS_MAX)
			abort();
		if (!inside)
			blocks[count++] = (struct block){(const char *)option, 0};
		blocks[count - 1].size += option->size;
		inside = option->flags & OPTION_OR;
	}
	qsort(blocks, count, sizeof(*blocks), compare_blocks);
	return count;
}

static bool same(struct rule *one, struct rule *other)
{
	static struct block left[BLOCKS_MAX], right[BLOCKS_MAX];
	const struct action *action = rule_action(one);
	size_t count;

	normalise(one);
	normalise(other);
	count = sorted_blocks(one, left);
	if (one->number != other->number || one->set != other->set || sorted_blocks(other, right) != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (compare_blocks(left + i, right + i))
			return false;
	return action->size == rule_action(other)->size && !memcmp(action, rule_action(other), action->size);
}

static void complain(const char *what, const char *text, const char *listing)
{
	fprintf(stderr, "%s\n  text:    %s\n  listing: %s\n", what, text, listing);
	abort();
}

static bool lists_as_another(const struct option *option)
{
	return (option->code == OPTION_PROTOCOL && !option->u.number) ||
	       (option->code == OPTION_LOG && !option->u.log.limit);
}

/* Whether two alternatives do not stand in the same position of a listing; a family goes in front of protocols. */
static bool apart(const struct option *one, const struct option *other)
{
	static const enum option_place places[OPTION_CODES] = {
#define OPTION(code, keyword, aliases, argument, place, ...) [OPTION_##code] = PLACE_##place,
#include "ipfw/options.def"
#undef OPTION
	};

	return places[one->code] != places[other->code] ||
	       (places[one->code] == PLACE_PROTOCOL && one->code != other->code);
}

/*
 * What ipfw lists in words that mean something else, and so do we: protocol 0, hopopt, is `ip' there, `logamount 0'
 * does not show, and an alternative that has a position, a protocol or an address, is listed there.
 */
static bool ambiguous(const struct rule *rule)
{
	const struct option *before = NULL;

	RULE_FOR_EACH_OPTION (option, rule) {
		if (lists_as_another(option))
			return true;
		if (before && apart(before, option))
			return true;
		before = option->flags & OPTION_OR ? option : NULL;
	}
	return false;
}

/* All other ways to print must not do harm. */
static void print_otherwise(const struct rule *rule)
{
	char text[64];

	for (unsigned int bits = 0; bits < 32; bits++) {
		struct print_options options = {.compact = bits & 1,
						.brief = bits & 2,
						.sets = bits & 4,
						.timestamp = bits & 8,
						.resolve = bits & 16};

		rule_print(text, sizeof(text), rule, &options);
	}
}

/* The listing must be the same rule once more, and be listed as it is. */
static void check_listing(struct rule *rule, const char *text, const char *listing)
{
	struct rule *read = parse(listing);
	char *again;

	if (!read)
		complain("the listing is not a rule", text, listing);
	again = print(read);
	if (strcmp(listing, again) != 0)
		complain("the listing is listed differently", listing, again);
	if (!ambiguous(rule) && !same(rule, read))
		complain("the listing is another rule", text, listing);
	free(again);
	free(read);
}

static void check(struct rule *rule, const char *text)
{
	char *listing = print(rule);

	if (!rule_valid(rule, rule->size))
		complain("not a valid rule", text, listing);
	print_otherwise(rule);
	/* A comma at the end of a word, as in `via em0, in', joins it to the next; behind the last one it is lost. */
	if (!strstr(listing, ", ") && listing[strlen(listing) - 1] != ',')
		check_listing(rule, text, listing);
	free(listing);
}

int LLVMFuzzerTestOneInput(const __u8 *bytes, size_t size)
{
	char *text = malloc(size + 1);
	struct rule *rule;

	if (!text)
		return -1;
	memcpy(text, bytes, size);
	text[size] = '\0';
	rule = parse(text);
	if (rule)
		check(rule, text);
	free(rule);
	free(text);
	return 0;
}
