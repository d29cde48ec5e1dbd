/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs a loaded program on a frame that is marked as traced (bpf/trace.h). */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "loader/explain.h"

#define LOOPBACK_INDEX 1

static void prepare_xdp(const struct control *control, const struct explain_place *place, const __u8 *frame,
			struct explain *explain, struct explain_run *run)
{
	struct trace_mark mark = {.reply_mark = control->reply_mark};
	__u8 *marked = explain->before + sizeof(mark);

	memcpy(mark.reply_mac, control->reply_mac, ETH_ALEN);
	memcpy(marked, frame, run->length);
	if (place->ethernet && run->length >= ETH_HLEN) {
		memcpy(mark.source_mac, frame + ETH_ALEN, ETH_ALEN);
		memcpy(marked + ETH_ALEN, control->reply_mac, ETH_ALEN);
	}
	memcpy(explain->before, &mark, sizeof(mark));
	run->mark = sizeof(mark);
	run->xdp = (struct xdp_md){
		.data = sizeof(mark),
		.data_end = (__u32)(sizeof(mark) + run->length),
		/* The kernel takes 0 for the loopback interface, and nothing else. */
		.ingress_ifindex = place->interface == LOOPBACK_INDEX ? 0 : (__u32)place->interface,
	};
}

#define TAG_PLACE (2 * ETH_ALEN) /* of the outer VLAN tag in a frame */
#define TAG_BYTES 4

static bool is_tagged(const __u8 *frame, size_t length)
{
	__u16 type;

	if (length < TAG_PLACE + TAG_BYTES)
		return false;
	memcpy(&type, frame + TAG_PLACE, sizeof(type));
	return type == htons(ETH_P_8021Q) || type == htons(ETH_P_8021AD);
}

/* The kernel keeps the outer VLAN tag beside the frame: takes it out of the one in explain->before. */
static void take_tag(struct explain *explain, struct explain_run *run)
{
	__u8 *tag = explain->before + TAG_PLACE;

	if (!is_tagged(explain->before, run->length))
		return;
	memcpy(run->tag, tag, TAG_BYTES);
	run->skb.cb[TRACE_TAG_WORD] = TRACE_TAG_PRESENT | (__u32)tag[2] << 8 | tag[3];
	run->length -= TAG_BYTES;
	memmove(tag, tag + TAG_BYTES, run->length - TAG_PLACE);
}

/* Puts it back into the one in explain->after. */
static void give_tag(struct explain *explain, struct explain_run *run)
{
	__u8 *tag = explain->after + TAG_PLACE;

	if (!(run->skb.cb[TRACE_TAG_WORD] & TRACE_TAG_PRESENT) || run->length < TAG_PLACE)
		return;
	memmove(tag + TAG_BYTES, tag, run->length - TAG_PLACE);
	memcpy(tag, run->tag, TAG_BYTES);
	run->length += TAG_BYTES;
}

static void prepare_tc(const struct control *control, const struct explain_place *place, const __u8 *frame,
		       struct explain *explain, struct explain_run *run)
{
	struct trace_mark mark = {.reply_mark = control->reply_mark};
	struct ethhdr *ethernet = (struct ethhdr *)explain->before;
	size_t header = place->ethernet ? 0 : sizeof(*ethernet);

	/* A test run at TC wants an Ethernet header, also where there is none. */
	memset(ethernet, 0, sizeof(*ethernet));
	ethernet->h_proto = htons(run->length && *frame >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP);
	memcpy(explain->before + header, frame, run->length);
	run->length += header;
	memcpy(mark.reply_mac, control->reply_mac, ETH_ALEN);
	memcpy(mark.source_mac, ethernet->h_source, ETH_ALEN);
	memcpy(run->skb.cb, &mark, sizeof(mark));
	if (place->ethernet)
		take_tag(explain, run);
	run->skb.gso_size = TRACE_SEGMENT_BYTES;
	run->skb.ifindex = (__u32)place->interface;
	run->skb.ingress_ifindex = (__u32)place->receive;
}

/* Puts the frame's true source address where the mark was: as its source still, or as the destination of an answer. */
static void restore_addresses(const struct control *control, const __u8 *source, __u8 *frame)
{
	for (int offset = 0; offset < 2 * ETH_ALEN; offset += ETH_ALEN)
		if (!memcmp(frame + offset, control->reply_mac, ETH_ALEN))
			memcpy(frame + offset, source, ETH_ALEN);
}

int explain_run(const struct control *control, const struct explain_place *place, const __u8 *frame,
		struct explain *explain, struct explain_run *run)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = explain->before, .data_out = explain->after,
		    .data_size_out = EXPLAIN_AFTER_BYTES - TAG_BYTES);
	size_t given = run->length;

	if (run->length > EXPLAIN_FRAME_MAX)
		return -E2BIG;
	if (run->at_xdp)
		prepare_xdp(control, place, frame, explain, run);
	else
		prepare_tc(control, place, frame, explain, run);
	options.data_size_in = (__u32)(run->mark + run->length);
	options.ctx_in = options.ctx_out = run->at_xdp ? (void *)&run->xdp : (void *)&run->skb;
	options.ctx_size_in = options.ctx_size_out = run->at_xdp ? sizeof(run->xdp) : sizeof(run->skb);
	explain->trace->outcome = TRACE_NOTHING;
	explain->trace->matches = 0;
	explain->trace->value_count = 0;
	if (bpf_prog_test_run_opts(run->program, &options))
		return -errno;
	run->result = options.retval;
	/* In front of the frame: what XDP left there, or the header that a test run at TC has in any case. */
	run->mark = run->at_xdp ? run->xdp.data : place->ethernet ? 0 : ETH_HLEN;
	run->length = options.data_size_out - run->mark;
	give_tag(explain, run);
	if (run->at_xdp && place->ethernet && given >= ETH_HLEN)
		restore_addresses(control, frame + ETH_ALEN, explain->after + run->mark);
	return 0;
}
