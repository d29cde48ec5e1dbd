/* SPDX-License-Identifier: GPL-2.0-only */
/* Appending to a bounded text. */
#include <stdio.h>
#include <string.h>

#include "ipfw-compat/printer.h"

void text_add(struct text *text, const char *string)
{
	size_t length = strlen(string);
	size_t room = text->length < text->size ? text->size - text->length : 0;

	memcpy(text->start + text->length * (room > 0), string, length < room ? length : room);
	text->length += length;
}

void text_character(struct text *text, char character)
{
	if (text->length < text->size)
		text->start[text->length] = character;
	text->length++;
}

void text_number(struct text *text, unsigned int number)
{
	char digits[12];
	char *first = digits + sizeof(digits) - 1;

	*first = '\0';
	do {
		*--first = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	text_add(text, first);
}

void text_hexadecimal(struct text *text, unsigned int number)
{
	char digits[12];

	snprintf(digits, sizeof(digits), "%#x", number);
	text_add(text, digits);
}
