/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw/variable.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw/rule.h"
#include "maps/layout.h"

enum place { PLACE_CONTROL, PLACE_SWITCH_ON, PLACE_SWITCH_OFF, PLACE_NOWHERE };

#define WHERE_CONTROL(member) offsetof(struct control, member)
#define WHERE_SWITCH_ON(bit) (bit)
#define WHERE_SWITCH_OFF(bit) (bit)
#define WHERE_NOWHERE(nothing) (nothing)

const struct variable_row variable_rows[VARIABLES] = {
#define VARIABLE(code, name, place, where, low, high, initial, flags, description)                                     \
	[VARIABLE_##code] = {name, low, high, flags, description},
#include "ipfw/variables.def"
#undef VARIABLE
};

static const struct {
	enum place place;
	size_t where;
	__u32 initial;
} places[VARIABLES] = {
#define VARIABLE(code, name, place, where, low, high, initial, ...)                                                    \
	[VARIABLE_##code] = {PLACE_##place, WHERE_##place(where), initial},
#include "ipfw/variables.def"
#undef VARIABLE
};

int variable_find(const char *name)
{
	for (int i = 0; i < VARIABLES; i++)
		if (!strcmp(variable_rows[i].name, name))
			return i;
	return -ENOENT;
}

int variable_set(struct variables *variables, enum variable variable, const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 0);
	if (end == text || *end)
		return -EINVAL;
	if (errno || value < (long)variable_rows[variable].low || value > (long)variable_rows[variable].high)
		return -ERANGE;
	variables->value[variable] = (__u32)value;
	return 0;
}

void variables_initialise(struct variables *variables)
{
	for (int i = 0; i < VARIABLES; i++)
		variables->value[i] = places[i].initial;
}

static __u32 lowest_bit(size_t bits)
{
	return (__u32)(bits & -bits);
}

void variables_load(struct variables *variables, const struct control *control, __u32 switches)
{
	variables_initialise(variables);
	for (int i = 0; i < VARIABLES; i++) {
		if (places[i].place == PLACE_CONTROL)
			memcpy(&variables->value[i], (const char *)control + places[i].where, sizeof(__u32));
		else if (places[i].place == PLACE_SWITCH_ON)
			variables->value[i] = (switches & places[i].where) / lowest_bit(places[i].where);
		else if (places[i].place == PLACE_SWITCH_OFF)
			variables->value[i] = !(switches & places[i].where);
	}
}

void variables_store(const struct variables *variables, struct control *control)
{
	for (int i = 0; i < VARIABLES; i++)
		if (places[i].place == PLACE_CONTROL)
			__atomic_store_n((__u32 *)(void *)((char *)control + places[i].where), variables->value[i],
					 __ATOMIC_RELAXED);
}

__u32 variables_switches(const struct variables *variables)
{
	__u32 switches = 0;

	for (int i = 0; i < VARIABLES; i++)
		if (places[i].place == PLACE_SWITCH_ON)
			switches |= variables->value[i] * lowest_bit(places[i].where);
		else if (places[i].place == PLACE_SWITCH_OFF && !variables->value[i])
			switches |= (__u32)places[i].where;
	return switches;
}
