/* SPDX-License-Identifier: GPL-2.0-only */
/* The inner maps of tables: made, filled, read and put into slots. */
#ifndef MAPS_TABLE_CONTENTS_H
#define MAPS_TABLE_CONTENTS_H

#include "maps/tables.h"

/* A descriptor of the map that a slot holds, or -errno. */
int table_contents_open(const struct lasting *lasting, const struct table_kind *kind, __u32 slot);

/* Empties a slot. */
void table_contents_drop(const struct lasting *lasting, unsigned int type, __u32 slot);

/*
 * Calls `each` for every entry of a map of this kind, until it returns another value than 0, which is returned. -errno
 * on failure.
 */
int table_contents_each(const struct table_kind *kind, int fd,
			int (*each)(void *argument, const struct table_key *key, const struct table_record *record),
			void *argument);

/* Makes the edits of `table` in the maps of its slot. Returns 0, -E2BIG if one is full, or another -errno. */
int table_contents_edit(const struct lasting *lasting, const struct table *table, const struct table_present *present,
			size_t present_count);

/* Makes new maps of the contents that `table` is to have and puts them into `slot`. Returns 0 or -errno. */
int table_contents_build(const struct lasting *lasting, const struct table *table, __u32 slot,
			 const struct table_present *present, size_t present_count);

/* Has the entries of a map of type iface mean the interfaces that are there. Returns 0 or -errno. */
int table_contents_refresh(int fd, const struct table_present *present, size_t present_count);

#endif
