/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands as words. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/language.h"

static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Room for `count` words and `size` characters in one piece; words_free() frees it by its first pointer. */
static char *words_allocate(struct words *words, size_t count, size_t size, struct error *error)
{
	char **word = malloc((count + 1) * sizeof(*word) + size);

	words->count = 0;
	words->word = word;
	if (word)
		return (char *)(word + count + 1);
	error_set(error, EX_OSERR, -1, "out of memory");
	return NULL;
}

/*
 * ipfw's automaton: blanks behind a comma vanish if the comma itself stood behind something, and a comma that is last
 * joins nothing and goes.
 */
int words_split(struct words *words, const char *text, struct error *error)
{
	size_t length = strcspn(text, "#");
	char *to = words_allocate(words, length / 2 + 1, length + 2, error);
	bool copying = false, in_word = false;

	if (!to)
		return -1;
	for (const char *end = text + length; text < end; text++) {
		if (blank(*text) && !copying)
			continue;
		if (blank(*text)) {
			*to++ = '\0';
			in_word = copying = false;
			continue;
		}
		if (!in_word)
			words->word[words->count++] = to;
		in_word = true;
		copying = !copying || *text != ',';
		*to++ = *text;
	}
	if (in_word && !copying)
		to--;
	*to = '\0';
	words->word[words->count] = NULL;
	return 0;
}

int words_from_arguments(struct words *words, int count, char *const *arguments, struct error *error)
{
	size_t size = 0;
	char *to;

	if (count == 1)
		return words_split(words, arguments[0], error);
	for (int i = 0; i < count; i++)
		size += strlen(arguments[i]) + 1;
	to = words_allocate(words, (size_t)count, size, error);
	if (!to)
		return -1;
	for (int i = 0; i < count; i++) {
		size_t length = strlen(arguments[i]);

		words->word[words->count++] = to;
		memcpy(to, arguments[i], length);
		to += length;
		for (; length && to[-1] == ',' && i + 1 < count; i++, to += length) {
			length = strlen(arguments[i + 1]);
			memcpy(to, arguments[i + 1], length);
		}
		*to++ = '\0';
	}
	words->word[words->count] = NULL;
	return 0;
}

void words_free(struct words *words)
{
	free(words->word);
	words->word = NULL;
	words->count = 0;
}
