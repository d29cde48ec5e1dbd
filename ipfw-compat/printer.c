/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The canonical listing of a rule body: ipfw's text, byte for byte, unless that text cannot be read back to give the
 * same listing again.
 */
#include "ipfw-compat/printer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/parser_keywords.h"

#define LISTING_MAX 65536 /* longer than any body that the parser lets through */

static bool printed(const struct printer *printer, unsigned int index)
{
	return index < PRINTED_OPTIONS_MAX && printer->printed[index / 64] >> (index % 64) & 1;
}

/* Prints the option that is number `index` of the rule with what belongs to it: braces, `not` and `or`. */
static void print_option(struct printer *printer, const struct option *option, unsigned int index)
{
	bool joins = option_joins(printer->rule, option);

	if (joins && !printer->in_block)
		text_add(&printer->text, " {");
	if (option->flags & OPTION_NOT && option->code != OPTION_IN)
		text_add(&printer->text, " not");
	print_option_test(printer, option);
	if (joins)
		text_add(&printer->text, " or");
	else if (printer->in_block && !(printer->careful && option->code == OPTION_COMMENT))
		text_add(&printer->text, " }"); /* behind a comment it would be part of it */
	printer->in_block = joins;
	if (index < PRINTED_OPTIONS_MAX)
		printer->printed[index / 64] |= 1ull << (index % 64);
}

/* Prints the first option of `place` not printed yet with this code, or with any code if `code` is negative. */
static const struct option *print_next(struct printer *printer, unsigned int place, int code)
{
	unsigned int index = 0;

	RULE_FOR_EACH_OPTION (option, printer->rule) {
		if (option_rows[option->code].place == place && (code < 0 || option->code == code) &&
		    !printed(printer, index)) {
			print_option(printer, option, index);
			return option;
		}
		index++;
	}
	return NULL;
}

/* How strongly the rule asks for family `code` to be printed first: 2 when it begins an or-block, 0 when absent. */
static int family_weight(const struct printer *printer, unsigned int code)
{
	int weight = 0;

	RULE_FOR_EACH_OPTION (option, printer->rule)
		if (option->code == code)
			weight = option_joins(printer->rule, option) ? 2 : 1;
	return weight;
}

/* ipfw's order: a family first, with its partner in `{ ip4 or ip6 }`, then protocols to the end of the block. */
static void print_protocols(struct printer *printer)
{
	int four = family_weight(printer, OPTION_IP4), six = family_weight(printer, OPTION_IP6);
	int first = four > six ? OPTION_IP4 : OPTION_IP6, second = OPTION_IP4 + OPTION_IP6 - first;
	const struct option *option = NULL;
	bool any = false;

	if (four || six)
		option = print_next(printer, PLACE_PROTOCOL, first);
	any = option;
	if (option && option_joins(printer->rule, option))
		option = print_next(printer, PLACE_PROTOCOL, second);
	while (!option || option_joins(printer->rule, option)) {
		option = print_next(printer, PLACE_PROTOCOL, OPTION_PROTOCOL);
		if (!option)
			break;
		any = true;
	}
	if (!any)
		text_add(&printer->text, " ip");
	if (!printer->protocol && six)
		printer->protocol = IPPROTO_IPV6;
}

/* Careful printing moves whole or-blocks, and no IPv4 address behind `ip6 from`. */
static bool movable(const struct printer *printer, const struct option *option)
{
	bool six_only = option_rows[option->code].place != PLACE_PROTOCOL && printer->protocol == IPPROTO_IPV6;

	if (!block_uniform(printer->rule, option))
		return false;
	for (; option; option = option->flags & OPTION_OR ? rule_next_option(printer->rule, option) : NULL)
		if (six_only && option_rows[option->code].argument != ARGUMENT_ADDRESS6 &&
		    option_rows[option->code].argument != ARGUMENT_TABLE && option->code != OPTION_SOURCE_ME6 &&
		    option->code != OPTION_DESTINATION_ME6)
			return false;
	return true;
}

/* Prints the first movable or-block of `place` in the order it was written. Returns false when there is none. */
static bool print_block(struct printer *printer, unsigned int place)
{
	bool inside = false, moving = false;
	unsigned int index = 0;

	RULE_FOR_EACH_OPTION (option, printer->rule) {
		if (!inside)
			moving = option_rows[option->code].place == place && movable(printer, option);
		if (moving) {
			print_option(printer, option, index);
			if (option->code == OPTION_IP4 || option->code == OPTION_IP6)
				printer->protocol = option->code == OPTION_IP6 ? IPPROTO_IPV6 : 0;
		}
		inside = option_joins(printer->rule, option);
		if (moving && !inside)
			return true;
		index++;
	}
	return moving;
}

/* ipfw's way: the first option of `place`, and the others of the place as long as `or` stands behind them. */
static bool print_joined(struct printer *printer, unsigned int place)
{
	const struct option *option;
	bool any = false;

	do {
		option = print_next(printer, place, -1);
		any |= option != NULL;
	} while (option && option_joins(printer->rule, option));
	return any;
}

/* Ports stand behind the address if they are the only ones of their side and in no or-block. */
static void print_ports(struct printer *printer, unsigned int place)
{
	const struct option *found = NULL;
	unsigned int index = 0, found_index = 0, count = 0;
	bool joined = false, found_joined = false;

	RULE_FOR_EACH_OPTION (option, printer->rule) {
		if (option_rows[option->code].place == place) {
			count++;
			found = option;
			found_index = index;
			found_joined = joined || option_joins(printer->rule, option);
		}
		joined = option_joins(printer->rule, option);
		index++;
	}
	if (count == 1 && !found_joined)
		print_option(printer, found, found_index);
}

static void print_side(struct printer *printer, unsigned int address, unsigned int ports)
{
	text_add(&printer->text, address == PLACE_SOURCE ? " from" : " to");
	if (!(printer->careful ? print_block(printer, address) : print_joined(printer, address)))
		text_add(&printer->text, " any");
	print_ports(printer, ports);
}

/* `proto from source to destination`, as far as the rule and the format want it. */
static void print_positions(struct printer *printer)
{
	if (!(printer->rule->flags & RULE_JUST_OPTIONS)) {
		if (!printer->careful)
			print_protocols(printer);
		else if (!print_block(printer, PLACE_PROTOCOL))
			text_add(&printer->text, " ip");
		printer->have_protocol = true;
		if (printer->format->compact && printer->rule->flags & RULE_NO_ADDRESSES)
			return;
		print_side(printer, PLACE_SOURCE, PLACE_SOURCE_PORT);
		printer->have_source = true;
		print_side(printer, PLACE_DESTINATION, PLACE_DESTINATION_PORT);
	}
	printer->have_protocol = printer->have_source = printer->have_destination = true;
}

static void print_rest(struct printer *printer)
{
	unsigned int index = 0;

	RULE_FOR_EACH_OPTION (option, printer->rule) {
		unsigned int place = option_rows[option->code].place;

		if (place != PLACE_HEAD && place != PLACE_MODIFIER && place != PLACE_COMMENT &&
		    !printed(printer, index))
			print_option(printer, option, index);
		index++;
	}
}

/* Text that `prob` reads as this number: six digits as ipfw, more where those would say never or always. */
static void print_probability(struct text *text, __u64 number)
{
	char digits[64];
	double probability = (double)number / PROBABILITY_ONE;

	if (probability < 0.0000005 || probability >= 0.9999995)
		snprintf(digits, sizeof(digits), "prob %.10f ", ((double)number + 0.5) / PROBABILITY_ONE);
	else
		snprintf(digits, sizeof(digits), "prob %f ", probability);
	text_add(text, digits);
}

/* log, altq, tag: in this order, whichever way they were written. */
static void print_modifiers(struct printer *printer)
{
	static const int codes[] = {OPTION_LOG, OPTION_ALTQ, OPTION_TAG, OPTION_UNTAG};
	const struct option *option = rule_first_option(printer->rule);

	/* They stand in front of all tests. */
	if (option && option->code == OPTION_PROBABILITY)
		option = rule_next_option(printer->rule, option);
	if (!option || option_rows[option->code].place != PLACE_MODIFIER)
		return;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		print_next(printer, PLACE_MODIFIER, codes[i]);
}

static size_t print_rule(char *text, size_t size, const struct rule *rule, const struct print_options *format,
			 bool careful)
{
	struct printer printer = {.text = {text, size, 0}, .rule = rule, .format = format, .careful = careful};
	const struct option *first = rule_first_option(rule);
	size_t action_end;

	if (first && first->code == OPTION_PROBABILITY)
		print_probability(&printer.text, first->u.number);
	print_action(&printer.text, rule_action(rule));
	print_modifiers(&printer);
	action_end = printer.text.length;
	if (!format->brief) {
		print_positions(&printer);
		print_rest(&printer);
	}
	if (!print_next(&printer, PLACE_COMMENT, -1) && format->brief)
		text_add(&printer.text, " // ...");
	if (careful && !format->compact && printer.text.length == action_end)
		text_add(&printer.text, " via any"); /* an action alone cannot be entered */
	if (size)
		text[printer.text.length < size ? printer.text.length : size - 1] = '\0';
	return printer.text.length;
}

static const struct print_options plain;

/* Whether `listing` gives the same listing again when it is entered. */
static bool reads_back(const char *listing)
{
	__attribute__((cleanup(words_free))) struct words words = {0};
	struct parse_context context = {0};
	char again[LISTING_MAX];
	struct error error;
	struct rule *rule;

	error_clear(&error);
	if (words_split(&words, listing, &error))
		return false;
	rule = rule_parse(&words, 0, &context, &error);
	if (!rule)
		return false;
	print_rule(again, sizeof(again), rule, &plain, false);
	free(rule);
	return !strcmp(listing, again);
}

size_t rule_print(char *text, size_t size, const struct rule *rule, const struct print_options *options)
{
	bool careful = false;
	char listing[LISTING_MAX];

	if (listing_doubtful(rule)) {
		print_rule(listing, sizeof(listing), rule, &plain, false);
		careful = !reads_back(listing);
	}
	return print_rule(text, size, rule, options, careful);
}
