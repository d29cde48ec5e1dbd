/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading what rules with `log` write, in the current network namespace. The firewall's lock is held only for the
 * moment in which the ring is opened. A ring has one reader at a time; the directory "monitor" beside its pin carries
 * the lock.
 */
#ifndef LOADER_MONITOR_H
#define LOADER_MONITOR_H

#include <stdbool.h>

#include "ipfw/error.h"
#include "ipfw/log_record.h"

struct monitor;

/* Given each record once, in the order of writing; false stops the reading behind this one. */
typedef bool (*monitor_take)(void *argument, const struct log_record *record);

/*
 * Becomes the reader. No firewall is no error: monitor_read() waits for one. Returns 0, or -1 with *error set: also if
 * somebody else reads.
 */
int monitor_open(struct monitor **monitor, struct error *error);
/* NULL is allowed. */
void monitor_close(struct monitor *monitor);

/*
 * Hands over the records that are there; if there are none, waits for some for about `milliseconds` at most, or until a
 * signal comes. Follows a firewall that is taken down and made anew. Returns 0, or -1 with *error set.
 */
int monitor_read(struct monitor *monitor, int milliseconds, monitor_take take, void *argument, struct error *error);

/* Records that were lost since the last call, or since the ring was opened, because it was full. */
__u64 monitor_lost(struct monitor *monitor);

#endif
