/* SPDX-License-Identifier: GPL-2.0-only */
/* The path of a control group, as the loader hands it to the programs that look for it (`jail`). */
#ifndef IPFW_CONTROL_GROUP_H
#define IPFW_CONTROL_GROUP_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define CONTROL_GROUP_PARTS 12
#define CONTROL_GROUP_PART_BYTES 128
/* How many groups `lookup jail' looks up, from the socket's upwards. */
#define CONTROL_GROUP_LEVELS_LOOKED_UP (CONTROL_GROUP_PARTS + 1)

/* What packet_control_group_key() (bpf/socket_key.h) returns in place of an id. */
#define CONTROL_GROUP_NONE (-1)
#define CONTROL_GROUP_NO_KEY (-2)

struct control_group_part {
	char name[CONTROL_GROUP_PART_BYTES]; /* NUL-terminated */
};

/* "control_groups" of a program, ARRAY, by the number that the plan gave to the path. */
struct control_group_path {
	__u32 parts;					     /* 0: the root */
	struct control_group_part part[CONTROL_GROUP_PARTS]; /* the first one is below the root */
};

#endif
