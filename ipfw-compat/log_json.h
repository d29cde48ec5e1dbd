/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of rules with `log` as JSON. */
#ifndef COMPAT_LOG_JSON_H
#define COMPAT_LOG_JSON_H

#include <stdio.h>
#include <time.h>

#include "ipfw/log_record.h"

/*
 * Prints the record as one line that is one JSON object; ipfw-bpf(8), monitor, lists its members. `time`: wall clock of
 * the match; `interface`: name of record->packet.interface; `line`: the record by log_text().
 */
void log_print_json(FILE *out, const struct log_record *record, const struct timespec *time, const char *interface,
		    const char *line);

#endif
