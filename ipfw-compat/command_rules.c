/* SPDX-License-Identifier: GPL-2.0-only */
/* add, delete, flush: the commands that change rules. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ipfw-compat/command.h"
#include "ipfw-compat/listing.h"
#include "ipfw-compat/rule_tables.h"

/* Puts `rule` into the ruleset, which owns it then. Returns 0 or an exit code. */
static int insert(struct command_call *call, struct rule *rule)
{
	struct transaction *transaction = call->transaction;
	struct error error;
	int result;

	error_clear(&error);
	if (transaction_open(transaction, FIREWALL_RULES, &error))
		return command_fail(call, &error);
	if (rule_find_tables(transaction, rule, &error, &result))
		return command_fail(call, &error);
	if (result)
		return command_refuse(call, EX_UNAVAILABLE, 0,
				      "a table in it is of another type, or there are too many",
				      "getsockopt(IP_FW_XADD): %s", strerror(-result));
	rule_limit_log(rule, transaction->variables.value[VARIABLE_VERBOSE_LIMIT]);
	result = ruleset_add(&transaction->ruleset, &transaction->removed, rule,
			     transaction->variables.value[VARIABLE_NUMBER_STEP]);
	if (result == -EINVAL)
		return command_refuse(call, EX_UNAVAILABLE, 0, "rule 65535 is the default rule: use 1 to 65534",
				      "getsockopt(IP_FW_XADD): %s", strerror(EINVAL));
	if (result)
		return command_refuse(call, EX_UNAVAILABLE, -1, NULL, "getsockopt(IP_FW_XADD): %s", strerror(-result));
	transaction->changed = true;
	return 0;
}

/* A warning of the language: shown at once, as ipfw does, whatever becomes of the rule. */
static void warn_about_rule(void *argument, const char *message)
{
	const struct command_call *call = argument;

	fprintf(stderr, "%s: %s\n", call->program, message);
}

/* `automatic`: the rule was given no number. */
static void echo(struct command_call *call, struct rule *rule, bool automatic)
{
	const struct print_options format = listing_format(call->options);
	__u16 number = rule->number;

	if (automatic && rule_names_objects(rule))
		rule->number = 0;
	listing_print(call->transaction->out, rule, NULL, false, &format);
	rule->number = number;
}

int command_add(struct command_call *call)
{
	const struct parse_context context = {
		.install = !call->options->test_only, .warn = warn_about_rule, .argument = call};
	struct error error;
	struct rule *rule;
	bool automatic;
	int code = 0;

	error_clear(&error);
	rule = rule_parse(call->words, call->verb + 1, &context, &error);
	if (!rule)
		return command_fail(call, &error);
	automatic = !rule->number;
	if (!call->options->test_only)
		code = insert(call, rule);
	if (!code && !call->options->quiet)
		echo(call, rule, automatic);
	if (code || call->options->test_only)
		free(rule);
	return code;
}

/* -D: ends the dynamic rules of the selected rules, which stay. Returns 0 or an exit code. */
static int delete_dynamic(struct command_call *call, const struct selection *selection)
{
	const struct ruleset *ruleset = &call->transaction->ruleset;

	for (size_t i = 0; i < ruleset->count; i++)
		if (selection_covers(selection, ruleset->rules[i]) &&
		    transaction_reset(call->transaction, ruleset->rules[i], RESET_STATES))
			return command_refuse(call, EX_OSERR, -1, NULL, "out of memory");
	return 0;
}

/* Takes the selected rules out of the opened ruleset; their number is stored in *deleted. Returns 0 or an exit code. */
static int take_out(struct command_call *call, const struct selection *selection, int *deleted)
{
	struct transaction *transaction = call->transaction;

	*deleted = ruleset_delete(&transaction->ruleset, &transaction->removed, selection);
	if (*deleted < 0)
		return command_refuse(call, EX_OSERR, -1, NULL, "%s", strerror(-*deleted));
	if (*deleted)
		transaction->changed = true;
	return 0;
}

/* `delete set N...`: an empty set is as good as one that was emptied, and so is a set that cannot be. */
static int delete_set(struct command_call *call, const char *word)
{
	unsigned long set = strtoul(word, NULL, 10);
	struct selection selection = {.first = 0, .last = RULE_NUMBER_DEFAULT, .set = (int)set};
	int deleted;

	if (set >= RULE_SETS)
		return 0;
	return call->options->dynamic_only ? delete_dynamic(call, &selection) : take_out(call, &selection, &deleted);
}

static int not_found(const struct command_call *call, int index, const struct selection *selection)
{
	const char *advice = NULL;
	/* ipfw keeps 16 bits of a number, which shows in its message; here such a number just means no rule. */
	unsigned int first = selection->first & 0xffff, last = selection->last & 0xffff;

	if (call->options->quiet)
		return EX_UNAVAILABLE;
	if (selection->last > RULE_NUMBER_DEFAULT)
		advice = "rule numbers end at 65535";
	else if (selection->first == RULE_NUMBER_DEFAULT)
		advice = "the default rule cannot be deleted";
	if (first != last)
		return command_refuse(call, EX_UNAVAILABLE, index, advice, "no rules rules in %u-%u range", first,
				      last);
	return command_refuse(call, EX_UNAVAILABLE, index, advice, "rule %u not found", first);
}

/* `delete N` and `delete N-M`. Returns 0 or an exit code. */
static int delete_numbers(struct command_call *call, int index, const char *word)
{
	struct selection selection = {.set = call->set};
	int code, deleted;
	char *end;

	selection.first = strtoul(word, &end, 10);
	selection.last = *end == '-' ? strtoul(end + 1, NULL, 10) : selection.first;
	if (call->options->dynamic_only)
		return delete_dynamic(call, &selection);
	code = take_out(call, &selection, &deleted);
	if (code || deleted)
		return code;
	return not_found(call, index, &selection);
}

int command_delete(struct command_call *call)
{
	const char *word = command_argument(call, 0);
	struct error error;
	int index, code = 0;
	bool sets;

	if (!word)
		return command_refuse(call, EX_USAGE, -1, "delete NUMBER... | FIRST-LAST... | set NUMBER",
				      "missing rule specification");
	sets = command_keyword(call, word, "set");
	if (sets && call->set != ANY_SET)
		return command_refuse(call, EX_DATAERR, 0, "give the set once: in front of `delete' or behind it",
				      "invalid syntax");
	if (call->options->test_only)
		return 0;
	error_clear(&error);
	if (transaction_open(call->transaction, FIREWALL_RULES, &error))
		return command_fail(call, &error);
	/* As in ipfw, the first word that is no number ends the list, and numbers that are not there do not keep the
	 * others. */
	for (index = sets; (word = command_argument(call, index)) && isdigit((unsigned char)*word); index++) {
		int result = sets ? delete_set(call, word) : delete_numbers(call, index, word);

		if (result && result != EX_UNAVAILABLE)
			return result;
		code = result ? result : code;
	}
	return options_forced(call->options) ? 0 : code;
}

/* Asks on the terminal. */
static bool confirmed(void)
{
	char *line = NULL;
	size_t size = 0;
	int answer = 0;

	while (answer != 'Y' && answer != 'N') {
		printf("Are you sure? [yn] ");
		fflush(stdout);
		if (getline(&line, &size, stdin) < 0)
			break;
		answer = toupper((unsigned char)*line);
	}
	printf("\n");
	free(line);
	return answer == 'Y';
}

int command_flush(struct command_call *call)
{
	const struct options *options = call->options;
	struct selection selection = {
		.last = RULE_NUMBER_DEFAULT, .set = call->set, .spare_default_set = call->set == ANY_SET};
	struct error error;
	int deleted, code;

	if (!options->test_only) {
		if (!options->quiet && !options_forced(options) && !confirmed())
			return 0;
		error_clear(&error);
		if (transaction_open(call->transaction, FIREWALL_RULES, &error))
			return command_fail(call, &error);
		code = take_out(call, &selection, &deleted);
		if (code)
			return code;
		/* Also a ruleset that was not loaded yet begins to act: what is not allowed is denied from here on. */
		call->transaction->changed = true;
	}
	if (!options->quiet)
		fprintf(call->transaction->out, "Flushed all rules.\n");
	return 0;
}
