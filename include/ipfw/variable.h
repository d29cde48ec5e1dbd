/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The variables of the firewall, one row each in variables.def. In memory they are an array by code; where each is kept
 * in the kernel is known to maps/variable.c alone.
 */
#ifndef IPFW_VARIABLE_H
#define IPFW_VARIABLE_H

#include <linux/types.h>

enum variable {
#define VARIABLE(code, ...) VARIABLE_##code,
#include "ipfw/variables.def"
#undef VARIABLE
	VARIABLES
};

struct variables {
	__u32 value[VARIABLES]; /* by enum variable */
};

#define VARIABLE_READ_ONLY 0x01 /* cannot be set */
#define VARIABLE_TUNABLE 0x02	/* can be set in the configuration file alone, before the firewall is made */

struct variable_row {
	const char *name;
	__u32 low, high; /* of values that may be set */
	unsigned int flags;
	const char *description;
};

extern const struct variable_row variable_rows[VARIABLES];

/* The variable of this name, or -ENOENT. */
int variable_find(const char *name);

/*
 * Sets a variable from text, a number as strtol(3) reads it; whether it may be set is the caller's business. Returns 0,
 * -EINVAL for text that is no number, or -ERANGE, with nothing changed.
 */
int variable_set(struct variables *variables, enum variable variable, const char *text);

/* The values that variables have before anybody sets them. */
void variables_initialise(struct variables *variables);

struct control;

/* Takes the values out of the map "control" and the switches of a ruleset (ruleset->switches). */
void variables_load(struct variables *variables, const struct control *control, __u32 switches);
/* Writes those that are kept there into the map "control". */
void variables_store(const struct variables *variables, struct control *control);
/* What these values make of ruleset->switches. */
__u32 variables_switches(const struct variables *variables);

#endif
