/* SPDX-License-Identifier: GPL-2.0-only */
/* Where rules are in the plan, by number: a module, for `skipto tablearg` and `call tablearg`. */
#ifndef BPF_POSITIONS_H
#define BPF_POSITIONS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/limits.h"

/* By number: the position of the first rule with that number or a higher one. The kernel aligns elements to 8 bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RULE_NUMBER_DEFAULT + 1);
	__type(key, __u32);
	__type(value, __u64);
} rule_positions SEC(".maps");

#define POSITION_NOWHERE 0x7fffffff /* behind all rules, and no RESUME_STATE */

/* For generated code: the position at which a packet goes on that is to go to rule `number`, the last one if too high.
 */
__noinline __u32 rule_position(__u32 number)
{
	const __u64 *position;

	if (number > RULE_NUMBER_DEFAULT)
		number = RULE_NUMBER_DEFAULT;
	position = bpf_map_lookup_elem(&rule_positions, &number);
	return position ? (__u32)*position : POSITION_NOWHERE;
}

#endif
