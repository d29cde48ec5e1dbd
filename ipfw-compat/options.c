/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/options.h"

#include <getopt.h>
#include <sysexits.h>
#include <unistd.h>

/* '+': the first other word ends the options; ':': this file words the complaints. */
#define COMMAND_OPTIONS "+:abcdDefhinNp:qs:STtv"
#define FILE_OPTIONS "+:cfhNnp:qS"

enum { LONG_VERSION = 256, LONG_NO_OPTIMIZE };

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, LONG_VERSION},
	{"no-optimize", no_argument, NULL, LONG_NO_OPTIMIZE},
	{NULL, 0, NULL, 0},
};

/* Records one option. Those of objects that rules cannot use (-i -s) change nothing. */
static void record(struct options *options, int letter)
{
	switch (letter) {
	case 'a':
		options->counters = true;
		break;
	case 'b':
		options->brief = true;
		options->compact = true;
		break;
	case 'c':
		options->compact = true;
		break;
	case 'd':
	case 'D':
		options->dynamic = true;
		options->dynamic_only = letter == 'D';
		break;
	case 'e':
		options->expired = true;
		break;
	case 'f':
		options->force = true;
		break;
	case 'h':
		options->help = true;
		break;
	case 'i':
		options->addresses = true;
		break;
	case 'n':
		options->test_only = true;
		break;
	case 'N':
		options->resolve = true;
		break;
	case 'p':
		options->preprocessor = optarg;
		break;
	case 'q':
		options->quiet = true;
		break;
	case 'S':
		options->sets = true;
		break;
	case 't':
		options->timestamp = true;
		options->timestamp_raw = false;
		break;
	case 'T':
		options->timestamp_raw = true;
		options->timestamp = false;
		break;
	case 'v':
		options->verbose = true;
		break;
	case LONG_VERSION:
		options->version = true;
		break;
	case LONG_NO_OPTIMIZE:
		options->linear = true;
		break;
	}
}

static int parse(struct options *options, int count, char *const *arguments, const char *accepted, struct error *error)
{
	int letter;

	optind = 0; /* glibc: start over, also after an earlier parse */
	while ((letter = getopt_long(count, arguments, accepted, long_options, NULL)) != -1) {
		if (letter == ':')
			error_set(error, EX_USAGE, -1, "option requires an argument -- %c", optopt);
		else if (letter == '?')
			error_set(error, EX_USAGE, -1, "illegal option -- %c", optopt ? optopt : '-');
		if (letter == ':' || letter == '?')
			return error_advise(error, "\"ipfw -h\" lists the options");
		record(options, letter);
		if (letter == 'p')
			break;
	}
	return optind;
}

int options_parse(struct options *options, int count, char *const *arguments, struct error *error)
{
	int next = parse(options, count, arguments, COMMAND_OPTIONS, error);

	if (next < 0 || !options->preprocessor)
		return next;
	error_set(error, EX_USAGE, -1, "An absolute pathname must be used with -p option.");
	return error_advise(error, "ipfw -p preprocessor [arguments] /path/of/rules");
}

int options_parse_file(struct options *options, int count, char *const *arguments, struct error *error)
{
	return parse(options, count, arguments, FILE_OPTIONS, error);
}

bool options_forced(const struct options *options)
{
	return options->force || !isatty(STDIN_FILENO);
}
