/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ipfw-compat/command.h"
#include "ipfw-compat/diag.h"
#include "ipfw-compat/rules_file.h"

/* Every message begins with ipfw's name, whatever name the program was started under. */
#define PROGRAM "ipfw"

static int fail(const struct words *words, const struct error *error)
{
	diagnose(stderr, PROGRAM, words, error);
	return error->exit_code;
}

/* Runs the command that the words are, as a transaction of its own. */
static int run_words(const struct words *words, const struct options *options)
{
	struct transaction transaction;
	struct error error;
	int code;

	error_clear(&error);
	if (transaction_begin(&transaction, false, &error))
		return fail(words, &error);
	code = command_execute(PROGRAM, words, options, &transaction);
	if (transaction_finish(&transaction, &error))
		return fail(words, &error);
	return code;
}

static int run_arguments(int count, char *const *arguments, const struct options *options)
{
	struct words words = {0};
	struct error error;
	int code;

	error_clear(&error);
	if (words_from_arguments(&words, count, arguments, &error))
		code = fail(&words, &error);
	else
		code = run_words(&words, options);
	words_free(&words);
	return code;
}

/*
 * Whether the command that begins at `first' ends in a file that is not one of rules: what `explain' ends in is a
 * capture, what `table' ends in is a list of entries.
 */
static bool has_own_file(int count, char *const *arguments, int first)
{
	if (first + 2 < count && !strcmp(arguments[first], "set"))
		first += 2;
	return !strcmp(arguments[first], "explain") || !strcmp(arguments[first], "table");
}

/*
 * Whether the last argument is a rules file: an absolute path, whatever stands before it, as in ipfw (then it complains
 * of the words). A comment that ends in a path has to be written in one quoted argument.
 */
static bool ends_in_file(int count, char *const *arguments)
{
	int command = 1;

	while (command < count && arguments[command][0] == '-')
		command++;
	return count > 1 && arguments[count - 1][0] == '/' && !has_own_file(count, arguments, command);
}

int main(int argc, char **argv)
{
	struct options options = {.dnctl = !strcmp(program_invocation_short_name, "dnctl")};

	if (ends_in_file(argc, argv))
		return rules_file_run(&options, argc, argv);
	return run_arguments(argc - 1, argv + 1, &options);
}
