/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of the command explain, up to the packet. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/explain.h"

bool explain_names_file(const char *word)
{
	const char *suffix = strrchr(word, '.');

	return strchr(word, '/') ||
	       (suffix && (!strcmp(suffix, ".pcap") || !strcmp(suffix, ".pcapng") || !strcmp(suffix, ".cap")));
}

static int add_word(struct words *words, const char *word)
{
	char **grown = reallocarray(words->word, (size_t)words->count + 2, sizeof(*grown));

	if (!grown)
		return -1;
	words->word = grown;
	words->word[words->count] = strdup(word);
	if (!words->word[words->count])
		return -1;
	words->word[++words->count] = NULL;
	return 0;
}

int explain_words_copy(struct words *words, const struct words *from, struct error *error)
{
	for (int i = 0; i < from->count; i++) {
		struct words parts = {0};
		int result = 0;

		if (explain_names_file(from->word[i]))
			result = add_word(words, from->word[i]);
		else if (words_split(&parts, from->word[i], error))
			return -1;
		for (int part = 0; part < parts.count && !result; part++)
			result = add_word(words, parts.word[part]);
		words_free(&parts);
		if (result)
			return error_set(error, EX_OSERR, -1, "out of memory");
	}
	return 0;
}

void explain_words_free(struct words *words)
{
	for (int i = 0; i < words->count; i++)
		free(words->word[i]);
	free(words->word);
}

/* The name of an interface behind its keyword, which is word number `at`. */
static int parse_interface(const struct words *words, int at, const char **name, struct error *error)
{
	if (at + 1 < words->count && strlen(words->word[at + 1]) < INTERFACE_NAME_MAX) {
		*name = words->word[at + 1];
		return 0;
	}
	error_set(error, EX_USAGE, at + 1, "missing name of an interface");
	return error_advise(error, "as \"ip link\" shows it");
}

/* The number or numbers behind the keyword `fib' or `tag', which is word number `at`. */
static int parse_carried(struct explain_question *question, const struct words *words, int at, struct error *error)
{
	const char *word = at + 1 < words->count ? words->word[at + 1] : "";
	bool tags = !strcmp(words->word[at], "tag");

	do {
		char *end;
		unsigned long number = strtoul(word, &end, 10);

		if (end == word || (*end && (*end != ',' || !tags)) || number > (tags ? 65534 : 255) ||
		    question->tag_count == TAGS_MAX) {
			error_set(error, EX_DATAERR, at + 1, "bad number ``%s''", word);
			return error_advise(error, "fib 0 to 255, or tag 1 to 65534, several joined by commas");
		}
		if (tags)
			question->tags[question->tag_count++] = (__u16)number;
		else
			question->fib = (__u32)number;
		word = *end ? end + 1 : end;
	} while (*word);
	return 0;
}

/* One word, or two. Returns how many, 0 if the packet begins here, or -1 with *error set. */
static int parse_word(struct explain_question *question, const struct words *words, int at, const char **via,
		      struct error *error)
{
	const char *word = words->word[at], **name = NULL;

	if (!strcmp(word, "in"))
		question->direction = EXPLAIN_IN;
	else if (!strcmp(word, "out"))
		question->direction = EXPLAIN_OUT;
	else if (!strcmp(word, "-j"))
		question->json = true;
	else if (!strcmp(word, "-q"))
		question->quiet = true;
	else if (!strcmp(word, "recv"))
		name = &question->receive;
	else if (!strcmp(word, "xmit"))
		name = &question->transmit;
	else if (!strcmp(word, "via"))
		name = via;
	else if (!strcmp(word, "fib") || !strcmp(word, "tag"))
		return parse_carried(question, words, at, error) ? -1 : 2;
	else
		return 0;
	if (!name)
		return 1;
	return parse_interface(words, at, name, error) ? -1 : 2;
}

int explain_question_parse(struct explain_question *question, const struct words *words, int first, struct error *error)
{
	const char *via = NULL;
	int at = first, taken = 1;

	for (; at < words->count && taken; at += taken) {
		taken = parse_word(question, words, at, &via, error);
		if (taken < 0)
			return -1;
	}
	if (via && question->direction == EXPLAIN_OUT)
		question->transmit = via;
	else if (via)
		question->receive = via;
	if (!question->transmit || question->direction != EXPLAIN_IN)
		return at;
	error_set(error, EX_USAGE, first, "xmit: a packet that comes in is not sent yet");
	return error_advise(error, "out xmit IF, or recv IF xmit IF for a packet that is forwarded");
}

static unsigned int digit_value(char digit)
{
	return (unsigned int)(isdigit((unsigned char)digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

/* The digits of one word, `*digits` being how many there were in those before it. */
static int parse_digits(const char *word, __u8 *bytes, size_t *digits)
{
	for (; *word; word++, ++*digits) {
		__u8 *byte = bytes + *digits / 2;

		if (!isxdigit((unsigned char)*word) || *digits == 2 * DESCRIPTION_FRAME_MAX)
			return -1;
		*byte = (__u8)(*digits % 2 ? *byte << 4 | digit_value(*word) : digit_value(*word));
	}
	return 0;
}

int explain_bytes_parse(const struct words *words, int first, __u8 *bytes, size_t *length, struct error *error)
{
	size_t digits = 0;
	int at;

	for (at = first; at < words->count; at++) {
		const char *word = words->word[at];

		if (word[strlen(word) - 1] != ':' && parse_digits(word, bytes, &digits)) {
			error_set(error, EX_DATAERR, at, "bad bytes ``%s''", word);
			return error_advise(error, "two hexadecimal digits a byte");
		}
	}
	*length = digits / 2;
	if (digits && digits % 2 == 0)
		return 0;
	error_set(error, EX_DATAERR, digits ? at - 1 : at, digits ? "half a byte is missing" : "missing bytes");
	return error_advise(error, "two hexadecimal digits a byte");
}
