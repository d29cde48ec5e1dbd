/* SPDX-License-Identifier: GPL-2.0-only */
/* How long a state lives (ipfw(8), SYSCTL VARIABLES, dyn_*_lifetime), and what packets change in it. */
#ifndef BPF_STATE_LIFE_H
#define BPF_STATE_LIFE_H

#include <linux/in.h>

#include "bpf/maps_states.h"
#include "bpf/traced.h"
#include "ipfw/limits.h"
#include "ipfw/packet.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define BOTH_SYN (TCP_SYN | TCP_SYN << STATE_BACKWARD_SHIFT)
#define BOTH_FIN (TCP_FIN | TCP_FIN << STATE_BACKWARD_SHIFT)
#define BOTH_TCP_FLAGS (STATE_TCP_FLAGS | STATE_TCP_FLAGS << STATE_BACKWARD_SHIFT)
#define BOTH_ACK (STATE_ACK_FORWARD | STATE_ACK_BACKWARD)

#define LIFETIME_UNCHANGED 0xffffffff

static __always_inline __u32 closing_lifetime(__u32 seconds)
{
	return seconds < KEEPALIVE_PERIOD ? seconds : KEEPALIVE_PERIOD - 1;
}

/*
 * Notes a packet's acknowledgment, if it is not behind an earlier one of its direction. Returns the new state.flags: as
 * in ipfw, both acknowledgments refresh the state, and the one of this packet counts for the next time.
 */
static __always_inline __u32 state_acknowledge(struct state *state, const struct packet *packet, bool forward,
					       __u32 flags, __u32 *lifetime, const struct control *settings)
{
	__u32 *ack = forward ? &state->ack[0] : &state->ack[1], bit = forward ? STATE_ACK_FORWARD : STATE_ACK_BACKWARD;

	if (!(packet->flags & PACKET_TCP) || (*ack && (__s32)(packet->tcp_acknowledgment - *ack) < 0))
		return flags;
	if (*ack != packet->tcp_acknowledgment)
		*ack = packet->tcp_acknowledgment;
	if (((flags | bit) & BOTH_ACK) != BOTH_ACK)
		return flags | bit;
	*lifetime = settings->dyn_ack_lifetime;
	return flags ^ BOTH_ACK;
}

/* Takes a TCP packet's flags and acknowledgment into the state. Returns its new lifetime in seconds, or UNCHANGED. */
static __always_inline __u32 state_tcp(struct state *state, const struct packet *packet, bool forward,
				       const struct control *settings)
{
	__u32 old = state->flags, seen = packet->tcp_flags & STATE_TCP_FLAGS, lifetime = LIFETIME_UNCHANGED, flags;

	flags = old | (forward ? seen : seen << STATE_BACKWARD_SHIFT);
	switch (flags & BOTH_TCP_FLAGS) {
	case TCP_SYN:
		lifetime = settings->dyn_syn_lifetime;
		break;
	case BOTH_SYN:
	case BOTH_SYN | TCP_FIN:
	case BOTH_SYN | TCP_FIN << STATE_BACKWARD_SHIFT:
		flags = state_acknowledge(state, packet, forward, flags, &lifetime, settings);
		break;
	case BOTH_SYN | BOTH_FIN:
		lifetime = closing_lifetime(settings->dyn_fin_lifetime);
		break;
	default:
		lifetime = closing_lifetime(settings->dyn_rst_lifetime);
	}
	if (flags & ~old)
		__sync_fetch_and_or(&state->flags, flags & ~old);
	if (old & ~flags)
		__sync_fetch_and_and(&state->flags, ~(old & ~flags));
	return lifetime;
}

/* A lifetime that is not TCP's, in seconds. */
static __always_inline __u32 plain_lifetime(const struct packet *packet, const struct control *settings)
{
	return packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_UDPLITE ? settings->dyn_udp_lifetime
										      : settings->dyn_short_lifetime;
}

/* Seconds that a state lives that this packet makes. */
static __always_inline __u32 first_lifetime(const struct packet *packet, const struct control *settings)
{
	if (packet->protocol != IPPROTO_TCP)
		return plain_lifetime(packet, settings);
	if ((packet->tcp_flags & STATE_TCP_FLAGS) == TCP_SYN)
		return settings->dyn_syn_lifetime;
	return closing_lifetime(settings->dyn_rst_lifetime);
}

/* Counts a packet of the state's flow, and lets the state live on. Traced packets change nothing. */
static __always_inline void state_refresh(struct state *state, const struct packet *packet, bool forward, __u32 now,
					  const struct control *settings)
{
	__u32 lifetime, expire;

	if (packet_traced(packet))
		return;
	lifetime = packet->protocol == IPPROTO_TCP ? state_tcp(state, packet, forward, settings)
						   : plain_lifetime(packet, settings);
	expire = now + lifetime * settings->jiffies_per_second;
	if (lifetime != LIFETIME_UNCHANGED && state->expire != expire)
		state->expire = expire;
	__sync_fetch_and_add(&state->bytes, packet->bytes);
	__sync_fetch_and_add(&state->packets, packet->segments);
}

#endif
