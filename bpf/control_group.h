/* SPDX-License-Identifier: GPL-2.0-only */
/* Control groups by id and by path. Groups are addresses of the kernel's struct cgroup. */
#ifndef BPF_CONTROL_GROUP_H
#define BPF_CONTROL_GROUP_H

#include <stdbool.h>

#include "bpf/kernel_fields.h"
#include "ipfw/control_group.h"

#define CONTROL_GROUP_LEVELS 64 /* below the root that a group may lie whose id is asked for */

/* The paths that rules ask for; the loader sets the size and fills it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control_group_path);
} control_groups SEC(".maps");

/*
 * What has been found out of a group and a path. Neither id nor path of a group ever change. Where the map is full,
 * names are compared for each packet.
 */
struct control_group_answer {
	__u64 group;  /* id */
	__u32 number; /* of the path */
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct control_group_answer);
	__type(value, __u32);
} control_group_answers SEC(".maps");

/* What a look-up of a path works with, in a map: there is little left of the stack. */
struct control_group_scratch {
	struct control_group_answer key;
	__u32 answer;
	struct control_group_part part;
};

/* How far below the root a group is. */
static __always_inline __s32 control_group_level(__u64 group)
{
	return (__s32)kernel_half(group + kernel_fields.cgroup_level);
}

/* The file system's node of the group `level` levels below the root that `group` is in, or is. */
static __always_inline __u64 control_group_node(__u64 group, __s32 level)
{
	__u64 above = kernel_word(group + kernel_fields.cgroup_ancestors + level * sizeof(__u64));

	return kernel_word(above + kernel_fields.cgroup_kn);
}

/* Whether the group has this id, or is below the one that has it. */
static __always_inline bool control_group_within(__u64 group, __u64 id)
{
	__s32 level = control_group_level(group);

	for (int step = 0; step < CONTROL_GROUP_LEVELS && level >= 0; step++, level--)
		if (kernel_word(control_group_node(group, level) + kernel_fields.kernfs_node_id) == id)
			return true;
	return false;
}

/*
 * Whether the group is, or is below, one whose name is that part of the path with this number. Global, so that the
 * verifier walks it once.
 */
__noinline int control_group_named(__u64 group, __u32 number, __u32 part, struct control_group_scratch *scratch)
{
	struct control_group_path *path = bpf_map_lookup_elem(&control_groups, &number);
	const char *wanted;
	__u64 text;

	if (!path || !scratch || part >= CONTROL_GROUP_PARTS)
		return 0;
	wanted = path->part[part].name;
	barrier_var(wanted); /* older verifiers forget the bounds of a number that is put away meanwhile */
	text = kernel_word(control_group_node(group, (__s32)part + 1) + kernel_fields.kernfs_node_name);
	if (bpf_probe_read_kernel_str(&scratch->part, sizeof(scratch->part), (const void *)text) < 0)
		return 0;
	for (int i = 0; i < CONTROL_GROUP_PART_BYTES; i++) {
		if (scratch->part.name[i] != wanted[i])
			return 0;
		if (!wanted[i])
			return 1;
	}
	return 0;
}

/* Whether the group is at the path with this number, or below. */
static __always_inline bool control_group_compare(__u64 group, __u32 number, struct control_group_scratch *scratch)
{
	struct control_group_path *path = bpf_map_lookup_elem(&control_groups, &number);
	__u32 parts;

	if (!path || control_group_level(group) < (__s32)path->parts)
		return false;
	parts = path->parts;
	for (__u32 part = 0; part < CONTROL_GROUP_PARTS; part++) {
		if (part == parts)
			return true;
		if (!control_group_named(group, number, part, scratch))
			return false;
	}
	return parts == CONTROL_GROUP_PARTS;
}

/* Likewise, asked again and again. */
static __always_inline bool control_group_at(__u64 group, __u32 number, struct control_group_scratch *scratch)
{
	__u64 node = kernel_word(group + kernel_fields.cgroup_kn);
	__u32 *known;

	scratch->key.group = kernel_word(node + kernel_fields.kernfs_node_id);
	scratch->key.number = number;
	known = bpf_map_lookup_elem(&control_group_answers, &scratch->key);
	if (known)
		return *known;
	scratch->answer = control_group_compare(group, number, scratch);
	bpf_map_update_elem(&control_group_answers, &scratch->key, &scratch->answer, BPF_ANY);
	return scratch->answer;
}

#endif
