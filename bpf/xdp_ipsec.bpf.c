// SPDX-License-Identifier: GPL-2.0-only
/* Linked to XDP programs whose rules ask for IPsec. */
#include "bpf/frame_xdp.h"

#include "ipfw/packet.h"

/* As in tc_ipsec.bpf.c. What comes to XDP has not been decrypted yet. */
__noinline int packet_ipsec(struct xdp_md *context, struct packet *packet)
{
	return 0;
}
