/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of rules with `log`. Before it comes the header of the hook's frames. */
#ifndef BPF_LOG_H
#define BPF_LOG_H

#include "bpf/maps_log.h"
#include "bpf/traced.h"
#include "bpf/verifier.h"
#include "ipfw/log_record.h"

enum log_claim {
	LOG_SILENT, /* the limit was reached before */
	LOG_ORDINARY,
	LOG_LAST, /* this record is the one that reaches it */
};

/* Counts a match towards the limit of its rule, 0: none. Whatever CPUs match, exactly `limit` claims succeed. */
static __always_inline enum log_claim log_claim(__u32 slot, __u32 limit)
{
	struct log_count *count;
	__u64 records;

	if (!limit)
		return LOG_ORDINARY;
	count = bpf_map_lookup_elem(&log_counts, &slot);
	if (!count)
		return LOG_ORDINARY;
	if (count->records >= limit)
		return LOG_SILENT;
	records = __sync_fetch_and_add(&count->records, 1) + 1;
	if (records > limit)
		return LOG_SILENT;
	return records == limit ? LOG_LAST : LOG_ORDINARY;
}

/* Copies the beginning of the packet into the record. Returns how many bytes. */
static __always_inline __u32 log_capture(hook_context *context, const struct packet *packet, void *bytes)
{
	__u32 start = packet->layer2 ? 0 : packet->network_offset, length = frame_length(context);

	if (length <= start)
		return 0;
	length -= start;
	length = bounded_length(length < LOG_CAPTURE_BYTES ? length : LOG_CAPTURE_BYTES, LOG_CAPTURE_BYTES);
	return frame_load(context, start, bytes, length) ? 0 : length;
}

/*
 * For generated code: writes the record of a packet that matched the rule LOG_RULE() with the action LOG_ACTION(), if
 * its limit (0: none) allows one more. Returns 0.
 */
__noinline int packet_log(hook_context *context, struct packet *packet, __u64 rule, __u64 action, __u32 limit)
{
	struct log_record *record;
	enum log_claim claim;

	if (!packet || packet_traced(packet))
		return 0;
	claim = log_claim(LOG_RULE_SLOT(rule), limit);
	if (claim == LOG_SILENT)
		return 0;
	record = bpf_ringbuf_reserve(&log_records, sizeof(*record), 0);
	if (!record) {
		log_lose();
		return 0;
	}
	record->time = bpf_ktime_get_ns();
	record->slot = LOG_RULE_SLOT(rule);
	record->rule = LOG_RULE_NUMBER(rule);
	record->destinations = LOG_RULE_DESTINATIONS(rule);
	record->action = LOG_ACTION_CODE(action);
	record->extra = LOG_ACTION_EXTRA(action);
	record->argument = LOG_ACTION_ARGUMENT(action);
	record->limit = claim == LOG_LAST ? limit : 0;
	record->packet = *packet;
	record->captured = log_capture(context, packet, record->bytes);
	bpf_ringbuf_submit(record, 0);
	return 0;
}

#endif
