/* SPDX-License-Identifier: GPL-2.0-only */
/* zero, resetlog. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/command.h"

/* What distinguishes the two commands. */
struct reset {
	const char *all, *one; /* what is reported */
	unsigned int what;     /* RESET_* */
};

/* Resets the selected rules; their number is stored in *found. Returns 0 or an exit code. */
static int reset_rules(struct command_call *call, const struct reset *reset, const struct selection *selection,
		       size_t *found)
{
	const struct ruleset *ruleset = &call->transaction->ruleset;

	*found = 0;
	for (size_t i = ruleset_find(ruleset, selection->first); i < ruleset->count; i++) {
		if (!selection_matches(selection, ruleset->rules[i]))
			continue;
		++*found;
		if (transaction_reset(call->transaction, ruleset->rules[i], reset->what))
			return command_refuse(call, EX_OSERR, -1, NULL, "out of memory");
	}
	return 0;
}

/* Refuses arguments that are no rule numbers before anything is reset. */
static int check_numbers(struct command_call *call)
{
	const char *advice = "rule numbers are 1 to 65535, one word each", *word;

	for (int index = 0; (word = command_argument(call, index)); index++) {
		char *end;

		if (!isdigit((unsigned char)*word))
			return command_refuse(call, EX_USAGE, index, advice, "invalid rule number ``%s''", word);
		if (strtoul(word, &end, 10) > RULE_NUMBER_DEFAULT || *end)
			return command_refuse(call, EX_DATAERR, index, advice, "invalid rule number %s", word);
	}
	return 0;
}

static int reset_arguments(struct command_call *call, const struct reset *reset)
{
	FILE *out = call->transaction->out;
	int code = 0, result;
	const char *word;

	for (int index = 0; (word = command_argument(call, index)); index++) {
		struct selection one = {.set = call->set};
		size_t found;

		one.first = one.last = strtoul(word, NULL, 10);
		result = reset_rules(call, reset, &one, &found);
		if (result)
			return result;
		if (!found) {
			fprintf(out, "Entry %u not found\n", one.first);
			code = EX_UNAVAILABLE;
		} else if (!call->options->quiet) {
			fprintf(out, "Entry %u %s.\n", one.first, reset->one);
		}
	}
	return code;
}

static int run(struct command_call *call, const struct reset *reset)
{
	/* As in ipfw, the default rule only by its number. */
	const struct selection all = {.last = RULE_NUMBER_DEFAULT - 1, .set = call->set};
	struct error error;
	size_t found;
	int code = check_numbers(call);

	if (code || call->options->test_only)
		return code;
	error_clear(&error);
	if (transaction_open(call->transaction, FIREWALL_WRITE, &error))
		return command_fail(call, &error);
	if (command_argument(call, 0))
		return reset_arguments(call, reset);
	code = reset_rules(call, reset, &all, &found);
	if (!code && !call->options->quiet)
		fprintf(call->transaction->out, "%s.\n", reset->all);
	return code;
}

int command_zero(struct command_call *call)
{
	return run(call, &(struct reset){"Accounting cleared", "cleared", RESET_COUNTERS | RESET_LOG});
}

int command_resetlog(struct command_call *call)
{
	return run(call, &(struct reset){"Logging counts reset", "logging count reset", RESET_LOG});
}
