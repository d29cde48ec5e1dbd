/* SPDX-License-Identifier: GPL-2.0-only */
/* What has to be kept from the optimiser so that the verifier understands the code, on kernel 6.1 above all. */
#ifndef BPF_VERIFIER_H
#define BPF_VERIFIER_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/*
 * Keeps the compiler from folding equal calls of several branches into one call with a variable argument.
 * The verifier replaces a map lookup or a tail call by straight code only if it has one constant map (and slot);
 * where returns are guarded against speculation a real call costs 10 ns. `number` differs between the branches.
 */
#define keep_apart(number) asm volatile("" ::"i"(number))

/*
 * 0, of which the verifier knows nothing: branches that it can decide make it tell apart what it has found before, and
 * follow what comes behind more often. `any` is memory that does not change.
 */
static __always_inline __u32 unknown_zero(const volatile __u32 *any)
{
	__u32 value = *any;

	return value - *any;
}

/*
 * A length between 1 and `limit` (a power of two), said so that the verifier sees it: it forgets comparisons
 * made on a copy and learns nothing from `!= 0`. The caller knows that the length is in these bounds.
 */
static __always_inline __u32 bounded_length(__u32 length, __u32 limit)
{
	asm volatile("" : "+r"(length));
	return ((length - 1) & (limit - 1)) + 1;
}

#endif
