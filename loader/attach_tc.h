/* SPDX-License-Identifier: GPL-2.0-only */
/* TC filters (clsact) of ours: one per direction and interface, at a fixed priority and handle. */
#ifndef LOADER_ATTACH_TC_H
#define LOADER_ATTACH_TC_H

#include <linux/types.h>
#include <stdbool.h>

enum tc_direction { TC_INGRESS, TC_EGRESS, TC_DIRECTIONS };

/* Reads the id of the program in our place. Returns 0, -ENOENT (no filter there), -EINVAL (not even a clsact qdisc) or
 * another -errno. */
int tc_query(int ifindex, enum tc_direction direction, __u32 *program);

/* Adds the clsact qdisc. Returns 0, -EEXIST when there is one, or another -errno. */
int tc_make_clsact(int ifindex);

/* Puts `program_fd` into our place, at once instead of a program that is there. Writes its id. Returns 0 or -errno. */
int tc_attach(int ifindex, enum tc_direction direction, int program_fd, __u32 *program);

/* Removes our filter; other filters stay. Returns 0 (also when there was none) or -errno. */
int tc_detach(int ifindex, enum tc_direction direction);

/* Removes the clsact qdisc if no filter is left in it. Returns 0 or -errno. */
int tc_remove_empty_clsact(int ifindex);

#endif
