// SPDX-License-Identifier: GPL-2.0-only
/* Linked to XDP programs whose rules ask for owners of sockets. */
#include "bpf/frame_xdp.h"
#include "bpf/socket_owner.h"

/* Nothing is sent through XDP. */
static __always_inline bool socket_sender(struct xdp_md *context, struct socket_owner *owner)
{
	return false;
}

#include "bpf/socket.h"
#include "bpf/socket_key.h"
