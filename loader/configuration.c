/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/configuration.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIGURATION_FILE "/etc/ipfw-bpf.conf"

/* Cuts blanks off both ends. */
static char *trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* Returns what is wrong with the setting, or NULL when it has been taken over. */
static const char *apply(struct variables *variables, const char *name, const char *value)
{
	static char complaint[128];
	int variable = variable_find(name), result;

	if (variable < 0)
		return "unknown name; `ipfw-bpf sysctl -a` shows the names";
	if (variable_rows[variable].flags & VARIABLE_READ_ONLY)
		return "the variable is read only";
	result = variable_set(variables, (enum variable)variable, value);
	if (!result)
		return NULL;
	snprintf(complaint, sizeof(complaint), "the value must be a number from %u to %u", variable_rows[variable].low,
		 variable_rows[variable].high);
	return complaint;
}

static const char *read_line(struct variables *variables, char *line)
{
	char *equals;

	line[strcspn(line, "#")] = '\0';
	line = trim(line);
	if (!*line)
		return NULL;
	equals = strchr(line, '=');
	if (!equals)
		return "not of the form NAME=VALUE";
	*equals = '\0';
	return apply(variables, trim(line), trim(equals + 1));
}

void configuration_read(struct variables *variables)
{
	const char *path = getenv("IPFW_BPF_CONF"), *complaint;
	unsigned int number = 0;
	char *line = NULL;
	size_t size = 0;
	FILE *file;

	variables_initialise(variables);
	if (!path || !*path)
		path = CONFIGURATION_FILE;
	file = fopen(path, "re");
	if (!file) {
		if (errno != ENOENT)
			fprintf(stderr, "ipfw: warning: %s: %s\n", path, strerror(errno));
		return;
	}
	while (getline(&line, &size, file) >= 0) {
		number++;
		complaint = read_line(variables, line);
		if (complaint)
			fprintf(stderr, "ipfw: warning: %s, line %u: %s\n", path, number, complaint);
	}
	free(line);
	fclose(file);
}
