/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table add FILE, table delete FILE: one entry a line, as published lists of networks are. All of it is done or, should
 * one line be wrong, nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/table_batch.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define STANDARD_INPUT "-"

/* A file that is being applied. */
struct file {
	struct table_batch batch;
	const char *path;
	size_t line; /* number of the current one, from 1 */
	size_t outcomes[TABLE_OUTCOMES];
	struct table saved; /* the table before the first entry */
	bool opened;	    /* the first entry has been met */
};

/* No key of any type looks like these: an interface's name has no `/', and nobody's is "-". */
bool table_file_named(const char *word)
{
	return *word == '/' || !strncmp(word, "./", 2) || !strncmp(word, "../", 3) || !strcmp(word, STANDARD_INPUT);
}

/* Reads a stream to its end. Returns a malloc'ed string of *size bytes, or NULL with errno set. */
static char *read_all(FILE *stream, size_t *size)
{
	size_t capacity = 1 << 16;
	char *text = malloc(capacity), *larger;

	*size = 0;
	while (text) {
		*size += fread(text + *size, 1, capacity - *size - 1, stream);
		if (*size < capacity - 1)
			break;
		capacity *= 2;
		larger = realloc(text, capacity);
		if (!larger)
			free(text);
		text = larger;
	}
	if (!text || ferror(stream)) {
		free(text);
		return NULL;
	}
	text[*size] = '\0';
	return text;
}

/* The text of the file, read before anything is locked. Returns 0 with *text to be freed, or an exit code. */
static int load(const struct file *file, char **text)
{
	const struct table_call *call = file->batch.call;
	bool standard = !strcmp(file->path, STANDARD_INPUT);
	FILE *stream;
	size_t size;
	int error;

	if (standard && call->call->transaction->rules_file)
		return command_refuse(call->call, EX_USAGE, call->next, "name a file",
				      "standard input is not read by a rules file");
	stream = standard ? stdin : fopen(file->path, "re");
	*text = stream ? read_all(stream, &size) : NULL;
	error = errno;
	if (stream && !standard)
		fclose(stream);
	if (!*text)
		return command_refuse(call->call, EX_UNAVAILABLE, call->next, NULL, "%s: %s", file->path,
				      strerror(error));
	if (!memchr(*text, '\0', size))
		return 0;
	free(*text);
	return command_refuse(call->call, EX_DATAERR, call->next, NULL, "%s: not a text file", file->path);
}

/* Cuts off a comment that begins with `;' as in the lists of Spamhaus; words_split() knows the one with `#'. */
static void cut_comment(char *line)
{
	for (char *found = line; (found = strchr(found, ';')); found++)
		if (found == line || found[-1] == ' ' || found[-1] == '\t') {
			*found = '\0';
			return;
		}
}

/* Opens the table by the first entry. Returns 0 or an exit code. */
static int open_table(struct file *file, const struct command_call *line)
{
	int code = table_batch_open(&file->batch, line, 0);

	if (code)
		return code;
	if (file->batch.table && table_batch_save(&file->saved, &file->batch))
		return command_refuse(line, EX_OSERR, -1, NULL, "%s", strerror(ENOMEM));
	file->opened = true;
	return 0;
}

/* Whether -q passes over this error. Entries that exist are none for it to begin with. */
static bool forgiven(const struct table_batch *batch, int error)
{
	return error == ENOENT && batch->call->call->options->quiet;
}

/* Does what the words of a line say. Returns 0 or an exit code. */
static int run_words(struct file *file, const struct command_call *line)
{
	struct table_batch *batch = &file->batch;
	struct table_request request;
	int index = 0, error, code = file->opened ? 0 : open_table(file, line);

	if (!code)
		code = table_request_read(&request, batch, line, &index);
	if (code)
		return code;
	if (command_argument(line, index))
		return command_refuse(line, EX_DATAERR, index, "KEY [VALUE] [timeout SECONDS]",
				      "one entry a line is expected");
	error = batch->table ? table_request_apply(batch, &request) : 0;
	if (error && !forgiven(batch, error))
		return command_refuse(line, EX_OSERR, 0, NULL, "%s: %s",
				      batch->add ? "Adding record failed" : "Deleting record failed",
				      table_error_text(error));
	file->outcomes[request.outcome]++;
	return 0;
}

/* Likewise for the text of a line. */
static int run_line(struct file *file, char *text)
{
	const struct command_call *call = file->batch.call->call;
	struct command_call line = *call;
	struct words words = {0};
	struct error error;
	char program[64 + FILENAME_MAX];
	int code = 0;

	snprintf(program, sizeof(program), "Line %zu of %s", file->line, file->path);
	line.program = program;
	line.words = &words;
	line.verb = -1;
	error_clear(&error);
	cut_comment(text);
	if (words_split(&words, text, &error))
		code = command_fail(&line, &error);
	else if (words.count)
		code = run_words(file, &line);
	words_free(&words);
	return code;
}

static int run_lines(struct file *file, char *text)
{
	char *line;
	int code = 0;

	if (!strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)))
		text += strlen(BYTE_ORDER_MARK);
	while (!code && (line = strsep(&text, "\n"))) {
		file->line++;
		code = run_line(file, line);
	}
	return code;
}

/* Leaves the transaction as it was before the file, or as the file says. */
static void finish(struct file *file, bool keep)
{
	struct transaction *transaction = file->batch.call->call->transaction;

	if (!file->opened || !file->batch.table)
		return;
	if (keep) {
		table_batch_keep(&file->saved);
		return;
	}
	table_batch_revert(&file->batch, &file->saved);
	if (file->batch.made)
		tables_remove(transaction->tables, file->batch.table);
}

static void report(const struct file *file)
{
	const struct command_call *call = file->batch.call->call;
	const size_t *outcomes = file->outcomes;
	FILE *out = call->transaction->out;

	if (call->options->quiet || call->options->test_only)
		return;
	if (file->batch.add)
		fprintf(out, "%s: %zu added, %zu updated, %zu unchanged\n", file->path, outcomes[TABLE_ADDED],
			outcomes[TABLE_UPDATED], outcomes[TABLE_IGNORED]);
	else
		fprintf(out, "%s: %zu deleted\n", file->path, outcomes[TABLE_DELETED]);
}

/* What is left to do for a file without entries. Returns 0 or an exit code. */
static int check_table(const struct table_call *call)
{
	int code = table_open(call, FIREWALL_WRITE);

	if (code || table_named(call))
		return code;
	return command_refuse(call->call, EX_DATAERR, 0, NULL, "Table %s does not exist", call->name);
}

int table_file_run(const struct table_call *call, bool add)
{
	struct file file = {
		.batch = {.call = call, .add = add, .listed = true},
		.path = command_argument(call->call, call->next),
	};
	char *text = NULL;
	int code;

	if (command_argument(call->call, call->next + 1))
		return command_refuse(call->call, EX_USAGE, call->next + 1, NULL, "one file at a time");
	code = load(&file, &text);
	if (code)
		return code;
	code = run_lines(&file, text);
	free(text);
	if (!code && !file.opened && !call->call->options->test_only)
		code = check_table(call);
	finish(&file, !code);
	if (!code)
		report(&file);
	return code;
}
