// SPDX-License-Identifier: GPL-2.0-only
/* Linked to TC programs whose rules ask for owners of sockets. */
#include "bpf/frame_tc.h"
#include "bpf/socket_owner.h"

/*
 * Notes who owns the socket that sent the packet; false if there is none. What answers a connection request is the
 * listening socket, for its part.
 */
static __always_inline bool socket_sender(struct __sk_buff *context, struct socket_owner *owner)
{
	struct bpf_sock *sender = context->sk, *full;

	if (!sender)
		return false;
	full = bpf_sk_fullsock(sender);
	if (!full)
		full = bpf_get_listener_sock(sender);
	return full && socket_owner_read(owner, full);
}

#include "bpf/socket.h"
#include "bpf/socket_key.h"
