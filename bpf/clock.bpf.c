// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters hold the time of the last match in jiffies64, which costs a packet nothing; userland
 * cannot read that clock and asks this program (BPF_PROG_TEST_RUN) to turn it into wall-clock time.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

SEC("syscall")
int jiffies_now(struct clock_reading *reading)
{
	reading->jiffies = bpf_jiffies64();
	reading->nanoseconds = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
