/* SPDX-License-Identifier: GPL-2.0-only */
/* The rule language: text to IR and back. Knows no BPF and no kernel. */
#ifndef COMPAT_LANGUAGE_H
#define COMPAT_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "ipfw/error.h"
#include "ipfw/rule.h"

/* A command as words; word 0 is the first word after `ipfw [options]`. */
struct words {
	char **word; /* NULL-terminated; array and strings are one malloc'ed block */
	int count;
};

/*
 * Splits one string as ipfw does with a quoted command or a line of a rules file: blanks separate, `a, b` is one
 * word, `#` starts a comment in a file. Returns 0 or -1 with *error set.
 */
int words_split(struct words *words, const char *text, struct error *error);
/* Copies argv, splitting a lone argument that holds blanks and joining `a, b`. */
int words_from_arguments(struct words *words, int count, char *const *arguments, struct error *error);
void words_free(struct words *words);

struct parse_context {
	bool install; /* refuse words that no code exists for yet (emitter `later`), when all else is right */
	void (*warn)(void *argument,
		     const char *message); /* told ipfw's warnings (abbreviated keywords); may be NULL */
	void *argument;			   /* handed to warn() */
};

/*
 * Parses `[number] [set N] [prob P] action ... body` (the words after `add`). rule->number is 0 when none was given.
 * Returns a malloc'ed rule, or NULL with *error set: exit code and first line as ipfw's.
 */
struct rule *rule_parse(const struct words *words, int first, const struct parse_context *context, struct error *error);

/*
 * Whether the rule refers to objects by name: tables, states, instances. ipfw echoes such a rule, if it was given no
 * number, with number 0.
 */
bool rule_names_objects(const struct rule *rule);

/* How to print; each member is one of ipfw's options. */
struct print_options {
	bool counters;	    /* -a or show */
	bool compact;	    /* -c */
	bool brief;	    /* -b: action and comment only */
	bool sets;	    /* -S */
	bool timestamp;	    /* -t */
	bool timestamp_raw; /* -T */
	bool resolve;	    /* -N */
	int packets_width;  /* column widths of counters */
	int bytes_width;
};

/*
 * Body of a listing line without number, counters and set: `allow tcp from any to any 22`. Writes at most `size` bytes,
 * NUL-terminated, and returns the length of the whole text.
 */
size_t rule_print(char *text, size_t size, const struct rule *rule, const struct print_options *options);

#endif
