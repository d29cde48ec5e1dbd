// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TC programs that stay attached. They know control and program slots alone: what belongs to a generation
 * is the business of the programs they jump to, so that a commit never touches them.
 *
 *   tc_egress_entry   every interface, `out`
 *   tc_ingress_entry  interfaces without XDP: `in` runs here
 *   tc_left_entry     interfaces whose XDP program leaves something in front of packets: sends the replies, gives
 *                     packets what they take along, passes all else
 */
#include "bpf/frame_tc.h"

#include "bpf/drop.h"
#include "bpf/marks.h"
#include "bpf/programs_tc.h"
#include "bpf/reply_back.h"
#include "bpf/verifier.h"

#define LOOPBACK_INDEX 1	   /* in every network namespace */
#define JUDGED_WORD TRACE_TAG_WORD /* of the context's `cb`: entries see no traced frames */

/*
 * Jumps to the active generation; an empty slot drops: fail closed. `even` and `odd`, its two slots, are
 * constants, which makes the jumps direct ones.
 */
static __always_inline int enter(struct __sk_buff *context, const struct control *settings, __u32 even, __u32 odd)
{
	if (!settings->enabled)
		return TC_ACT_UNSPEC;
	if (settings->generation & 1) {
		bpf_tail_call(context, &tc_programs, odd);
		keep_apart(1);
	} else {
		bpf_tail_call(context, &tc_programs, even);
		keep_apart(0);
	}
	count_drop(DROP_NO_RULESET, context->len);
	return TC_ACT_SHOT;
}

/* Where this program runs; the loader writes it before it is loaded (loader/entry.c). */
const volatile bool at_tcx SEC(".rodata.place") = false;

/*
 * Whether an entry at TCX has judged this packet here: then this is a filter that is about to be removed, and the
 * packet shall meet the rules once. TCX runs before filters, and leaves a word that nobody outside can know; `input` is
 * constant.
 */
static __always_inline bool judged(struct __sk_buff *context, const struct control *settings, bool input)
{
	__u32 word = settings->reply_mark ^ context->ifindex ^ (input ? 1U << 31 : 0);

	if (!at_tcx)
		return context->cb[JUDGED_WORD] == word;
	context->cb[JUDGED_WORD] = word;
	return false;
}

/*
 * Takes the order for a reply that XDP has written in front of the packet, if there is one. A mark that does
 * not match is somebody else's metadata.
 */
static __always_inline bool reply_ordered(struct __sk_buff *context, const struct control *settings,
					  struct reply *reply)
{
	struct packet_metadata *metadata = (void *)(long)context->data_meta;

	if ((void *)(metadata + 1) > (void *)(long)context->data || metadata->mark != settings->reply_mark)
		return false;
	*reply = metadata->reply;
	/* Between XDP and here the kernel has moved the outer VLAN tag out of the frame. */
	if (context->vlan_present && reply->network_offset >= ETH_HLEN + VLAN_TAG_BYTES) {
		reply->network_offset -= VLAN_TAG_BYTES;
		reply->transport_offset -= VLAN_TAG_BYTES;
	}
	return true;
}

/* Whether the firewall itself sent this frame, one without link header; the mark has then done its work. */
static __always_inline bool marked_as_own(struct __sk_buff *context, const struct control *settings)
{
	if (!settings->reply_mark || context->mark != settings->reply_mark)
		return false;
	context->mark = 0;
	return true;
}

/*
 * Whether this is a keepalive, sent by a socket with a priority that nobody else knows (loader/keepalive.c): a mark
 * could mislead the routing. What goes out on loopback comes in there from the link address that our own hooks let in.
 */
static __always_inline bool keepalive(struct __sk_buff *context, const struct control *settings)
{
	if (context->priority != settings->reply_mark)
		return false;
	context->priority = 0;
	if (context->ifindex == LOOPBACK_INDEX)
		frame_store(context, offsetof(struct ethhdr, h_source), (void *)settings->reply_mac, ETH_ALEN);
	return true;
}

/* Gives the packet what it takes along, before a route is chosen. */
static __always_inline void marks_apply(struct __sk_buff *context, const struct control *settings)
{
	struct packet_marks marks;

	if (marks_find(context, settings, &marks))
		mark_change(context, (__u32)marks.mask << 16, (__u32)marks.mark << 16);
}

/*
 * What is done on the way in before any rule or mark: the firewall's own frames pass, and answers that were ordered in
 * front of the packet go back. Returns whether that was all; `action` is then what the program answers.
 */
static __always_inline bool settled_before_rules(struct __sk_buff *context, const struct control *settings, int *action)
{
	struct reply reply;

	*action = TC_ACT_UNSPEC;
	if (judged(context, settings, true) || marked_as_own(context, settings))
		return true;
	if (!reply_ordered(context, settings, &reply))
		return false;
	*action = reply_back(context, &reply);
	return true;
}

SEC("tc")
int tc_egress_entry(struct __sk_buff *context)
{
	const struct control *settings = control_find();

	if (!settings)
		return TC_ACT_SHOT;
	if (judged(context, settings, false) || marked_as_own(context, settings) || keepalive(context, settings))
		return TC_ACT_UNSPEC;
	return enter(context, settings, TC_SLOT_EGRESS(0), TC_SLOT_EGRESS(1));
}

SEC("tc")
int tc_ingress_entry(struct __sk_buff *context)
{
	const struct control *settings = control_find();
	int action;

	if (!settings)
		return TC_ACT_SHOT;
	if (settled_before_rules(context, settings, &action))
		return action;
	return enter(context, settings, TC_SLOT_INGRESS(0), TC_SLOT_INGRESS(1));
}

SEC("tc")
int tc_left_entry(struct __sk_buff *context)
{
	const struct control *settings = control_find();
	int action;

	if (!settings)
		return TC_ACT_SHOT;
	if (settled_before_rules(context, settings, &action))
		return action;
	marks_apply(context, settings);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
