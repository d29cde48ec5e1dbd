/* SPDX-License-Identifier: GPL-2.0-only */
/* The general options of ipfw(8), COMMAND OPTIONS: everything in front of the command word. */
#ifndef COMPAT_OPTIONS_H
#define COMPAT_OPTIONS_H

#include <stdbool.h>

#include "ipfw/error.h"

struct options {
	bool counters;		  /* -a */
	bool addresses;		  /* -i */
	bool brief;		  /* -b; implies compact */
	bool compact;		  /* -c */
	bool dynamic;		  /* -d, or -D */
	bool dynamic_only;	  /* -D */
	bool expired;		  /* -e */
	bool force;		  /* -f, as given: a missing terminal is not counted here */
	bool test_only;		  /* -n */
	bool resolve;		  /* -N */
	bool quiet;		  /* -q */
	bool sets;		  /* -S */
	bool timestamp;		  /* -t */
	bool timestamp_raw;	  /* -T */
	bool verbose;		  /* -v */
	bool help;		  /* -h, --help */
	bool version;		  /* --version */
	bool linear;		  /* --no-optimize */
	const char *preprocessor; /* -p PREPROC: points into the arguments */
	bool dnctl;		  /* not an option: the program runs under the name dnctl */
};

/*
 * Parses the options of a command; the first word without a dash ends them. *options is added to, so the caller
 * clears or presets it. `arguments` is argv-like: [0] is skipped, [count] is NULL. Returns the index of the first word
 * that is not an option, or -1 with *error set (EX_USAGE).
 */
int options_parse(struct options *options, int count, char *const *arguments, struct error *error);

/*
 * Likewise for a command line that ends in a rules file: only the options that ipfw takes there, and -p ends them.
 * The word after the returned index is then the first argument of the preprocessor.
 */
int options_parse_file(struct options *options, int count, char *const *arguments, struct error *error);

/* Whether questions are answered with yes: -f, or nobody is at the other end of standard input. */
bool options_forced(const struct options *options);

#endif
