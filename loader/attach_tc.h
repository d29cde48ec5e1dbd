/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our TC entries, one per direction and interface: by TCX (attach_tcx.h) where the kernel has it, else by clsact
 * (attach_clsact.h). What is attached by the latter on a kernel with TCX is of another version of the tool, and moves.
 */
#ifndef LOADER_ATTACH_TC_H
#define LOADER_ATTACH_TC_H

#include "loader/entry.h"

/* Reads whether program `id` is attached as it should be. Returns 0, -EINVAL (neither TCX nor a clsact qdisc) or
 * -errno. */
int tc_attached(int ifindex, enum tc_direction direction, __u32 id, bool *attached);

/*
 * Attaches `entry` in its direction, instead of an entry of ours that is there: every packet meets one of them, and no
 * packet meets two. Writes its id. Returns 0, or -errno with an entry that was there in force.
 */
int tc_attach(struct entries *entries, int ifindex, enum tc_entry entry, __u32 *id);

/* Removes our entries; other programs stay. Returns 0 (also when there was none) or -errno. */
int tc_detach(const struct entries *entries, int ifindex, enum tc_direction direction);

#endif
