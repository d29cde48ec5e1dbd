/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock that counters use, jiffies64, which userland can only read through a BPF program. */
#ifndef LOADER_CLOCK_H
#define LOADER_CLOCK_H

#include <time.h>

#include "maps/layout.h"

/* Reads the clock now. Returns 0 or -errno. */
int clock_read(struct clock_reading *reading);

/* Wall-clock time, to the second, of an event at `jiffies`, given a reading of just now. */
time_t clock_wall_time(const struct clock_reading *now, __u64 jiffies);

#endif
