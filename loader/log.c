/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/log.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xdp/libxdp.h>

static __thread char last_line[512];

/* IPFW_BPF_DEBUG=1 in the environment shows everything as it comes, verifier logs included. */
static void keep(const char *format, va_list arguments)
{
	va_list copy;
	char line[sizeof(last_line)];
	size_t length;

	if (getenv("IPFW_BPF_DEBUG")) {
		va_copy(copy, arguments);
		vfprintf(stderr, format, copy);
		va_end(copy);
	}
	vsnprintf(line, sizeof(line), format, arguments);
	length = strcspn(line, "\n");
	line[length] = '\0';
	if (length)
		memcpy(last_line, line, length + 1);
}

static int from_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level != LIBBPF_DEBUG)
		keep(format, arguments);
	return 0;
}

static int from_libxdp(enum libxdp_print_level level, const char *format, va_list arguments)
{
	if (level != LIBXDP_DEBUG)
		keep(format, arguments);
	return 0;
}

void log_begin(void)
{
	libbpf_set_print(from_libbpf);
	libxdp_set_print(from_libxdp);
	last_line[0] = '\0';
}

const char *log_last(void)
{
	return last_line;
}
