/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/json.h"

#include <stdarg.h>

static void put_character(FILE *out, unsigned int character)
{
	if (character == '"' || character == '\\')
		fprintf(out, "\\%c", character);
	else if (character < ' ' || character >= 0x7f)
		fprintf(out, "\\u%04x", character);
	else
		fputc((int)character, out);
}

/* Takes one UTF-8 character of at most three bytes off *text; else one byte. */
static unsigned int take_character(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;
	unsigned int character = 0;
	int length = 1;

	if ((at[0] & 0xe0) == 0xc0 && (at[1] & 0xc0) == 0x80) {
		character = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
		length = character >= 0x80 ? 2 : 1;
	} else if ((at[0] & 0xf0) == 0xe0 && (at[1] & 0xc0) == 0x80 && (at[2] & 0xc0) == 0x80) {
		character = (at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
		length = character >= 0x800 && (character < 0xd800 || character > 0xdfff) ? 3 : 1;
	}
	*text += length;
	return length == 1 ? at[0] : character;
}

static void put_string(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text)
		put_character(out, take_character(&text));
	fputc('"', out);
}

/* What stands in front of a value. */
static void begin(struct json *json, const char *name)
{
	if (json->comma)
		fputc(',', json->out);
	json->comma = true;
	if (!name)
		return;
	put_string(json->out, name);
	fputc(':', json->out);
}

void json_open(struct json *json, const char *name, char bracket)
{
	begin(json, name);
	fputc(bracket, json->out);
	json->comma = false;
}

void json_close(struct json *json, char bracket)
{
	fputc(bracket, json->out);
	json->comma = true;
}

void json_string(struct json *json, const char *name, const char *text)
{
	begin(json, name);
	if (text)
		put_string(json->out, text);
	else
		fputs("null", json->out);
}

void json_number(struct json *json, const char *name, unsigned long long number)
{
	begin(json, name);
	fprintf(json->out, "%llu", number);
}

void json_boolean(struct json *json, const char *name, bool value)
{
	begin(json, name);
	fputs(value ? "true" : "false", json->out);
}

void json_print(struct json *json, const char *name, const char *format, ...)
{
	va_list arguments;

	begin(json, name);
	va_start(arguments, format);
	vfprintf(json->out, format, arguments);
	va_end(arguments);
}

void json_hexadecimal(struct json *json, const char *name, const unsigned char *bytes, size_t length)
{
	begin(json, name);
	fputc('"', json->out);
	for (size_t i = 0; i < length; i++)
		fprintf(json->out, "%02x", bytes[i]);
	fputc('"', json->out);
}
