/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the kernel's own structures (include/ipfw/kernel_fields.h). Addresses are numbers here. */
#ifndef BPF_KERNEL_FIELDS_H
#define BPF_KERNEL_FIELDS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/kernel_fields.h"

/* The loader writes it before the program is loaded. */
const volatile struct kernel_fields kernel_fields SEC(".rodata.kernel") = {};

/* The 64-bit word, or pointer, at an address; 0 where nothing can be read. */
static __always_inline __u64 kernel_word(__u64 address)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (const void *)address);
	return word;
}

/* Likewise, 32 bits. */
static __always_inline __u32 kernel_half(__u64 address)
{
	__u32 half = 0;

	bpf_probe_read_kernel(&half, sizeof(half), (const void *)address);
	return half;
}

#endif
