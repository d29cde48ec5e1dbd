/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw/error.h"

#include <stdio.h>
#include <string.h>

void error_clear(struct error *error)
{
	error->exit_code = 0;
	error->word = -1;
	error->message[0] = error->advice[0] = '\0';
}

int error_set(struct error *error, int exit_code, int word, const char *format, ...)
{
	va_list arguments;

	if (error->exit_code)
		return -1;
	error->exit_code = exit_code;
	error->word = word;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return -1;
}

int error_advise(struct error *error, const char *format, ...)
{
	va_list arguments;

	if (error->advice[0])
		return -1;
	va_start(arguments, format);
	vsnprintf(error->advice, sizeof(error->advice), format, arguments);
	va_end(arguments);
	return -1;
}
