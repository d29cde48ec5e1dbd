/* SPDX-License-Identifier: GPL-2.0-only */
/* Internet checksum (RFC 1071, 1624) over header structs and stretches of a frame. */
#ifndef BPF_CHECKSUM_H
#define BPF_CHECKSUM_H

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/verifier.h"

#define CHECKSUM_CHUNK 64
#define CHECKSUM_CHUNKS_MAX 20 /* 1280 bytes: the longest quote of an ICMPv6 error */

/* Folds a sum into the checksum that goes into a header. */
static __always_inline __u16 checksum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Likewise a sum of 32-bit words as they lie in memory, at most 2^32 of them. */
static __always_inline __u16 checksum_fold_words(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return checksum_fold(sum);
}

/* The checksum `check` of a header in which the word `from` becomes `to` (RFC 1624), all as they lie in memory. */
static __always_inline __u16 checksum_replace(__u16 check, __u16 from, __u16 to)
{
	return checksum_fold((__u16)~check + (__u16)~from + to);
}

/* Adds `length` bytes (a multiple of 4) at `data` to `sum`. */
static __always_inline __u32 checksum_add(__u32 sum, const void *data, __u32 length)
{
	return bpf_csum_diff(0, 0, (void *)data, length, sum);
}

/*
 * Sum of a pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1): both addresses, which are `bytes` bytes at `addresses`, the
 * `length` of what follows the IP headers, and its protocol.
 */
static __always_inline __u32 checksum_pseudo_header(const void *addresses, __u32 bytes, __u32 length, __u32 protocol)
{
	__u32 tail[2] = {bpf_htonl(length), bpf_htonl(protocol)};

	return checksum_add(checksum_add(0, addresses, bytes), tail, sizeof(tail));
}

/*
 * Adds the chunk number `index` of the `length` bytes of the frame from `offset` on to `sum`; what is not there counts
 * as zeros. All that varies is an argument of this global function, so that the verifier walks it once and the loop
 * below in a few steps. Weak, as checksum_frame(): modules bring their own copies.
 */
__weak __u32 checksum_chunk(hook_context *context, __u32 offset, __u32 length, __u32 index, __u32 sum)
{
	__u32 chunk[CHECKSUM_CHUNK / 4] = {};
	__u32 begin = index * CHECKSUM_CHUNK, part;

	if (begin >= length)
		return sum;
	part = length - begin;
	if (part > sizeof(chunk))
		part = sizeof(chunk);
	if (frame_load(context, offset + begin, chunk, bounded_length(part, sizeof(chunk))))
		return sum;
	return checksum_add(sum, chunk, sizeof(chunk));
}

/* Adds `length` bytes of the frame (at most CHECKSUM_CHUNKS_MAX chunks) from `offset` on to `sum`. */
__weak __u32 checksum_frame(hook_context *context, __u32 offset, __u32 length, __u32 sum)
{
	for (__u32 index = 0; index < CHECKSUM_CHUNKS_MAX; index++)
		sum = checksum_chunk(context, offset, length, index, sum);
	return sum;
}

#endif
