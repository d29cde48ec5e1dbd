/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/command.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/diag.h"

/* Shortened names mean what they mean to ipfw: of two that fit, the one that stands first here. */
const struct command commands[] = {
	{"nat", 1, COMMAND_PREFIX, command_unsupported, NULL, NULL},
	{"pipe", 1, COMMAND_PREFIX | COMMAND_DNCTL, command_unsupported, NULL, NULL},
	{"queue", 1, COMMAND_DNCTL, command_unsupported, NULL, NULL},
	{"flowset", 1, COMMAND_DNCTL, command_unsupported, NULL, NULL},
	{"sched", 1, COMMAND_DNCTL, command_unsupported, NULL, NULL},
	{"add", 1, 0, command_add, "[N] [set N] [prob P] ACTION BODY", "add a rule"},
	{"delete", 2, COMMAND_SET, command_delete, "N[-N]... | set N", "delete rules"},
	{"list", 1, COMMAND_SET, command_list, "[N[-N]...]", "list rules"},
	{"show", 2, COMMAND_SET, command_show, "[N[-N]...]", "list rules with their counters"},
	{"zero", 1, COMMAND_SET, command_zero, "[N...]", "zero counters"},
	{"resetlog", 1, COMMAND_SET, command_resetlog, "[N...]", "start the counts of `log' again"},
	{"flush", 3, COMMAND_SET, command_flush, "", "delete all rules but those of set 31"},
	{"enable", 1, 0, command_enable, "firewall | one_pass | verbose", "filter packets; set a variable to 1"},
	{"disable", 1, 0, command_disable, "firewall | one_pass | verbose",
	 "let packets through, keep the rules; set to 0"},
	{"set", 2, 0, command_sets, "disable N... enable N... | move [rule] N to N | swap N N | show",
	 "switch sets of rules"},
	{"table", 1, COMMAND_SET, command_table, "NAME add|create|delete|destroy|flush|info|list|lookup|swap...",
	 "look-up tables; \"all\" for flush, info, list"},
	{"nat64clat", 4, COMMAND_SET | COMMAND_PREFIX, command_unsupported, NULL, NULL},
	{"nat64stl", 6, COMMAND_SET | COMMAND_PREFIX, command_unsupported, NULL, NULL},
	{"nat64lsn", 6, COMMAND_SET | COMMAND_PREFIX, command_unsupported, NULL, NULL},
	{"nptv6", 2, COMMAND_SET | COMMAND_PREFIX, command_unsupported, NULL, NULL},
	{"internal", 1, COMMAND_SET, command_unsupported, NULL, NULL},
	{"sysctl", 6, 0, command_sysctl, "[-aden] [NAME[=VALUE]...]", "read and set variables"},
	{"print", 2, COMMAND_SET, command_list, NULL, NULL},
	{"explain", 7, COMMAND_ALONE, command_explain, "[in|out] [recv IF] [xmit IF] [-j|-q] PACKET",
	 "what would become of a packet"},
	{"status", 6, COMMAND_ALONE, command_status, "[-v]", "interfaces, hooks, programs and maps in use"},
	{"down", 4, COMMAND_ALONE, command_down, "", "detach and remove everything from the kernel"},
	{"monitor", 7, COMMAND_ALONE, command_monitor, "[-jnt] [-c N] [N[-N]...]", "print what rules with `log' match"},
	{"help", 4, COMMAND_DNCTL, command_help, NULL, NULL},
	{0},
};

static bool begins(const char *word, const char *name, size_t minimum)
{
	size_t length = strlen(word);

	return length >= minimum && !strncmp(word, name, length);
}

static void warn_shortened(const struct command_call *call, const char *word, const char *name)
{
	if (strcmp(word, name))
		fprintf(stderr, "%s: DEPRECATED: '%s' matched '%s' as a sub-string\n", call->program, word, name);
}

bool command_keyword(const struct command_call *call, const char *word, const char *keyword)
{
	if (!begins(word, keyword, 1))
		return false;
	warn_shortened(call, word, keyword);
	return true;
}

/* The first command that `word` can mean and that has all of `flags`, or NULL. */
static const struct command *find(const char *word, unsigned int flags)
{
	for (const struct command *command = commands; command->name; command++)
		if ((command->flags & flags) == flags && begins(word, command->name, command->minimum))
			return command;
	return NULL;
}

const char *command_argument(const struct command_call *call, int index)
{
	int word = call->verb + 1 + index;

	return word < call->words->count ? call->words->word[word] : NULL;
}

int command_fail(const struct command_call *call, const struct error *error)
{
	diagnose(stderr, call->program, call->words, error);
	return error->exit_code;
}

int command_refuse(const struct command_call *call, int exit_code, int index, const char *advice, const char *format,
		   ...)
{
	char message[sizeof(((struct error *)0)->message)];
	struct error error;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	error_clear(&error);
	error_set(&error, exit_code, call->verb + 1 + index, "%s", message);
	if (advice)
		error_advise(&error, "%s", advice);
	return command_fail(call, &error);
}

/* Takes a leading `set N`. Returns 0 or an exit code. */
static int take_set(struct command_call *call)
{
	const char *number = command_argument(call, 0);
	unsigned long set;
	char *end;

	if (!begins(call->words->word[0], "set", 2) || !number || !isdigit((unsigned char)*number))
		return 0;
	set = strtoul(number, &end, 10);
	if (*end || set >= RULE_SETS)
		return command_refuse(call, EX_DATAERR, 0, "sets are numbered 0 to 31", "invalid set number %s",
				      number);
	if (!command_argument(call, 1))
		return command_refuse(call, EX_USAGE, -1, "set N list | show | delete | zero | resetlog | flush",
				      "missing command");
	call->set = (int)set;
	call->verb = 2;
	return 0;
}

/* Finds the command of a call that is complete but for it, and runs it. */
static int dispatch(struct command_call *call)
{
	const char *word = call->words->word[call->verb];
	unsigned int flags = call->set == ANY_SET ? 0 : COMMAND_SET;
	const struct command *command = find(word, flags | (call->options->dnctl ? COMMAND_DNCTL : 0));

	if (!command)
		return command_refuse(call, EX_USAGE, -1, "\"ipfw help\" lists the commands", "bad command `%s'", word);
	if (call->transaction->rules_file && (command->flags & COMMAND_ALONE))
		return command_refuse(call, EX_USAGE, -1, "run it from the shell", "%s: not possible in a rules file",
				      command->name);
	if (!(command->flags & COMMAND_PREFIX))
		warn_shortened(call, word, command->name);
	call->name = command->name;
	return command->run(call);
}

static int execute(struct command_call *call)
{
	char **word = call->words->word;
	int code;

	call->transaction->linear |= call->options->linear;
	if (call->options->version) {
		command_version(call->transaction->out);
		return EX_OK;
	}
	if (call->options->help)
		return command_help(call);
	if (!call->words->count)
		return command_refuse(call, EX_USAGE, -1, NULL, "bad arguments, for usage summary ``ipfw''");
	/* `ipfw 100 add ...` is `ipfw add 100 ...` */
	if (call->words->count > 1 && isdigit((unsigned char)*word[0])) {
		char *number = word[0];

		word[0] = word[1];
		word[1] = number;
	}
	code = take_set(call);
	return code ? code : dispatch(call);
}

int command_execute(const char *program, const struct words *words, const struct options *inherited,
		    struct transaction *transaction)
{
	char *arguments[words->count + 2];
	struct options options = *inherited;
	struct words command = {0};
	struct command_call call = {
		.program = program, .options = &options, .words = &command, .set = ANY_SET, .transaction = transaction};
	struct error error;
	int next;

	if (!words->count)
		return command_refuse(&call, EX_USAGE, -1, "\"ipfw -h\" or \"man ipfw\" for details",
				      "usage: ipfw [options]");
	/* getopt(3) wants a program's name in front. */
	arguments[0] = (char *)program;
	memcpy(arguments + 1, words->word, words->count * sizeof(*arguments));
	arguments[words->count + 1] = NULL;
	error_clear(&error);
	next = options_parse(&options, words->count + 1, arguments, &error);
	if (next < 0)
		return command_fail(&call, &error);
	command.word = words->word + next - 1;
	command.count = words->count - (next - 1);
	return execute(&call);
}
