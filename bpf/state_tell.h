/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told of packets that found no room for a state. */
#ifndef BPF_STATE_TELL_H
#define BPF_STATE_TELL_H

#include "bpf/maps_control.h"
#include "bpf/maps_log.h"
#include "bpf/maps_states.h"
#include "bpf/traced.h"
#include "ipfw/rule.h"

/* Whether a second has passed since the last record, whatever CPU asks. */
static __always_inline bool state_may_tell(struct state_totals *totals, const struct control *settings)
{
	__u32 now = state_clock(settings), told = *(volatile __u32 *)&totals->told;

	return (!told || now - told >= settings->jiffies_per_second) &&
	       __sync_val_compare_and_swap(&totals->told, told, now) == told;
}

/* Counts a refused packet, and, once a second, writes a record of why (LOG_REFUSED_*). Global as above. Returns 0. */
__noinline int state_tell(struct packet *packet, __u32 slot, __u32 order, __u32 reason)
{
	const struct control *settings = control_find();
	struct state_totals *totals = state_totals_find();
	struct log_record *record;

	if (!packet || !settings || !totals || packet_traced(packet))
		return 0;
	__sync_fetch_and_add(&totals->refused, 1);
	if (!state_may_tell(totals, settings))
		return 0;
	record = bpf_ringbuf_reserve(&log_records, sizeof(*record), 0);
	if (!record) {
		log_lose();
		return 0;
	}
	record->time = bpf_ktime_get_ns();
	record->slot = slot;
	record->rule = STATE_ORDER_NUMBER(order);
	record->action = reason;
	record->argument = totals->states;
	record->extra = STATE_ORDER_FIELDS(order);
	record->destinations = 0;
	record->limit = 0;
	record->captured = 0;
	record->packet = *packet;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

#endif
