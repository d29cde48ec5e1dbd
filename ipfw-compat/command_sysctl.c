/* SPDX-License-Identifier: GPL-2.0-only */
/* sysctl: reads and sets the variables of ipfw/variables.def; words, output and messages are those of FreeBSD's sysctl.
 */
#include <errno.h>
#include <string.h>

#include "ipfw-compat/command.h"
#include "ipfw-compat/rule_tables.h"

#define USAGE "sysctl [-aden] [NAME[=VALUE] ...]"
#define FAILURE 1 /* exit status of sysctl(8) whatever is wrong */

struct request {
	bool all;	       /* -a */
	bool description;      /* -d */
	bool value_only;       /* -n */
	const char *separator; /* between name and value; -e: "=" */
};

static int refuse_option(const struct command_call *call, int index, char letter)
{
	command_refuse(call, FAILURE, index, USAGE, "illegal option -- %c", letter);
	return -1;
}

/* Takes the options behind the command's word. Returns the index of the first argument, or -1 with a message printed.
 */
static int take_options(const struct command_call *call, struct request *request)
{
	const char *word;
	int index;

	for (index = 0; (word = command_argument(call, index)) && word[0] == '-' && word[1]; index++) {
		for (const char *letter = word + 1; *letter; letter++) {
			if (*letter == 'a')
				request->all = true;
			else if (*letter == 'd')
				request->description = true;
			else if (*letter == 'e')
				request->separator = "=";
			else if (*letter == 'n')
				request->value_only = true;
			else
				return refuse_option(call, index, *letter);
		}
	}
	return index;
}

/* Prints what stands in front of a value. */
static void print_name(FILE *out, const struct request *request, enum variable variable)
{
	if (!request->value_only)
		fprintf(out, "%s%s", variable_rows[variable].name, request->separator);
}

static void print_variable(const struct command_call *call, const struct request *request, enum variable variable)
{
	FILE *out = call->transaction->out;

	print_name(out, request, variable);
	if (request->description)
		fprintf(out, "%s\n", variable_rows[variable].description);
	else
		fprintf(out, "%u\n", transaction_variable(call->transaction, variable));
}

/* Whether `name` is `branch` or lies below it: `net.inet.ip.fw` stands for all variables whose names go on. */
static bool below(const char *name, const char *branch)
{
	size_t length = strlen(branch);

	return !strncmp(name, branch, length) && (name[length] == '.' || !name[length]);
}

static bool is_branch(const char *name)
{
	for (int i = 0; i < VARIABLES; i++)
		if (below(variable_rows[i].name, name))
			return true;
	return false;
}

/* Beginnings of the names of variables that belong to what does not exist yet. */
static const char *const later[] = {
	"net.inet.ip.alias.",
	"net.inet.ip.dummynet.",
	"net.inet.ip.fw.nat64_",
	"net.link.bridge.ipfw",
};

static int refuse_unknown(const struct command_call *call, int index, const char *name)
{
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (!strncmp(name, later[i], strlen(later[i])))
			return command_refuse(call, FAILURE, index, NULL, "%s: not supported yet", name);
	return command_refuse(call, FAILURE, index, "`ipfw-bpf sysctl -a` shows the names", "unknown oid '%s'", name);
}

/* Finds the variable that an assignment means. Returns it, or -1 with a message printed. */
static int find_writable(const struct command_call *call, int index, const char *name)
{
	int variable = variable_find(name);

	if (variable < 0 && is_branch(name))
		command_refuse(call, FAILURE, index, NULL, "oid '%s' isn't a leaf node", name);
	else if (variable < 0)
		refuse_unknown(call, index, name);
	else if (variable_rows[variable].flags & VARIABLE_TUNABLE)
		command_refuse(call, FAILURE, index,
			       "it is set in /etc/ipfw-bpf.conf, which is read when the firewall is first made",
			       "oid '%s' is a read only tunable", name);
	else if (variable_rows[variable].flags & VARIABLE_READ_ONLY)
		command_refuse(call, FAILURE, index, NULL, "oid '%s' is read only", name);
	else
		return variable;
	return -1;
}

/* Checks `NAME=VALUE` and, if that is right, changes *variables. Returns the variable, or -1 with a message printed. */
static int assign(const struct command_call *call, int index, const char *word, struct variables *variables)
{
	char name[128], advice[80];
	const char *value = strchr(word, '=') + 1;
	int variable, result;

	snprintf(name, sizeof(name), "%.*s", (int)(value - word - 1), word);
	variable = find_writable(call, index, name);
	if (variable < 0)
		return -1;
	result = variable_set(variables, (enum variable)variable, value);
	if (!result)
		return variable;
	snprintf(advice, sizeof(advice), "the value must be %u to %u", variable_rows[variable].low,
		 variable_rows[variable].high);
	if (result == -ERANGE)
		command_refuse(call, FAILURE, index, advice, "%s: %s", word, strerror(EINVAL));
	else
		command_refuse(call, FAILURE, index, advice, "invalid integer '%s'", value);
	return -1;
}

/* What there is to do. */
struct survey {
	bool wrong;   /* some argument cannot be done; messages have been printed */
	bool assigns; /* some argument sets a variable */
};

static struct survey look_through(const struct command_call *call, int first)
{
	struct survey survey = {0};
	struct variables ignored = {{0}};
	const char *word;

	for (int index = first; (word = command_argument(call, index)); index++) {
		if (strchr(word, '=')) {
			survey.assigns = true;
			survey.wrong |= assign(call, index, word, &ignored) < 0;
		} else if (!is_branch(word)) {
			survey.wrong = true;
			refuse_unknown(call, index, word);
		}
	}
	return survey;
}

/* Rules of other sets than 0 mean certain tables: what they mean must not change. False with a message printed. */
static bool may_switch_sets(const struct command_call *call, int first)
{
	const struct transaction *transaction = call->transaction;
	struct variables variables = transaction->variables;
	const char *word;

	for (int index = first; (word = command_argument(call, index)); index++) {
		if (!strchr(word, '=') || assign(call, index, word, &variables) != VARIABLE_TABLES_SETS ||
		    variables.value[VARIABLE_TABLES_SETS] == transaction->variables.value[VARIABLE_TABLES_SETS] ||
		    !ruleset_tables_in_sets(&transaction->ruleset))
			continue;
		command_refuse(call, FAILURE, index, "rules of other sets than 0 refer to tables", "%s: %s", word,
			       strerror(EBUSY));
		return false;
	}
	return true;
}

/* `NAME=VALUE` that has been checked. */
static void set(const struct command_call *call, const struct request *request, int index, const char *word)
{
	struct transaction *transaction = call->transaction;
	struct variables before = transaction->variables;
	int variable = assign(call, index, word, &transaction->variables);

	if (call->options->quiet)
		return;
	print_name(transaction->out, request, (enum variable)variable);
	fprintf(transaction->out, "%u -> %u\n", before.value[variable], transaction->variables.value[variable]);
}

/* `NAME`: a variable, or all below a branch, of which there may be none. */
static void show(const struct command_call *call, const struct request *request, const char *name)
{
	for (int i = 0; i < VARIABLES; i++)
		if (below(variable_rows[i].name, name))
			print_variable(call, request, (enum variable)i);
}

static void run(const struct command_call *call, const struct request *request, int first)
{
	const char *word;

	for (int i = 0; request->all && i < VARIABLES; i++)
		print_variable(call, request, (enum variable)i);
	for (int index = first; !request->all && (word = command_argument(call, index)); index++) {
		if (strchr(word, '='))
			set(call, request, index, word);
		else
			show(call, request, word);
	}
}

int command_sysctl(struct command_call *call)
{
	struct command_call own = *call;
	struct request request = {.separator = ": "};
	struct survey survey;
	struct error error;
	int first;

	/* Its messages begin with its own name. */
	if (!call->transaction->rules_file)
		own.program = "sysctl";
	first = take_options(&own, &request);
	if (first < 0)
		return FAILURE;
	if (!request.all && !command_argument(call, first))
		return command_refuse(&own, FAILURE, -1, NULL, "usage: " USAGE);
	survey = look_through(&own, first);
	/* All assignments or none. */
	if (call->options->test_only || (survey.wrong && survey.assigns))
		return survey.wrong ? FAILURE : 0;
	error_clear(&error);
	if (transaction_open(call->transaction, survey.assigns ? FIREWALL_WRITE : FIREWALL_READ, &error))
		return command_fail(call, &error);
	if (!may_switch_sets(&own, first))
		return FAILURE;
	run(&own, &request, first);
	return survey.wrong ? FAILURE : 0;
}
