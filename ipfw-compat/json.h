/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON (RFC 8259), written as it comes: commas are put where they belong. */
#ifndef COMPAT_JSON_H
#define COMPAT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool comma; /* something stands in front: the next member or element needs a comma */
};

/* Opens '{' or '[', as a member with this name or, with NULL, as an element. */
void json_open(struct json *json, const char *name, char bracket);
/* Closes with '}' or ']'. */
void json_close(struct json *json, char bracket);

/* One member each (name NULL: an element). A NULL string is null; bytes that are not UTF-8 are taken for Latin-1. */
void json_string(struct json *json, const char *name, const char *text);
void json_number(struct json *json, const char *name, unsigned long long number);
void json_boolean(struct json *json, const char *name, bool value);
/* A value that is JSON when it is printed. */
void json_print(struct json *json, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Bytes as a string of hexadecimal digits. */
void json_hexadecimal(struct json *json, const char *name, const unsigned char *bytes, size_t length);

#endif
