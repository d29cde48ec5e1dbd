/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks addresses up in a trie. The input "frame" has struct trie_question in it, the output the reference found in its
 * place. Repeated with another number of questions, all of them are answered in turn: for measurements.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/table_address.h"

struct trie_contents {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, TRIE_LINE);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct trie_contents);
} tries SEC(".maps");

struct question {
	struct trie_address address;
	__u32 reference;
	__u32 number, number2; /* of kinds 1 and 2, 0 if there is no entry */
	__u32 some;	       /* what a plain search finds */
};

/* As where packets are looked up, it is not on the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct question);
} asked SEC(".maps");

SEC("tc")
int look_up(struct __sk_buff *skb)
{
	const struct trie_header *header;
	struct question *question;
	__u32 zero = 0;
	__u64 held;
	void *trie = bpf_map_lookup_elem(&tries, &zero);

	question = bpf_map_lookup_elem(&asked, &zero);
	header = trie ? trie_line(trie, 0) : NULL;
	if (!question || !header || bpf_skb_load_bytes(skb, 0, question, sizeof(*question)))
		return -1;
	if (header->wide) {
		question->reference = trie_search(trie, &question->address, true, false);
		question->some = trie_search(trie, &question->address, true, true);
	} else {
		question->reference = trie_search(trie, &question->address, false, false);
		question->some = trie_search(trie, &question->address, false, true);
	}
	held = question->reference ? trie_held(trie, question->reference) : 0;
	if (held) {
		question->number = trie_number(trie_record(trie, held), held, 1);
		question->number2 = trie_number(trie_record(trie, held), held, 2);
	}
	return bpf_skb_store_bytes(skb, 0, question, sizeof(*question), 0);
}

char LICENSE[] SEC("license") = "GPL";
