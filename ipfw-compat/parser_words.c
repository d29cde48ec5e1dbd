/* SPDX-License-Identifier: GPL-2.0-only */
/* The parser's current word, errors and warnings. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipfw-compat/parser.h"

void parser_next(struct parser *parser)
{
	parser->position++;
	parser->word = parser->words->word[parser->position];
}

bool parser_at(struct parser *parser, const char *keyword)
{
	size_t length;

	if (!parser->word || (*parser->word && *parser->word != *keyword))
		return false;
	length = strlen(parser->word);
	if (strncmp(parser->word, keyword, length) != 0)
		return false;
	if (keyword[length])
		parser_warn(parser, "DEPRECATED: '%s' matched '%s' as a sub-string", parser->word, keyword);
	return true;
}

int parse_not(struct parser *parser)
{
	if (!parser_at(parser, "not"))
		return 0;
	if (parser->not_pending)
		return parser_fail(parser, EX_USAGE, "double \"not\" not allowed");
	parser->not_pending = true;
	parser_next(parser);
	return 0;
}

int parser_fail(struct parser *parser, int exit_code, const char *format, ...)
{
	char message[sizeof(parser->error->message)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return error_set(parser->error, exit_code, parser->position, "%s", message);
}

void parser_needs(struct parser *parser, bool later)
{
	if (parser->later_word >= 0 || !later)
		return;
	parser->later_word = parser->position;
	parser->later_text = parser->word;
}

const char *copy_text(char *buffer, size_t size, const char *text, size_t length)
{
	if (length >= size)
		length = 0;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	return buffer;
}

#define RULE_BUFFER_WORDS 255 /* what ipfw itself has room for */

int parser_fail_list(struct parser *parser, unsigned int entry_words, unsigned int accepted)
{
	unsigned int entries = 1;

	for (const char *comma = strchr(parser->word, ','); comma; comma = strchr(comma + 1, ','))
		entries++;
	parser_fail(parser, EX_DATAERR,
		    1 + entry_words * entries > RULE_BUFFER_WORDS ? "Rule too long" : "address list too long");
	return error_advise(parser->error, "a list has at most %u entries; use an or-block of several", accepted);
}

void parser_warn(struct parser *parser, const char *format, ...)
{
	char message[256];
	va_list arguments;

	if (!parser->context || !parser->context->warn)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	parser->context->warn(parser->context->argument, message);
}
