/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slow parser: frames with VLAN tags, IP options, extension headers, fragments, super-packets, rare protocols and
 * link layers. Before it come the headers of the hook: its frames and its programs.
 *
 * Malformed and truncated packets are dropped here, before any rule, and counted by reason.
 */
#ifndef BPF_SLOW_H
#define BPF_SLOW_H

#include "bpf/drop.h"
#include "bpf/link_parse.h"
#include "bpf/maps_control.h"
#include "bpf/parse_ip4.h"
#include "bpf/parse_ip6.h"
#include "bpf/segments.h"
#include "bpf/trace.h"

/* No IP header that can be read, shown to the rules all the same: recordings only. */
static __always_inline int parse_unreadable(struct packet *packet, int reason)
{
	if (!unvalidated())
		return -reason;
	packet->family = 0;
	packet->bytes = 0;
	return PARSE_RULES;
}

/*
 * Everything that parse_fast() did not take. Fills the descriptor, of which only the interfaces are read; `needs` is
 * the packet_needs of the rules program. Returns enum parse_result or -enum drop_reason.
 */
static __always_inline int parse_slow(hook_context *context, const struct interface_entry *interface,
				      struct packet *packet, __u32 needs)
{
	int protocol, result;

	*packet = (struct packet){
		.interface = packet->interface,
		.receive_interface = packet->receive_interface,
		.transmit_interface = packet->transmit_interface,
	};
	packet->segments = frame_traced(context) ? 0 : 1;
	protocol = link_parse(context, interface, !packet->transmit_interface, packet);
	if (protocol < 0)
		return PARSE_PASS - protocol;
	packet->ether_type = protocol;
	packet->layers = link_layers(interface, protocol, needs);
	if (!packet->layers)
		return PARSE_PASS + (protocol == ETH_P_IP || protocol == ETH_P_IPV6 ? PASS_SWITCHED_OFF : PASS_NOT_IP);
	if (protocol == ETH_P_IP)
		result = parse_ip4(context, packet);
	else if (protocol == ETH_P_IPV6)
		result = parse_ip6(context, packet);
	else
		return PARSE_RULES;
	if (result == PARSE_UNREADABLE_SHORT)
		return parse_unreadable(packet, DROP_TRUNCATED);
	if (result == PARSE_UNREADABLE_VERSION)
		return parse_unreadable(packet, DROP_MALFORMED);
	if (result == PARSE_RULES && !packet_traced(packet))
		segments_count(context, packet, interface->mtu);
	return result;
}

/*
 * Parses the frame that a rules program has handed over and jumps back there. Returns the hook's action for a frame
 * that meets no rule.
 */
static __always_inline int slow(hook_context *context)
{
	struct handover *handed = handover_find(frame_traced(context));
	int result;

	if (!handed)
		return HOOK_DROP;
	result = parse_slow(context, &handed->interface, &handed->packet, handed->needs);
	if (result >= PARSE_PASS) {
		if (packet_traced(&handed->packet))
			trace_pass(result - PARSE_PASS);
		return HOOK_PASS;
	}
	if (result == PARSE_RULES) {
		handed->answered = 1;
		jump_to_rules(context, handed);
		handed->answered = 0;
		result = -DROP_NO_RULESET;
	}
	if (packet_traced(&handed->packet))
		trace_drop(-result);
	else
		count_drop(-result, frame_length(context));
	return HOOK_DROP;
}

#endif
