/* SPDX-License-Identifier: GPL-2.0-only */
/* What became of the rules of a generation, for `status -v`: from the plans into a map, and from there on paper. */
#ifndef LOADER_STRETCH_NOTES_H
#define LOADER_STRETCH_NOTES_H

#include <stddef.h>
#include <stdio.h>

#include "maps/layout.h"

struct plan;

/* Of one hook; the owner frees `note`. */
struct stretch_notes {
	struct stretch_note *note;
	size_t count;
};

/* Notes the plan of a hook (enum hook). Returns 0 or -ENOMEM. */
int stretch_notes_take(struct stretch_notes *notes, const struct plan *plan, int hook);
/* Writes the notes of `hooks` hooks into the map "stretches". Returns 0 or -errno. */
int stretch_notes_write(int map, const struct stretch_notes *notes, size_t hooks);
/* Prints those of the map, with the names of the hooks' programs. */
void stretch_notes_print(int map, const char *const *programs, FILE *out);

#endif
