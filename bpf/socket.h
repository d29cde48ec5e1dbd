/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns the socket that a packet belongs to: uid, gid, jail and sockarg (ipfw(8), RULE OPTIONS). Before this header
 * come the frames of the hook and socket_sender().
 */
#ifndef BPF_SOCKET_H
#define BPF_SOCKET_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/socket_owner.h"
#include "bpf/table_value.h"
#include "bpf/traced.h"
#include "ipfw/packet.h"
#include "maps/layout.h"

#define GROUPS_STEPS 17 /* of a search by halves among 65,536 supplementary groups */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HANDOVERS);
	__type(key, __u32);
	__type(value, struct socket_owner);
} socket_owners SEC(".maps");

/* The packet's element on this CPU, the same one as of struct handover; NULL only for the verifier. */
static __always_inline struct socket_owner *socket_owner_find(const struct packet *packet)
{
	__u32 key = packet_traced(packet) ? HANDOVER_TRACED : HANDOVER_NETWORK;

	return bpf_map_lookup_elem(&socket_owners, &key);
}

/* Notes for the kernel between which ends the flow is; without a peer, of a socket that listens. */
static __always_inline void socket_ask(struct bpf_sock_tuple *asked, const struct packet *packet, const __u32 *own,
				       __u16 own_port, const __u32 *peer, __u16 peer_port)
{
	if (packet->family == 4) {
		asked->ipv4.daddr = own[0];
		asked->ipv4.saddr = peer ? peer[0] : 0;
		asked->ipv4.dport = bpf_htons(own_port);
		asked->ipv4.sport = bpf_htons(peer_port);
		return;
	}
	__builtin_memcpy(asked->ipv6.daddr, own, sizeof(asked->ipv6.daddr));
	if (peer)
		__builtin_memcpy(asked->ipv6.saddr, peer, sizeof(asked->ipv6.saddr));
	else
		__builtin_memset(asked->ipv6.saddr, 0, sizeof(asked->ipv6.saddr));
	asked->ipv6.dport = bpf_htons(own_port);
	asked->ipv6.sport = bpf_htons(peer_port);
}

/* The socket of this end of the flow. `any_peer`: the one that listens there. The caller releases it. */
static __always_inline struct bpf_sock *socket_lookup(hook_context *context, const struct packet *packet,
						      struct socket_owner *owner, bool any_peer)
{
	struct bpf_sock_tuple *asked = &owner->asked;
	__u32 size = packet->family == 4 ? sizeof(asked->ipv4) : sizeof(asked->ipv6);

	if (packet->transmit_interface)
		socket_ask(asked, packet, packet->source, packet->source_port, any_peer ? NULL : packet->destination,
			   any_peer ? 0 : packet->destination_port);
	else
		socket_ask(asked, packet, packet->destination, packet->destination_port,
			   any_peer ? NULL : packet->source, any_peer ? 0 : packet->source_port);
	if (packet->protocol == IPPROTO_UDP)
		return any_peer ? NULL : bpf_sk_lookup_udp(context, asked, size, BPF_F_CURRENT_NETNS, 0);
	return bpf_sk_lookup_tcp(context, asked, size, BPF_F_CURRENT_NETNS, 0);
}

/*
 * Finds the socket of a packet, once per packet, and notes its owner in this CPU's socket_owners. Returns 1, or 0 when
 * there is none. Incoming: the connected socket, else the listening or bound one. Outgoing: the one that sent it;
 * nobody has sent a traced packet, whose socket is that which could have.
 */
__noinline int packet_socket(hook_context *context, struct packet *packet)
{
	struct socket_owner *owner = packet ? socket_owner_find(packet) : NULL;
	struct bpf_sock *found;
	bool owned = false;

	if (!packet || !owner)
		return 0;
	if (packet->socket)
		return packet->socket == PACKET_SOCKET_FOUND;
	packet->socket = PACKET_SOCKET_NONE;
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return 0;
	if (packet->transmit_interface && !packet_traced(packet)) {
		owned = socket_sender(context, owner);
	} else {
		found = socket_lookup(context, packet, owner, false);
		if (!found)
			return 0;
		owned = socket_owner_read(owner, found);
		bpf_sk_release(found);
	}
	if (owned)
		packet->socket = PACKET_SOCKET_FOUND;
	return owned;
}

/* For generated code, `uid`: 1 if the packet's socket belongs to the user. */
__noinline int packet_user(hook_context *context, struct packet *packet, __u32 user)
{
	struct socket_owner *owner = packet ? socket_owner_find(packet) : NULL;

	return packet && owner && packet_socket(context, packet) && owner->user == user;
}

/* For generated code, `sockarg`: 1 if the packet's socket has a mark. */
__noinline int packet_socket_marked(hook_context *context, struct packet *packet)
{
	struct socket_owner *owner = packet ? socket_owner_find(packet) : NULL;

	return packet && owner && packet_socket(context, packet) && owner->mark;
}

/* Likewise, for a rule that takes values out of tables: the mark stands for all of them. */
__noinline int packet_socket_value(hook_context *context, struct packet *packet)
{
	struct socket_owner *owner = packet ? socket_owner_find(packet) : NULL;

	if (!packet || !owner || !packet_socket(context, packet) || !owner->mark)
		return 0;
	table_keep_number(packet, TABLE_KEEP_ALL, owner->mark);
	return 1;
}

/*
 * A connection that no process has accepted yet has no credentials; those of the socket that listens there will be
 * its own.
 */
static __always_inline void socket_listener_credentials(hook_context *context, struct packet *packet,
							struct socket_owner *owner)
{
	struct bpf_sock *listener;

	if (packet->protocol != IPPROTO_TCP)
		return;
	listener = socket_lookup(context, packet, owner, true);
	if (!listener)
		return;
	socket_owner_read(owner, listener);
	bpf_sk_release(listener);
}

/* Whether the credentials at this address are of a member of the group: the effective one or a supplementary one. */
static __always_inline bool credentials_in_group(__u64 credentials, __u32 group)
{
	__u64 groups = kernel_word(credentials + kernel_fields.cred_group_info);
	__u32 low = 0, high = kernel_half(groups + kernel_fields.group_info_ngroups);

	if (kernel_half(credentials + kernel_fields.cred_fsgid) == group)
		return true;
	for (int step = 0; step < GROUPS_STEPS && low < high; step++) {
		__u32 middle = low + (high - low) / 2;
		__u32 one = kernel_half(groups + kernel_fields.group_info_gid + middle * sizeof(one));

		if (one == group)
			return true;
		if (one < group)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* For generated code, `gid`: 1 if the packet's socket was made by a member of the group. */
__noinline int packet_group(hook_context *context, struct packet *packet, __u32 group)
{
	struct socket_owner *owner = packet ? socket_owner_find(packet) : NULL;

	if (!packet || !owner || !packet_socket(context, packet))
		return 0;
	if (!owner->credentials)
		socket_listener_credentials(context, packet, owner);
	return owner->credentials && credentials_in_group(owner->credentials, group);
}

/* For generated code, `jail`: 1 if the packet's socket was made in the control group with this id, or below it. */
__noinline int packet_control_group(hook_context *context, struct packet *packet, __u64 id)
{
	struct socket_owner *owner = packet ? socket_owner_find(packet) : NULL;

	return packet && owner && packet_socket(context, packet) && control_group_within(owner->control_group, id);
}

/* Likewise, the group whose path has this number. */
__noinline int packet_control_group_path(hook_context *context, struct packet *packet, __u32 number)
{
	struct socket_owner *owner = packet ? socket_owner_find(packet) : NULL;

	return packet && owner && packet_socket(context, packet) &&
	       control_group_at(owner->control_group, number, &owner->path);
}

#endif
