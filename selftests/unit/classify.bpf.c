/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Searches a classifier for all rules from packet.resume on that a packet may match. The input "frame" is a struct
 * packet, the output has the indexes that were found from its start on, behind their number.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/classifier.h"

#define FOUND_MAX 60 /* more matches are counted and not written */

const volatile __u32 stretch;

/* In maps: the stack is too small, and the verifier would follow each value of the number. */
struct packet packet;
struct {
	__u32 count, indexes[FOUND_MAX];
} found;

struct search {
	struct classifier_walk walk;
	__u32 index;
};

static long search_on(__u32 number, struct search *search)
{
	__u32 count = found.count;

	if (search->index == CLASSIFIER_NONE)
		return 1;
	if (count < FOUND_MAX)
		found.indexes[count] = search->index;
	found.count = count + 1;
	search->index = classifier_next(&search->walk, search->index + 1);
	return 0;
}

SEC("tc")
int classify_all(struct __sk_buff *skb)
{
	struct search search = {0};

	__builtin_memset(&found, 0, sizeof(found));
	if (bpf_skb_load_bytes(skb, 0, &packet, sizeof(packet)))
		return -1;
	search.index = classifier_begin(&packet, stretch, packet.resume, &search.walk);
	bpf_loop(1 << 20, search_on, &search, 0);
	return bpf_skb_store_bytes(skb, 0, &found, sizeof(found), 0);
}

char LICENSE[] SEC("license") = "GPL";
