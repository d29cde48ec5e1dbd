/* SPDX-License-Identifier: GPL-2.0-only */
/* list, show. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/command.h"
#include "ipfw-compat/listing.h"

/* One argument: `N` or `N-M`, as strtoul(3) reads them, kept to 32 bits. Returns whether that is all there is. */
static bool read_range(const char *word, struct selection *selection)
{
	char *end;

	selection->first = strtoul(word, &end, 10);
	selection->last = *end == '-' ? strtoul(end + 1, &end, 10) : selection->first;
	return !*end;
}

/* What is read from the kernel for a listing: all that lies between the lowest and the highest number asked for. */
static struct selection extent(const struct command_call *call)
{
	struct selection whole = {.last = RULE_NUMBER_DEFAULT, .set = call->set}, range;
	const char *word;

	for (int index = 0; (word = command_argument(call, index)); index++) {
		read_range(word, &range);
		if (!index || range.first < whole.first)
			whole.first = range.first;
		if (!index || range.last > whole.last)
			whole.last = range.last;
	}
	return whole;
}

/* Reads the counters of all rules in `selection` and fits the columns. Returns an array by rule index, or NULL. */
static struct counters *read_counters(struct transaction *transaction, const struct selection *selection,
				      struct print_options *format, struct error *error)
{
	const struct ruleset *ruleset = &transaction->ruleset;
	struct counters *counters = calloc(ruleset->count, sizeof(*counters));

	if (!counters)
		error_set(error, EX_OSERR, -1, "out of memory");
	for (size_t i = 0; counters && i < ruleset->count; i++) {
		if (!selection_matches(selection, ruleset->rules[i]))
			continue;
		if (transaction_counters(transaction, ruleset->rules[i], &counters[i], error)) {
			free(counters);
			return NULL;
		}
		listing_fit(format, &counters[i]);
	}
	return counters;
}

/*
 * Prints the rules in `selection`; those of disabled sets only with -S. Returns how many there are, hidden ones
 * included.
 */
static size_t print_rules(struct transaction *transaction, const struct selection *selection,
			  const struct counters *counters, const struct print_options *format)
{
	const struct ruleset *ruleset = &transaction->ruleset;
	size_t found = 0;

	for (size_t i = ruleset_find(ruleset, selection->first); i < ruleset->count; i++) {
		const struct rule *rule = ruleset->rules[i];
		bool disabled = ruleset->disabled_sets >> rule->set & 1;

		if (!selection_matches(selection, rule))
			continue;
		found++;
		if (!disabled || format->sets)
			listing_print(transaction->out, rule, counters ? &counters[i] : NULL, disabled, format);
	}
	return found;
}

/* Prints what the argument at `index` asks for. Returns 0 or an exit code. */
static int print_argument(const struct command_call *call, int index, const struct counters *counters,
			  const struct print_options *format)
{
	const char *word = command_argument(call, index);
	struct selection selection = {.set = call->set};

	if (!read_range(word, &selection))
		return command_refuse(call, EX_USAGE, index, "rules are listed by NUMBER or FIRST-LAST",
				      "invalid rule number: %s", word);
	if (call->options->dynamic_only || print_rules(call->transaction, &selection, counters, format))
		return 0;
	if (selection.first == selection.last)
		return command_refuse(call, EX_UNAVAILABLE, index, NULL, "rule %u does not exist", selection.first);
	return command_refuse(call, EX_UNAVAILABLE, index, NULL, "no rules in range %u-%u", selection.first,
			      selection.last);
}

/* Prints all that the arguments ask for; a word that is no number weighs more than a rule that is not there. */
static int print_arguments(const struct command_call *call, const struct counters *counters,
			   const struct print_options *format)
{
	const struct selection all = {.last = RULE_NUMBER_DEFAULT, .set = call->set};
	int code = 0;

	if (!command_argument(call, 0) && !call->options->dynamic_only)
		print_rules(call->transaction, &all, counters, format);
	for (int index = 0; command_argument(call, index); index++) {
		int result = print_argument(call, index, counters, format);

		if (result == EX_USAGE || !code)
			code = result;
	}
	return code;
}

/* Bytes that ipfw's kernel hands out for dynamic rules, which the heading tells. */
#define DYNAMIC_HEADER_BYTES 16
#define DYNAMIC_RULE_BYTES 136

/* What a listing shows. */
struct listing {
	struct print_options format;
	struct counters *counters;    /* by rule index, NULL: not wanted */
	struct dynamic_rule *dynamic; /* NULL: none, or not wanted */
	size_t dynamic_count;
};

static void print_dynamic_rules(const struct command_call *call, const struct listing *listing,
				const struct selection *selection)
{
	for (size_t i = 0; i < listing->dynamic_count; i++)
		if (selection_covers(selection, listing->dynamic[i].rule))
			listing_print_dynamic(call->transaction->out, listing->dynamic + i, call->options->verbose,
					      &listing->format);
}

/* As in ipfw the heading counts all, whatever rules and sets are asked for. */
static void print_dynamic(const struct command_call *call, const struct listing *listing)
{
	struct selection selection = {.last = RULE_NUMBER_DEFAULT, .set = call->set};
	FILE *out = call->transaction->out;
	const char *word;

	if (!listing->dynamic_count)
		return;
	if (!command_argument(call, 0)) {
		fprintf(out, "## Dynamic rules (%zu %zu):\n", listing->dynamic_count,
			DYNAMIC_HEADER_BYTES + listing->dynamic_count * DYNAMIC_RULE_BYTES);
		print_dynamic_rules(call, listing, &selection);
		return;
	}
	fprintf(out, "## Dynamic rules:\n");
	for (int index = 0; (word = command_argument(call, index)); index++)
		if (read_range(word, &selection))
			print_dynamic_rules(call, listing, &selection);
}

/* Reads what is to be shown and fits the columns. Returns 0, or -1 with *error set. */
static int read_listing(const struct command_call *call, struct listing *listing, struct error *error)
{
	const struct options *options = call->options;
	const struct selection whole = extent(call);
	struct print_options *format = &listing->format;
	int result = 0;

	if (!options->dynamic_only && (format->counters || format->timestamp || format->timestamp_raw)) {
		listing->counters = read_counters(call->transaction, &whole, format, error);
		if (!listing->counters)
			return -1;
	}
	if (options->dynamic)
		result = firewall_dynamic(call->transaction->firewall, options->expired, &listing->dynamic,
					  &listing->dynamic_count);
	for (size_t i = 0; i < listing->dynamic_count; i++) {
		const struct dynamic_rule *dynamic = listing->dynamic + i;

		if (call->set == ANY_SET || dynamic->rule->set == call->set)
			listing_fit(format, &(struct counters){dynamic->packets, dynamic->bytes, 0});
	}
	return result ? error_set(error, EX_OSERR, -1, "cannot read the dynamic rules: %s", strerror(-result)) : 0;
}

static int list(struct command_call *call, bool show_counters)
{
	struct listing listing = {.format = listing_format(call->options)};
	struct error error;
	int code;

	if (call->options->test_only) {
		fprintf(stderr, "Testing only, list disabled\n");
		return 0;
	}
	listing.format.counters = show_counters;
	listing.format.timestamp = call->options->timestamp;
	listing.format.timestamp_raw = call->options->timestamp_raw;
	error_clear(&error);
	if (transaction_open(call->transaction, FIREWALL_READ, &error))
		return command_fail(call, &error);
	if (read_listing(call, &listing, &error)) {
		code = command_fail(call, &error);
	} else {
		code = print_arguments(call, listing.counters, &listing.format);
		print_dynamic(call, &listing);
	}
	free(listing.counters);
	free(listing.dynamic);
	return code;
}

int command_list(struct command_call *call)
{
	return list(call, call->options->counters);
}

int command_show(struct command_call *call)
{
	return list(call, true);
}
