/* SPDX-License-Identifier: GPL-2.0-only */
/* Every keyword of the rule language, from options.def and actions.def, in one hash table. */
#ifndef COMPAT_PARSER_KEYWORDS_H
#define COMPAT_PARSER_KEYWORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Where a keyword stands in a rule; one word may be legal in several places. */
enum keyword_place {
	PLACE_OF_ACTION,
	PLACE_OF_MODIFIER, /* between the action and the body */
	PLACE_OF_OPTION,
	PLACE_OF_NOTHING, /* in front of the action; not in the table */
};

enum keyword_kind {
	KEYWORD_ACTION,	   /* code: enum action_code */
	KEYWORD_OPTION,	   /* code: enum option_code */
	KEYWORD_SHORTHAND, /* code: enum shorthand */
	KEYWORD_STRUCTURE, /* code: enum structure */
};

/* Words that are another way to say an option. */
enum shorthand {
	SHORTHAND_OUT,	 /* not in */
	SHORTHAND_SETUP, /* tcpflags syn,!ack */
};

enum structure { STRUCTURE_NOT, STRUCTURE_OR, STRUCTURE_OPEN, STRUCTURE_CLOSE };

struct keyword {
	const char *word; /* not NUL-terminated */
	unsigned char length;
	unsigned char place; /* enum keyword_place */
	unsigned char kind;  /* enum keyword_kind */
	unsigned char code;
};

/* A row of options.def as the language sees it, by enum option_code. */
struct option_row {
	const char *keyword;	/* as listings spell it, "" when another row's keyword stands for it */
	bool later;		/* no code behind the row yet: its emitter is `later` */
	unsigned char argument; /* enum argument_kind */
	unsigned char place;	/* enum option_place */
};
extern const struct option_row option_rows[];

/* A row of actions.def, by enum action_code. */
struct action_row {
	const char *keyword;	/* as listings spell it */
	bool later;		/* as in struct option_row */
	unsigned char argument; /* enum action_argument */
};
extern const struct action_row action_rows[];

/* The keyword `word` in `place`, or NULL. Exact match only. */
const struct keyword *keyword_find(enum keyword_place place, const char *word);
/* Whether `word` belongs to the language, so that it cannot be a host name. */
bool keyword_reserved(const char *word);

/*
 * Writes a sentence of advice about the unknown `word`: the keyword of `place` that it resembles, else
 * what may stand there.
 */
void keyword_advise(enum keyword_place place, const char *word, char *text, size_t size);

#endif
