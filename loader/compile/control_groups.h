/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control groups (`jail`). A number is the id of one. A path names whatever group is found there when a packet comes:
 * services get a new group, with another id, whenever they start. Programs therefore compare names.
 */
#ifndef COMPILE_CONTROL_GROUPS_H
#define COMPILE_CONTROL_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "ipfw/control_group.h"
#include "ipfw/rule.h"

/* The paths of all `jail` options of a ruleset; each one's index is its number in the programs. */
struct control_groups {
	const char **paths; /* the array is owned, the texts are the ruleset's */
	size_t count;
};

/* Whether the argument of `jail` is a number; *id is set to it then. */
bool control_group_number(const char *text, __u64 *id);

/*
 * Takes a path apart; it is from the root of the control group file system, or an absolute one with /sys/fs/cgroup.
 * Returns 0, or -ENAMETOOLONG if it has more than CONTROL_GROUP_PARTS parts or too long a one.
 */
int control_group_split(struct control_group_path *path, const char *text);

/* Collects the paths. Returns 0, -ENOMEM or -ENAMETOOLONG (see above), with nothing to free. */
int control_groups_collect(struct control_groups *groups, const struct ruleset *ruleset);
void control_groups_free(struct control_groups *groups);

/* The number of a path that was collected: of the very text in the ruleset. */
size_t control_groups_find(const struct control_groups *groups, const char *text);

#endif
