// SPDX-License-Identifier: GPL-2.0-only
/* Linked to TC programs whose rules ask for IPsec. */
#include "bpf/frame_tc.h"

#include "ipfw/packet.h"

/* For generated code, `ipsec`: 1 if the packet has gone through IPsec on its way in. */
__noinline int packet_ipsec(struct __sk_buff *context, struct packet *packet)
{
	struct bpf_xfrm_state state = {};

	return !bpf_skb_get_xfrm_state(context, 0, &state, sizeof(state), 0);
}
