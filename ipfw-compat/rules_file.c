/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/rules_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ipfw-compat/command.h"
#include "ipfw-compat/diag.h"
#include "ipfw-compat/preprocessor.h"

struct lines {
	char **line;
	size_t count, capacity;
};

static void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i]);
	free(lines->line);
}

/* Prints an error of the file as a whole. */
static int fail(const struct error *error)
{
	diagnose(stderr, "ipfw", NULL, error);
	return error->exit_code;
}

/* Reads a stream to its end. Returns 0, or -1 with *error set; the caller frees the lines in both cases. */
static int read_lines(struct lines *lines, FILE *stream, struct error *error)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stream) >= 0) {
		if (lines->count == lines->capacity) {
			size_t capacity = lines->capacity ? lines->capacity * 2 : 256;
			char **grown = reallocarray(lines->line, capacity, sizeof(*grown));

			if (!grown)
				break;
			lines->line = grown;
			lines->capacity = capacity;
		}
		lines->line[lines->count++] = line;
		line = NULL;
		size = 0;
	}
	free(line);
	/* Half a file is never run. */
	return feof(stream) ? 0 : error_set(error, EX_OSERR, -1, "reading the rules failed: %s", strerror(errno));
}

/* Reads the file, through the preprocessor if there is one (`arguments` not NULL). Returns as read_lines(). */
static int load(struct lines *lines, const char *path, char *const *arguments, struct error *error)
{
	FILE *stream = fopen(path, "re");
	pid_t process;
	int result;

	if (!stream)
		return error_set(error, EX_UNAVAILABLE, -1, "fopen: %s: %s", path, strerror(errno));
	if (arguments) {
		FILE *filtered = preprocessor_start(arguments, fileno(stream), &process, error);

		fclose(stream);
		if (!filtered)
			return -1;
		stream = filtered;
	}
	result = read_lines(lines, stream, error);
	fclose(stream);
	/* The preprocessor's own failure explains more than what it did to the lines. */
	if (arguments && preprocessor_wait(process, error))
		return -1;
	return result;
}

/* Runs one line. Returns 0 or an exit code. */
static int run_line(const char *line, size_t number, const struct options *options, struct transaction *transaction)
{
	struct words words = {0};
	struct error error;
	char program[32];
	int code = 0;

	error_clear(&error);
	snprintf(program, sizeof(program), "Line %zu", number);
	if (words_split(&words, line, &error)) {
		diagnose(stderr, program, &words, &error);
		code = error.exit_code;
	} else if (words.count) {
		code = command_execute(program, &words, options, transaction);
	}
	words_free(&words);
	return code;
}

static int run_lines(const struct lines *lines, const struct options *options)
{
	struct transaction transaction;
	struct error error;
	int code = 0;

	error_clear(&error);
	if (transaction_begin(&transaction, true, &error))
		return fail(&error);
	for (size_t i = 0; i < lines->count; i++) {
		int result = run_line(lines->line[i], i + 1, options, &transaction);

		if (result && (!options->force || transaction.refused)) {
			transaction_abandon(&transaction);
			return result;
		}
		code = code ? code : result;
	}
	return transaction_finish(&transaction, &error) ? fail(&error) : code;
}

int rules_file_run(struct options *options, int count, char **arguments)
{
	char *path = arguments[count - 1], **preprocessor = NULL;
	struct lines lines = {0};
	struct error error;
	int next, code;

	error_clear(&error);
	if (access(path, R_OK)) {
		error_set(&error, EX_USAGE, -1, "pathname: %s: %s", path, strerror(errno));
		return fail(&error);
	}
	next = options_parse_file(options, count, arguments, &error);
	if (next < 0)
		return fail(&error);
	if (options->preprocessor) {
		if (next == count)
			error_set(&error, EX_USAGE, -1, "no filename argument");
		/* The path's place ends the preprocessor's arguments; its name may be glued to the -p. */
		preprocessor = arguments + next - 1;
		preprocessor[0] = (char *)options->preprocessor;
		arguments[count - 1] = NULL;
		/* The lines inherit the options, but not this one. */
		options->preprocessor = NULL;
	} else if (next != count - 1) {
		error_set(&error, EX_USAGE, -1, "extraneous filename arguments %s", path);
	}
	if (!error.exit_code)
		load(&lines, path, preprocessor, &error);
	code = error.exit_code ? fail(&error) : run_lines(&lines, options);
	lines_free(&lines);
	return code;
}
