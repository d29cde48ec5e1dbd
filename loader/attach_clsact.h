/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filters (clsact) of ours: one per direction and interface, at a fixed priority and handle. For kernels without TCX
 * (attach_tcx.h); with it, what an older version of the tool left behind.
 */
#ifndef LOADER_ATTACH_CLSACT_H
#define LOADER_ATTACH_CLSACT_H

#include <linux/types.h>
#include <stdbool.h>

#include "loader/entry.h"

/* Reads the id of the program in our place. Returns 0, -ENOENT (no filter there), -EINVAL (not even a clsact qdisc) or
 * another -errno. */
int clsact_query(int ifindex, enum tc_direction direction, __u32 *program);

/* Adds the clsact qdisc. Returns 0, -EEXIST when there is one, or another -errno. */
int clsact_make(int ifindex);

/* Puts `program_fd` into our place, at once instead of a program that is there. Writes its id. Returns 0 or -errno. */
int clsact_attach(int ifindex, enum tc_direction direction, int program_fd, __u32 *program);

/* Removes our filter; other filters stay. Returns 0 (also when there was none) or -errno. */
int clsact_detach(int ifindex, enum tc_direction direction);

/* Removes the clsact qdisc if no filter is left in it. Returns 0 or -errno. */
int clsact_remove_empty(int ifindex);

#endif
