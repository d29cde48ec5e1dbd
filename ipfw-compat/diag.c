/* SPDX-License-Identifier: GPL-2.0-only */
/* Errors on the terminal; contract in diag.h. */
#include "ipfw-compat/diag.h"

#include <string.h>

#define INDENT "    "
#define LINE_COLUMNS 72 /* a terminal that is narrower would break the line and misplace the mark */

/* Columns that a word takes: as many as it has UTF-8 characters. */
static int columns(const char *word)
{
	int count = 0;

	for (; *word; word++)
		count += (*word & 0xc0) != 0x80;
	return count;
}

/* Prints a word; a control character in it must not reach the terminal. */
static void print_word(FILE *out, const char *word)
{
	for (; *word; word++)
		fputc((unsigned char)*word < ' ' || *word == 0x7f ? '?' : *word, out);
}

/* The words around `wrong` that fit into a line: [*first, *last). */
static void choose_words(const struct words *words, int wrong, int *first, int *last)
{
	int room = LINE_COLUMNS - (wrong < words->count ? columns(words->word[wrong]) : 1);

	*first = wrong < words->count ? wrong : words->count;
	*last = wrong < words->count ? wrong + 1 : words->count;
	while (*first > 0 && columns(words->word[*first - 1]) < room)
		room -= columns(words->word[--*first]) + 1;
	while (*last < words->count && columns(words->word[*last]) < room)
		room -= columns(words->word[(*last)++]) + 1;
}

static void print_mark(FILE *out, const struct words *words, int wrong)
{
	int first, last, before = 0, width;

	choose_words(words, wrong, &first, &last);
	fputs(INDENT, out);
	if (first)
		before += fprintf(out, "... ");
	for (int i = first; i < last; i++) {
		print_word(out, words->word[i]);
		fputc(i + 1 < last ? ' ' : '\n', out);
		if (i < wrong)
			before += columns(words->word[i]) + 1;
	}
	if (first == last)
		fputc('\n', out);
	fprintf(out, INDENT "%*s^", before, "");
	width = wrong < words->count ? columns(words->word[wrong]) : 1;
	while (--width > 0)
		fputc('~', out);
	fputc('\n', out);
}

void diagnose(FILE *out, const char *program, const struct words *words, const struct error *error)
{
	fprintf(out, "%s: %s\n", program, error->message);
	if (words && error->word >= 0)
		print_mark(out, words, error->word);
	if (error->advice[0])
		fprintf(out, INDENT "%s\n", error->advice);
}
