/* SPDX-License-Identifier: GPL-2.0-only */
/* The keyword table; contracts in parser_keywords.h. */
#include "ipfw-compat/parser_keywords.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ipfw/rule.h"

#define KEYWORD_SLOTS 512 /* a power of two, more than twice the number of keywords */

static struct keyword keywords[KEYWORD_SLOTS];
static pthread_once_t keywords_once = PTHREAD_ONCE_INIT;

const struct option_row option_rows[OPTION_CODES] = {
#define OPTION(code, keyword, aliases, argument, place, emitter, ...)                                                  \
	[OPTION_##code] = {keyword, !__builtin_strcmp(#emitter, "later"), ARGUMENT_##argument, PLACE_##place},
#include "ipfw/options.def"
#undef OPTION
};

const struct action_row action_rows[ACTION_CODES] = {
#define ACTION(code, keyword, aliases, argument, terminal, emitter, ...)                                               \
	[ACTION_##code] = {keyword, !__builtin_strcmp(#emitter, "later"), ACTION_ARGUMENT_##argument},
#include "ipfw/actions.def"
#undef ACTION
};

/* Where the keyword of an option stands in the text. */
#define keyword_place_of(place)                                                                                        \
	((place) == PLACE_HEAD ? PLACE_OF_NOTHING : (place) == PLACE_MODIFIER ? PLACE_OF_MODIFIER : PLACE_OF_OPTION)

static const struct {
	const char *words; /* separated by blanks */
	unsigned char place, kind, code;
} keyword_rows[] = {
#define ACTION(code, keyword, aliases, ...) {keyword " " aliases, PLACE_OF_ACTION, KEYWORD_ACTION, ACTION_##code},
#include "ipfw/actions.def"
#undef ACTION
#define OPTION(code, keyword, aliases, argument, place, ...)                                                           \
	{keyword " " aliases, keyword_place_of(PLACE_##place), KEYWORD_OPTION, OPTION_##code},
#include "ipfw/options.def"
#undef OPTION
	{"//", PLACE_OF_ACTION, KEYWORD_OPTION, OPTION_COMMENT},
	{"out", PLACE_OF_OPTION, KEYWORD_SHORTHAND, SHORTHAND_OUT},
	{"setup", PLACE_OF_OPTION, KEYWORD_SHORTHAND, SHORTHAND_SETUP},
	{"not", PLACE_OF_OPTION, KEYWORD_STRUCTURE, STRUCTURE_NOT},
	{"or |", PLACE_OF_OPTION, KEYWORD_STRUCTURE, STRUCTURE_OR},
	{"{ (", PLACE_OF_OPTION, KEYWORD_STRUCTURE, STRUCTURE_OPEN},
	{"} )", PLACE_OF_OPTION, KEYWORD_STRUCTURE, STRUCTURE_CLOSE},
};

/* FNV-1a over place and word. */
static unsigned int keyword_hash(enum keyword_place place, const char *word, size_t length)
{
	unsigned int hash = 2166136261u ^ place;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)word[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static void keyword_add(struct keyword keyword)
{
	unsigned int slot = keyword_hash(keyword.place, keyword.word, keyword.length);

	while (keywords[slot % KEYWORD_SLOTS].word)
		slot++;
	keywords[slot % KEYWORD_SLOTS] = keyword;
}

static void keywords_fill(void)
{
	for (size_t i = 0; i < sizeof(keyword_rows) / sizeof(keyword_rows[0]); i++) {
		const char *word = keyword_rows[i].words;

		for (word += strspn(word, " "); *word; word += strspn(word, " ")) {
			size_t length = strcspn(word, " ");

			if (keyword_rows[i].place != PLACE_OF_NOTHING)
				keyword_add((struct keyword){word, (unsigned char)length, keyword_rows[i].place,
							     keyword_rows[i].kind, keyword_rows[i].code});
			word += length;
		}
	}
}

const struct keyword *keyword_find(enum keyword_place place, const char *word)
{
	size_t length = strlen(word);
	unsigned int slot = keyword_hash(place, word, length);
	const struct keyword *keyword;

	pthread_once(&keywords_once, keywords_fill);
	for (; (keyword = &keywords[slot % KEYWORD_SLOTS])->word; slot++)
		if (keyword->place == place && keyword->length == length && !memcmp(keyword->word, word, length))
			return keyword;
	return NULL;
}

bool keyword_reserved(const char *word)
{
	static const char *const others[] = {"from", "to", "any", "me", "me6", "set", "prob"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(word, others[i]))
			return true;
	return keyword_find(PLACE_OF_OPTION, word) != NULL;
}

/* Levenshtein distance of `word` and a keyword, letter case aside; at most 32 characters count. */
static unsigned int keyword_distance(const char *word, const struct keyword *keyword)
{
	unsigned char row[33];
	size_t length = strnlen(word, 32);

	for (size_t i = 0; i <= length; i++)
		row[i] = (unsigned char)i;
	for (size_t k = 0; k < keyword->length; k++) {
		unsigned char diagonal = row[0]++;

		for (size_t i = 0; i < length; i++) {
			bool same = tolower((unsigned char)word[i]) == tolower((unsigned char)keyword->word[k]);
			unsigned char best = diagonal + !same;

			diagonal = row[i + 1];
			if (row[i] + 1 < best)
				best = row[i] + 1;
			if (row[i + 1] + 1 < best)
				best = row[i + 1] + 1;
			row[i + 1] = best;
		}
	}
	return row[length];
}

void keyword_advise(enum keyword_place place, const char *word, char *text, size_t size)
{
	static const char actions[] =
#define ACTION(code, keyword, ...) keyword ", "
#include "ipfw/actions.def"
#undef ACTION
		"";
	unsigned int limit = strlen(word) < 4 ? 1 : 2;
	const struct keyword *closest = NULL;

	pthread_once(&keywords_once, keywords_fill);
	for (size_t i = 0; i < KEYWORD_SLOTS; i++) {
		const struct keyword *keyword = &keywords[i];
		unsigned int distance;

		if (!keyword->word || keyword->place != place || keyword->length < 2)
			continue;
		distance = keyword_distance(word, keyword);
		if (distance > limit)
			continue;
		closest = keyword;
		if (!distance)
			break;
		limit = distance - 1;
	}
	if (closest)
		snprintf(text, size, "did you mean `%.*s'?", closest->length, closest->word);
	else if (place == PLACE_OF_ACTION)
		snprintf(text, size, "a rule begins with its action: %sor // and a comment", actions);
	else
		snprintf(text, size, "options are words like `in', `via em0', `dst-port 22' or `established'");
}
