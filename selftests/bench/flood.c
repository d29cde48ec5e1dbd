/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Floods the other end of a veth pair with the packets of a trace, faster than any firewall there can take them.
 *
 *   flood INTERFACE LINK-ADDRESS MILLISECONDS CPU TRACE
 *
 * LINK-ADDRESS is the other end's. Runs on one CPU (XDP live frames: kernel 5.18). Prints how many frames it made and
 * in how many nanoseconds; frames that find no room on the way are lost, and the interface counts those that do not.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "selftests/bench/frame.h"
#include "selftests/bench/trace_file.h"

#define FRAMES_PER_CALL (1 << 16)
#define BATCH 64

/* The read-only data of flood.bpf.c. */
struct parameters {
	__u32 packet_count, interface;
	unsigned char header[56];
};

static void __attribute__((noreturn)) die(int status, const char *what, int error)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(error));
	exit(status);
}

static void check_layout(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");

	if (!map || bpf_map__value_size(map) != sizeof(struct parameters))
		die(EX_SOFTWARE, "flood.bpf.o has other parameters", EINVAL);
}

static struct bpf_object *load(const char *path, const struct parameters *parameters, const struct trace *trace)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *packets;

	if (!object)
		die(EX_NOINPUT, path, errno);
	check_layout(object);
	bpf_map__set_initial_value(bpf_object__find_map_by_name(object, ".rodata"), parameters, sizeof(*parameters));
	packets = bpf_object__find_map_by_name(object, "packets4");
	bpf_map__set_max_entries(packets, trace->count);
	if (bpf_object__load(object))
		die(EX_OSERR, path, errno);
	for (__u32 i = 0; i < trace->count; i++)
		if (bpf_map_update_elem(bpf_map__fd(packets), &i, (struct trace_packet4 *)trace->packets + i, BPF_ANY))
			die(EX_OSERR, "packets4", errno);
	return object;
}

static unsigned long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (unsigned long long)time.tv_sec * 1000000000 + (unsigned long long)time.tv_nsec;
}

static void flood(int program, const struct parameters *parameters, unsigned int milliseconds)
{
	unsigned char frame[FRAME_BYTES] = {0};
	struct xdp_md context = {.data_end = sizeof(frame), .ingress_ifindex = parameters->interface};
	unsigned long long begin = now(), frames = 0;

	memcpy(frame, parameters->header, sizeof(parameters->header));
	while (now() - begin < milliseconds * 1000000ULL) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
			    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = FRAMES_PER_CALL,
			    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

		if (bpf_prog_test_run_opts(program, &options))
			die(EX_OSERR, "test run", errno);
		frames += FRAMES_PER_CALL;
	}
	printf("%llu %llu\n", frames, now() - begin);
}

static void stay_on(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die(EX_USAGE, "CPU", errno);
}

int main(int count, char **arguments)
{
	struct parameters parameters = {0};
	unsigned char frame[FRAME_BYTES];
	struct bpf_object *object;
	struct ether_addr *address;
	struct trace trace = {0};
	char path[4096];
	int error;

	if (count != 6) {
		fprintf(stderr, "usage: flood INTERFACE LINK-ADDRESS MILLISECONDS CPU TRACE\n");
		return EX_USAGE;
	}
	address = ether_aton(arguments[2]);
	error = trace_read(&trace, arguments[5]);
	if (error || trace.version != 4 || !address)
		die(EX_NOINPUT, arguments[5], error ? -error : EINVAL);
	error = frame_make(frame, arguments[1], trace.version);
	if (error)
		die(EX_OSERR, arguments[1], -error);
	memcpy(frame, address, ETH_ALEN);
	parameters.packet_count = trace.count;
	parameters.interface = if_nametoindex(arguments[1]);
	memcpy(parameters.header, frame, sizeof(parameters.header));
	snprintf(path, sizeof(path), "%s.bpf.o", arguments[0]);
	stay_on((size_t)atoi(arguments[4]));
	object = load(path, &parameters, &trace);
	flood(bpf_program__fd(bpf_object__find_program_by_name(object, "flood4")), &parameters,
	      (unsigned int)atoi(arguments[3]));
	bpf_object__close(object);
	trace_free(&trace);
	return 0;
}
