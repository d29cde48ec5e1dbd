/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of description_parse(). */
#ifndef COMPAT_PACKET_PARSE_H
#define COMPAT_PACKET_PARSE_H

#include "ipfw-compat/packet_fields.h"

struct parse {
	struct description *description;
	const struct words *words;
	int at;			      /* the word to be read next */
	int protocol, destination;    /* the words with these */
	int said[DESCRIPTION_FIELDS]; /* the word that said it, 0: not said */
	bool source_port, destination_port;
	struct error *error;
};

/* The word to be read next, NULL at the end. */
const char *packet_peek(const struct parse *parse);
/* Records an error about the word to be read next, with `word` in its text (NULL: nothing). Returns -1. */
int packet_fail(const struct parse *parse, int exit_code, const char *format, const char *word);
/* A number of any base that C knows, at most `maximum`. False if the word (NULL: none) is something else. */
bool packet_number(const char *word, __u32 maximum, __u32 *value);

/* Parse what is to be read next. Return 0, or -1 with *parse->error set. */
int packet_parse_arrow(struct parse *parse);
int packet_parse_option(struct parse *parse);

#endif
