/* SPDX-License-Identifier: GPL-2.0-only */
/* From the words of one command to the function that runs it. */
#ifndef COMPAT_COMMAND_H
#define COMPAT_COMMAND_H

#include <stdbool.h>

#include "ipfw-compat/language.h"
#include "ipfw-compat/options.h"
#include "ipfw-compat/transaction.h"

/* One command that is being run. */
struct command_call {
	const char *program; /* prefix of messages: "ipfw", or "Line N" in a rules file */
	const char *name;    /* of the command, in full */
	const struct options *options;
	const struct words *words;	 /* without the general options */
	int verb;			 /* index of the command's own word; its arguments follow */
	int set;			 /* of a leading `set N`, or ANY_SET */
	struct transaction *transaction; /* what it changes and prints */
};

/* Runs one command; returns a sysexits(3) code. Messages have been printed when it is not 0. */
typedef int (*command_function)(struct command_call *call);

/* command.flags */
#define COMMAND_SET 0x01    /* may follow `set N` */
#define COMMAND_ALONE 0x02  /* not in a rules file */
#define COMMAND_DNCTL 0x04  /* also under the name dnctl */
#define COMMAND_PREFIX 0x08 /* may be shortened without a warning */

struct command {
	const char *name;
	unsigned int minimum; /* letters that a shortened name needs at least */
	unsigned int flags;   /* COMMAND_* */
	command_function run;
	const char *arguments; /* for the help; NULL: not listed there */
	const char *summary;
};

/* All commands, in the order in which shortened names are tried; ends with a NULL name. */
extern const struct command commands[];

/*
 * Runs one command as part of `transaction`. `words` is everything behind the program's name, general options included,
 * which add to a copy of *options. Returns a sysexits(3) code; messages have been printed when it is not 0.
 */
int command_execute(const char *program, const struct words *words, const struct options *options,
		    struct transaction *transaction);

/*
 * Whether `word` is `keyword` or the beginning of it; the latter is allowed with the warning that ipfw gives.
 */
bool command_keyword(const struct command_call *call, const char *word, const char *keyword);

/* The argument `index` places behind the command's own word, or NULL. */
const char *command_argument(const struct command_call *call, int index);

/* Prints *error, which is about the words of the call, and returns its exit code. */
int command_fail(const struct command_call *call, const struct error *error);

/*
 * The same for an error made up on the spot. `index` is as in command_argument(), -1 for the command as a whole;
 * `advice` says what would be right, or is NULL.
 */
int command_refuse(const struct command_call *call, int exit_code, int index, const char *advice, const char *format,
		   ...) __attribute__((format(printf, 5, 6)));

/* The commands, in the files command_*.c. */
int command_add(struct command_call *call);
int command_delete(struct command_call *call);
int command_flush(struct command_call *call);
int command_list(struct command_call *call);
int command_show(struct command_call *call);
int command_zero(struct command_call *call);
int command_resetlog(struct command_call *call);
int command_enable(struct command_call *call);
int command_disable(struct command_call *call);
int command_sets(struct command_call *call);
int command_table(struct command_call *call);
int command_sysctl(struct command_call *call);
int command_explain(struct command_call *call);
int command_status(struct command_call *call);
int command_down(struct command_call *call);
int command_monitor(struct command_call *call);
int command_help(struct command_call *call);
int command_unsupported(struct command_call *call);

/* Prints the version of the program (`--version`). */
void command_version(FILE *out);

#endif
