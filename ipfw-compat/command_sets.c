/* SPDX-License-Identifier: GPL-2.0-only */
/* set show, set disable and enable, set move, set swap. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/command.h"
#include "ipfw-compat/rule_tables.h"

/* Says for both kinds which sets there are; the set of the default rule is not worth a word. */
static void print_sets(FILE *out, __u32 disabled)
{
	const char *word = "disable";

	for (unsigned int set = 0; set < RULE_SET_DEFAULT; set++)
		if (disabled & 1u << set) {
			fprintf(out, "%s %u", word, set);
			word = "";
		}
	word = disabled ? " enable" : "enable";
	for (unsigned int set = 0; set < RULE_SET_DEFAULT; set++)
		if (!(disabled & 1u << set)) {
			fprintf(out, "%s %u", word, set);
			word = "";
		}
	fprintf(out, "\n");
}

static int show(struct command_call *call)
{
	struct error error;

	error_clear(&error);
	if (call->options->test_only)
		return 0;
	if (transaction_open(call->transaction, FIREWALL_READ, &error))
		return command_fail(call, &error);
	print_sets(call->transaction->out, call->transaction->ruleset.disabled_sets);
	return 0;
}

/* Opens the ruleset, and the tables, for a change. Returns 0 or an exit code. */
static int open_ruleset(struct command_call *call)
{
	struct error error;

	error_clear(&error);
	return transaction_open_tables(call->transaction, FIREWALL_WRITE, &error) ? command_fail(call, &error) : 0;
}

/* The number that `word` begins with, or one that nothing has if it begins with none. */
static unsigned long number(const char *word)
{
	return isdigit((unsigned char)*word) ? strtoul(word, NULL, 10) : ~0ul;
}

static int swap(struct command_call *call)
{
	const char *advice = "sets are numbered 0 to 31";
	unsigned long set[2];
	int code;

	if (!command_argument(call, 1) || !command_argument(call, 2))
		return command_refuse(call, EX_USAGE, 0, "set swap N M", "set swap needs 2 set numbers");
	for (int i = 0; i < 2; i++) {
		set[i] = number(command_argument(call, i + 1));
		if (set[i] >= RULE_SETS)
			return command_refuse(call, EX_DATAERR, i + 1, advice, "invalid set number %s",
					      command_argument(call, i + 1));
	}
	code = call->options->test_only ? 0 : open_ruleset(call);
	if (code || call->options->test_only)
		return code;
	tables_swap_sets(call->transaction, (unsigned int)set[0], (unsigned int)set[1]);
	call->transaction->changed |= ruleset_swap_sets(&call->transaction->ruleset, set[0], set[1]);
	return 0;
}

/* Moves what is selected by the number `source`: one rule or one set. Returns 0 or an exit code. */
static int move_to(struct command_call *call, bool rule, unsigned long source, unsigned long set)
{
	struct selection selection = {.last = RULE_NUMBER_DEFAULT, .set = ANY_SET};
	int code;

	if (rule)
		selection.first = selection.last = source > RULE_NUMBER_DEFAULT ? 0 : source;
	else if (source < RULE_SETS)
		selection.set = (int)source;
	else
		return command_refuse(call, EX_OSERR, 1, "sets are numbered 0 to 31", "failed to move set: %s",
				      strerror(EINVAL));
	code = open_ruleset(call);
	if (code)
		return code;
	code = tables_move(call->transaction, &selection, (unsigned int)set);
	if (code)
		return command_refuse(call, EX_OSERR, 0, "a table of a rule cannot go along", "failed to move %s: %s",
				      rule ? "rule" : "set", strerror(-code));
	call->transaction->changed |= ruleset_move(&call->transaction->ruleset, &selection, set);
	return 0;
}

static int move(struct command_call *call)
{
	const char *first = command_argument(call, 1);
	bool rule = first && command_keyword(call, first, "rule");
	int index = rule ? 2 : 1;
	unsigned long source, set;

	if (!command_argument(call, index) || !command_argument(call, index + 1) ||
	    !command_argument(call, index + 2) || command_argument(call, index + 3) ||
	    !command_keyword(call, command_argument(call, index + 1), "to"))
		return command_refuse(call, EX_USAGE, 0, NULL, "syntax: set move [rule] X to Y");
	source = number(command_argument(call, index));
	set = number(command_argument(call, index + 2));
	if (source == ~0ul)
		return command_refuse(call, EX_DATAERR, index, NULL, "invalid source number %s",
				      command_argument(call, index));
	if (set >= RULE_SETS)
		return command_refuse(call, EX_DATAERR, index + 2, "sets are numbered 0 to 31", "invalid dest. set %s",
				      command_argument(call, index + 1));
	return call->options->test_only ? 0 : move_to(call, rule, source, set);
}

/* Reads `disable N... enable N...` into masks by kind: 0 disable, 1 enable. Returns 0 or an exit code. */
static int read_masks(struct command_call *call, __u32 masks[2])
{
	static const char *const kinds[2] = {"disable", "enable"};
	const char *word;
	int kind = 0;

	for (int index = 0; (word = command_argument(call, index)); index++) {
		if (command_keyword(call, word, kinds[0]))
			kind = 0;
		else if (command_keyword(call, word, kinds[1]))
			kind = 1;
		else if (number(word) < RULE_SETS)
			masks[kind] |= 1u << number(word);
		else if (isdigit((unsigned char)*word))
			return command_refuse(call, EX_DATAERR, index, "sets are numbered 0 to 31",
					      "invalid set number %d", atoi(word));
		else
			return command_refuse(call, EX_DATAERR, index, "set disable N... enable N...",
					      "invalid set command %s", word);
	}
	if (masks[0] & masks[1])
		return command_refuse(call, EX_DATAERR, 0, NULL, "cannot enable and disable the same set");
	return 0;
}

static int switch_sets(struct command_call *call)
{
	__u32 masks[2] = {0, 0};
	int code = read_masks(call, masks);

	if (!code && !call->options->test_only)
		code = open_ruleset(call);
	if (code || call->options->test_only)
		return code;
	call->transaction->changed |= ruleset_switch_sets(&call->transaction->ruleset, masks[0], masks[1]);
	return 0;
}

int command_sets(struct command_call *call)
{
	static const struct {
		const char *keyword;
		command_function run;
	} kinds[] = {{"show", show}, {"swap", swap}, {"move", move}, {"disable", switch_sets}, {"enable", switch_sets}};
	const char *word = command_argument(call, 0);

	if (!word)
		return command_refuse(call, EX_USAGE, -1, "set N list | show | delete | zero | resetlog | flush",
				      "set needs command");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (command_keyword(call, word, kinds[i].keyword))
			return kinds[i].run(call);
	return command_refuse(call, EX_USAGE, 0, NULL, "invalid set command %s", word);
}
