/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From frame to packet descriptor, in a rules program. An ordinary frame takes the path of parse_fast.h, which only
 * reads directly accessible bytes; whatever is rare in it makes the frame go to the slow parser (handover.h). Before
 * this header come those of the hook: its frames and its programs.
 */
#ifndef BPF_PARSE_H
#define BPF_PARSE_H

#include "bpf/drop.h"
#include "bpf/handover.h"
#include "bpf/maps_ruleset.h"
#include "bpf/needs.h"
#include "bpf/parse_fast.h"
#include "bpf/trace.h"

/* Drops a frame that no rule can be asked about. */
static __always_inline void parse_failed(hook_context *context, __u32 reason)
{
	if (frame_traced(context))
		trace_drop(reason);
	else
		count_drop(reason, frame_length(context));
}

enum exchange_result {
	EXCHANGE_IMPOSSIBLE, /* no generation that knows the interface */
	EXCHANGE_TAKEN,	     /* the packet is complete */
	EXCHANGE_LEFT_EVEN,  /* the slow parser of an even generation is to be asked */
	EXCHANGE_LEFT_ODD,
};

/*
 * Takes the slow parser's answer, or leaves the packet, of which the interfaces are filled in, for it. Returns enum
 * exchange_result. Global, so that the verifier walks it once and not from each place where parse_fast() gives up.
 */
__noinline int exchange(hook_context *context, struct packet *packet)
{
	const struct interface_entry *interface;
	struct handover *handed = handover_find(frame_traced(context));

	if (!packet || !handed)
		return EXCHANGE_IMPOSSIBLE;
	interface = interface_find(packet->interface);
	if (!interface)
		return EXCHANGE_IMPOSSIBLE;
	if (handover_take(handed, interface, packet))
		return EXCHANGE_TAKEN;
	handover_leave(handed, interface, packet, packet_needs);
	return EXCHANGE_LEFT_EVEN + (interface->generation & 1);
}

/*
 * Fills the descriptor of an ordinary frame that came in by `receive` (ifindex, 0: it is this machine's own) and is
 * about to leave by `transmit`, or by none on `input`, which is constant. Returns false for any other frame.
 */
static __always_inline bool parse_ordinary(hook_context *context, __u32 receive, __u32 transmit, bool input,
					   struct packet *packet)
{
	__u32 index = input ? receive : transmit;
	const struct interface_entry *interface = interface_find(index);

	*packet = (struct packet){
		.interface = index,
		.receive_interface = receive,
		.transmit_interface = transmit,
	};
	return interface && parse_fast(context, interface, input, packet_needs, packet);
}

/*
 * Likewise for all frames. Where the slow parser is needed, the program ends here and starts again. Returns false for a
 * frame to be dropped; it is counted.
 */
static __always_inline bool parse(hook_context *context, __u32 receive, __u32 transmit, bool input,
				  struct packet *packet)
{
	int result;

	if (parse_ordinary(context, receive, transmit, input, packet))
		return true;
	result = exchange(context, packet);
	if (result == EXCHANGE_TAKEN)
		return true;
	if (result != EXCHANGE_IMPOSSIBLE)
		jump_to_slow(context, result - EXCHANGE_LEFT_EVEN);
	parse_failed(context, DROP_NO_RULESET);
	return false;
}

#endif
