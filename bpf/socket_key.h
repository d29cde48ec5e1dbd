/* SPDX-License-Identifier: GPL-2.0-only */
/* What `lookup uid' and `lookup jail' look up in tables, for generated code. After bpf/socket.h. */
#ifndef BPF_SOCKET_KEY_H
#define BPF_SOCKET_KEY_H

#include "ipfw/control_group.h"

/* The user that the packet's socket belongs to, -1: it has none. */
__noinline __s64 packet_user_key(hook_context *context, struct packet *packet)
{
	struct socket_owner *owner = packet ? socket_owner_find(packet) : NULL;

	return packet && owner && packet_socket(context, packet) ? (__s64)owner->user : -1;
}

/*
 * The id of the control group that the packet's socket was made in, or of the one so many levels above it:
 * CONTROL_GROUP_NONE if there is none, CONTROL_GROUP_NO_KEY if its id is no number of a table.
 */
__noinline __s64 packet_control_group_key(hook_context *context, struct packet *packet, __u32 above)
{
	struct socket_owner *owner = packet ? socket_owner_find(packet) : NULL;
	__u64 id;
	__s32 level;

	if (!packet || !owner || !packet_socket(context, packet))
		return CONTROL_GROUP_NONE;
	level = control_group_level(owner->control_group) - (__s32)above;
	if (level < 0)
		return CONTROL_GROUP_NONE;
	id = kernel_word(control_group_node(owner->control_group, level) + kernel_fields.kernfs_node_id);
	return id > 0xffffffff ? CONTROL_GROUP_NO_KEY : (__s64)id;
}

#endif
