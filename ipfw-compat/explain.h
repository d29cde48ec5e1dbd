/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the command explain: what is asked, how one packet is explained, and how that is told. */
#ifndef COMPAT_EXPLAIN_H
#define COMPAT_EXPLAIN_H

#include <stdio.h>

#include "ipfw-compat/json.h"
#include "ipfw-compat/listing.h"
#include "ipfw-compat/packet_text.h"
#include "ipfw-compat/transaction.h"

/* Where packets are to meet the rules, and how that is told. */
struct explain_question {
	enum explain_direction direction;
	const char *receive, *transmit; /* names of interfaces; NULL: not said */
	__u32 fib;			/* that packets bring along from the rules on input, and tags */
	__u16 tags[TAGS_MAX];
	size_t tag_count;
	bool json, quiet;
};

/* Whether a word is the path of a capture, by its look. */
bool explain_names_file(const char *word);
/*
 * Copies the words of a command; one that a shell kept in one piece is split, unless it names a file. *words, which the
 * caller has cleared, is to be freed by explain_words_free() in any case. Returns 0, or -1 with *error set.
 */
int explain_words_copy(struct words *words, const struct words *from, struct error *error);
void explain_words_free(struct words *words);
/* Parses what stands in front of the packet. Returns the number of the packet's first word, or -1 with *error set. */
int explain_question_parse(struct explain_question *question, const struct words *words, int first,
			   struct error *error);
/*
 * Reads the hexadecimal digits of all words from `first` on into `bytes` (DESCRIPTION_FRAME_MAX); offsets as tcpdump -x
 * prints them are passed over. Returns 0, or -1 with *error set.
 */
int explain_bytes_parse(const struct words *words, int first, __u8 *bytes, size_t *length, struct error *error);

/* One packet. */
struct explain_subject {
	struct description description;
	const __u8 *bytes; /* as they came, NULL: there is only the description */
	size_t length;
	bool ethernet;	      /* `bytes` begins with an Ethernet header */
	size_t missing;	      /* bytes at the end that the capture lacks and that are zeros here */
	unsigned long number; /* in a capture, from 1 on; 0: there is but this one */
};

enum explain_outcome {
	OUTCOME_PASS, /* no rule is asked */
	OUTCOME_ALLOW,
	OUTCOME_DROP,
};

/* What happened to it at one place. */
struct explain_pass {
	const struct explain_place *place;
	const struct description *before;    /* the packet that met the rules */
	size_t length;			     /* of its frame */
	const struct explain_answer *answer; /* NULL: it met none, see place->unfiltered */
	struct description after;	     /* of answer->frame, if it passes or an answer is sent */
	bool opaque;  /* it passes changed, but nothing differs that `before` and `after` would show */
	bool enabled; /* else every packet passes whatever the rules say */
	enum explain_outcome outcome, said; /* what becomes of it, and what the rules say */
};

#define EXPLAIN_ENTRY_MAX 320

/* What an option of a rule asked a table for, and what there is; as listings write it. */
struct explain_lookup {
	const char *table;
	char asked[EXPLAIN_ENTRY_MAX];
	char entry[EXPLAIN_ENTRY_MAX], value[EXPLAIN_ENTRY_MAX]; /* that was found, "": none */
};

typedef void (*explain_each_lookup)(void *argument, const struct explain_lookup *lookup);

/* The packet of a pass among rules with tables. */
struct explain_tables {
	struct transaction *transaction;
	const struct explain_place *place;
	struct packet packet; /* as the rules left it at last */
	__u32 mark;	      /* as earlier rules left it, like the next */
	__u8 dscp;
	bool layer2;
};

/* Starts with the first rule of a pass that met some. The transaction's tables have been opened. */
void explain_tables_begin(struct explain_tables *tables, struct transaction *transaction,
			  const struct explain_pass *pass);
/* Calls `each` for each look-up of a rule. To be called for all that matched, in order. */
void explain_lookups(struct explain_tables *tables, const struct explain_match *match, explain_each_lookup each,
		     void *argument);

/* How it is told: to people, as JSON, in one word. */
struct explain_report {
	FILE *out;
	struct print_options format;
	struct transaction *transaction;
	bool quiet;	  /* of a text: the verdict alone */
	bool many;	  /* this packet is one of a capture */
	struct json json; /* under construction, from begin() to end() */
};

struct explain_writer {
	void (*begin)(struct explain_report *report, const struct explain_subject *subject);
	void (*pass)(struct explain_report *report, const struct explain_pass *pass);
	/* `note` is what else is to be said, or NULL; `failed` is why no answer was possible, or NULL. */
	void (*end)(struct explain_report *report, enum explain_outcome outcome, const char *note, const char *failed);
};

extern const struct explain_writer explain_text, explain_json;

/* The word for an outcome. */
const char *explain_outcome_word(enum explain_outcome outcome);

/*
 * Explains one packet. Returns 0, or -1 with *error set if there is no answer; what is told of it is complete in both
 * cases.
 */
int explain_subject(const struct explain_question *question, struct transaction *transaction,
		    struct explain_subject *subject, struct explain_report *report, struct error *error);

#endif
