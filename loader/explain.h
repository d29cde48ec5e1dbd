/* SPDX-License-Identifier: GPL-2.0-only */
/* What explaining packets takes (firewall.h), for the files that implement it alone. */
#ifndef LOADER_EXPLAIN_H
#define LOADER_EXPLAIN_H

#include <linux/bpf.h>

#include "loader/hooks.h"
#include "loader/programs.h"

#define EXPLAIN_FRAME_MAX 65700	  /* an IP packet of 64 KB and what stands in front of it */
#define EXPLAIN_ANSWER_BYTES 2048 /* that an answer may be longer than what it answers (bpf/reply_build.h) */
#define EXPLAIN_BEFORE_BYTES (sizeof(struct trace_mark) + EXPLAIN_FRAME_MAX)
#define EXPLAIN_AFTER_BYTES (EXPLAIN_BEFORE_BYTES + EXPLAIN_ANSWER_BYTES)

struct explain {
	struct interface_list interfaces;
	struct hooks hooks;	  /* without states while no ruleset is loaded */
	int lock;		  /* held by the one process that has frames traced, -1: no ruleset */
	int programs[HOOK_COUNT]; /* of the active generation, -1: not opened */
	struct trace *trace;	  /* the map, in memory; NULL: not yet */
	const struct rule *
		*by_slot; /* COUNTER_SLOTS: rules of the active ruleset, NULL where there is none; NULL: not yet */
	struct explain_match matches[TRACE_RULES_MAX];
	__u16 packet_tags[TAGS_MAX];
	__u8 *before, *after; /* frames with their trace mark, and what became of them */
};

/* One run of a program. */
struct explain_run {
	int program;
	bool at_xdp; /* rather than at TC: which of the contexts is used */
	struct xdp_md xdp;
	struct __sk_buff skb;
	size_t mark;   /* bytes in front of the frame */
	size_t length; /* of the frame, before and behind the run */
	__u8 tag[4];   /* VLAN tag that stands beside it meanwhile */
	__u32 result;  /* the program's */
};

/*
 * Runs run->program on the run->length bytes of `frame`. The frame as it is afterwards lies in explain->after, behind
 * run->mark bytes, and explain->trace tells what happened. Returns 0 or -errno, -E2BIG among others for a frame that
 * the kernel does not take.
 */
int explain_run(const struct control *control, const struct explain_place *place, const __u8 *frame,
		struct explain *explain, struct explain_run *run);

/* Reads the interfaces and takes the lock, if that has not been done. Returns 0, or -1 with *error set. */
int explain_open(struct firewall *firewall, struct error *error);
/* NULL is allowed. */
void explain_close(struct explain *explain);

#endif
