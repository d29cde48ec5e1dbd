/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading traces. One includer per program: the functions are static. */
#ifndef BENCH_TRACE_FILE_H
#define BENCH_TRACE_FILE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/bench/trace.h"

struct trace {
	__u32 version, count;
	void *packets; /* struct trace_packet4 or 6 */
};

static size_t trace_packet_bytes(__u32 version)
{
	return version == 4 ? sizeof(struct trace_packet4) : sizeof(struct trace_packet6);
}

/* Reads the packets of an open file behind its header. Returns 0 or -errno. */
static int trace_read_packets(struct trace *trace, FILE *file)
{
	struct trace_header header;

	if (fread(&header, sizeof(header), 1, file) != 1 || memcmp(header.magic, TRACE_MAGIC, sizeof(header.magic)) ||
	    !header.count || (header.version != 4 && header.version != 6))
		return -EINVAL;
	trace->version = header.version;
	trace->count = header.count;
	trace->packets = calloc(header.count, trace_packet_bytes(header.version));
	if (!trace->packets)
		return -ENOMEM;
	return fread(trace->packets, trace_packet_bytes(header.version), header.count, file) == header.count ? 0
													     : -EINVAL;
}

/* Fills in *trace from a file that trace.py wrote; trace_free() releases it. Returns 0 or -errno. */
static int trace_read(struct trace *trace, const char *path)
{
	FILE *file = fopen(path, "rb");
	int error;

	if (!file)
		return -errno;
	error = trace_read_packets(trace, file);
	fclose(file);
	return error;
}

static void trace_free(struct trace *trace)
{
	free(trace->packets);
	trace->packets = NULL;
}

#endif
