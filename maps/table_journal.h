/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a change of tables leaves to be done should its maker die: notes of tables are written here first, and count
 * from the moment on at which table_slots.next is in force (maps/layout.h).
 */
#ifndef MAPS_TABLE_JOURNAL_H
#define MAPS_TABLE_JOURNAL_H

#include "maps/tables.h"

/* table_slots in memory, or NULL with errno set. */
struct table_slots *table_slots_map(const struct lasting *lasting, bool write);
void table_slots_unmap(const struct table_slots *slots);

/* The epoch that is in force, and whether the journal is. */
__u32 table_slots_epoch(const struct table_slots *slots, const struct lasting *lasting);
bool table_journal_counts(const struct table_slots *slots, const struct lasting *lasting);

/* Notes what is to become of the tables that have changed or go. Returns 0 or -errno. */
int table_journal_write(const struct tables *tables, const struct lasting *lasting);

/* Makes the notes of tables what the journal says. Returns 0 or -errno; it can be done again. */
int table_journal_apply(const struct lasting *lasting);

/* Removes the journal. Returns 0 or -errno. */
int table_journal_clear(const struct lasting *lasting);

#endif
