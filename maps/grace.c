/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/grace.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STRAGGLER_MICROSECONDS 20000

void wait_for_packets(void)
{
	/* In the kernel this is a grace period of RCU, whose readers all programs are. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(STRAGGLER_MICROSECONDS);
}
