/* SPDX-License-Identifier: GPL-2.0-only */
/* A rule's states in maps of the kernel, and packets that ask for them; time is what the test says. */
#ifndef UNIT_STATES_FIXTURE_H
#define UNIT_STATES_FIXTURE_H

#include "maps/layout.h"
#include "maps/states.h"
#include "selftests/unit/probe.h"
#include "selftests/unit/states_probe.h"

#define TCP 6
#define UDP 17
#define ICMP 1
#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

#define SLOT 7
#define GENERATION 3
#define RULE STATE_RULE(SLOT, GENERATION)
#define NAME 5
#define ROOM 4096
#define NUMBER 200 /* of the rule */

static struct bpf_object *object, *sweeper;
static struct control *control;
static struct state_totals *totals;
static struct states_results *results;
static __u32 room;

static inline int map_of(const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);

	assert_true(fd >= 0);
	return fd;
}

static inline int program_of(struct bpf_object *in, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(in, name));
}

static inline void *mapped(const char *name, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map_of(name), 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

static inline void set_entries(const char *name, __u32 entries)
{
	assert_int_equal(bpf_map__set_max_entries(bpf_object__find_map_by_name(object, name), entries), 0);
}

/* The sweep, on the same maps. */
static inline void load_sweeper(void)
{
	struct bpf_map *map;

	sweeper = bpf_object__open_file(probe_path("../bpf/sweep.bpf.o"), NULL);
	assert_non_null(sweeper);
	bpf_object__for_each_map (map, sweeper) {
		int fd = bpf_object__find_map_fd_by_name(object, bpf_map__name(map));

		if (fd >= 0)
			assert_int_equal(bpf_map__reuse_fd(map, fd), 0);
	}
	assert_int_equal(bpf_object__load(sweeper), 0);
}

static inline void own(__u32 rule)
{
	struct state_rule value = {rule};
	__u32 slot = SLOT;

	assert_int_equal(bpf_map_update_elem(map_of("state_rules"), &slot, &value, BPF_ANY), 0);
	assert_int_equal(
		bpf_map_update_elem(bpf_object__find_map_fd_by_name(sweeper, "state_owners"), &slot, &value, BPF_ANY),
		0);
}

static inline int set_up_room(__u32 states)
{
	static const char *const maps[] = {"state_ring_parents", "state_parents"};

	room = states;
	log_begin();
	object = bpf_object__open_file(probe_path("states.bpf.o"), NULL);
	assert_non_null(object);
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		set_entries(maps[i], room);
	set_entries("states4", state_table_elements(room));
	set_entries("states6", state_table_elements(room));
	set_entries("state_rules", SLOT + 1);
	assert_int_equal(bpf_object__load(object), 0);
	assert_int_equal(state_table_prepare(map_of("states4"), room), 0);
	assert_int_equal(state_table_prepare(map_of("states6"), room), 0);
	load_sweeper();
	control = mapped("control", sizeof(*control));
	totals = mapped("state_totals", sizeof(*totals));
	results = mapped("results", sizeof(*results));
	own(RULE);
	*control = (struct control){
		.states_clock = 1000,
		.jiffies_per_second = 1,
		.dyn_max = room,
		.dyn_parent_max = room,
		.dyn_ack_lifetime = 300,
		.dyn_syn_lifetime = 20,
		.dyn_fin_lifetime = 2,
		.dyn_rst_lifetime = 3,
		.dyn_udp_lifetime = 10,
		.dyn_short_lifetime = 30,
	};
	return 0;
}

static inline int set_up(void **state)
{
	return set_up_room(ROOM);
}

static inline int tear_down(void **state)
{
	munmap(control, sizeof(*control));
	munmap(totals, sizeof(*totals));
	munmap(results, sizeof(*results));
	bpf_object__close(sweeper);
	bpf_object__close(object);
	return 0;
}

static inline void run(struct states_order *order, int repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = order, .data_size_in = sizeof(*order), .data_out = order,
		    .data_size_out = sizeof(*order), .repeat = repeat);

	assert_int_equal(bpf_prog_test_run_opts(program_of(object, "states_probe"), &options), 0);
	assert_int_equal(options.retval, 0);
}

/* A packet of the flow between ends 1 and 2; `back`: from 2 to 1. */
static inline struct packet packet_of(__u8 protocol, bool back)
{
	struct packet packet = {
		.family = 4,
		.protocol = protocol,
		.source = {back ? 2 : 1},
		.destination = {back ? 1 : 2},
		.source_port = back ? 80 : 4000,
		.destination_port = back ? 4000 : 80,
		.bytes = 100,
		.segments = 1,
	};

	if (protocol == TCP)
		packet.flags = PACKET_TCP | PACKET_PORTS;
	return packet;
}

static inline struct packet tcp(bool back, __u8 flags, __u32 acknowledgment)
{
	struct packet packet = packet_of(TCP, back);

	packet.tcp_flags = flags;
	packet.tcp_acknowledgment = acknowledgment;
	return packet;
}

static inline bool check(struct packet packet)
{
	struct states_order order = {.what = STATES_CHECK, .name = NAME, .packet = packet};

	run(&order, 1);
	return order.result == 1;
}

static inline bool limit(struct packet packet, __u32 fields, __u32 connections)
{
	struct states_order order = {.what = STATES_KEEP,
				     .slot = SLOT,
				     .name = NAME,
				     .packet = packet,
				     .order = STATE_ORDER(NUMBER, fields),
				     .connections = connections};

	run(&order, 1);
	return order.result == 1;
}

static inline bool keep(struct packet packet)
{
	return limit(packet, 0, 0);
}

static inline struct state4_key key_of(const struct packet *packet)
{
	bool first = packet->source[0] < packet->destination[0];

	return (struct state4_key){
		.address = {first ? packet->source[0] : packet->destination[0],
			    first ? packet->destination[0] : packet->source[0]},
		.port = {first ? packet->source_port : packet->destination_port,
			 first ? packet->destination_port : packet->source_port},
		.name = NAME,
		.protocol = packet->protocol,
		.used = STATE_KEY_FLOW,
	};
}

/* The only cell that is the packet's flow's. */
static inline struct state find(struct packet packet)
{
	struct state4_key key = key_of(&packet);
	struct state_cells cells;
	struct state found = {0};
	int count = 0;

	assert_int_equal(state_cells_open(&cells, 4, map_of("states4")), 0);
	for (__u32 i = 0; i < cells.count; i++) {
		const struct state *state = state_cells_at(&cells, i);

		if (state->rule &&
		    !memcmp(&((const struct state4_cell *)(const void *)state)->key, &key, sizeof(key))) {
			found = *state;
			count++;
		}
	}
	state_cells_close(&cells);
	assert_int_equal(count, 1);
	return found;
}

/* Seconds that the packet's state still lives. */
static inline int life(struct packet packet)
{
	return (__s32)(find(packet).expire - control->states_clock);
}

/* Runs a program of the sweep, and returns what it returns. */
static inline int run_sweeper(const char *name)
{
	const char frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame));

	assert_int_equal(bpf_prog_test_run_opts(program_of(sweeper, name), &options), 0);
	return (int)options.retval;
}

static inline void sweep(void)
{
	assert_int_equal(run_sweeper("state_sweep_all"), 0);
}

static inline void kill_state(struct packet packet, __u32 rule)
{
	struct state_entry entry = {
		.family = 4,
		.protocol = packet.protocol,
		.name = NAME,
		.source = {packet.source[0]},
		.destination = {packet.destination[0]},
		.source_port = packet.source_port,
		.destination_port = packet.destination_port,
		.rule = rule,
		.flags = packet.source[0] < packet.destination[0] ? 0 : STATE_SOURCE_SECOND,
	};

	assert_int_equal(state_kill(program_of(sweeper, "state_kill"), &entry), 0);
}

static inline struct packet from_port(__u16 port)
{
	struct packet packet = packet_of(UDP, false);

	packet.source_port = port;
	return packet;
}

/* A packet of another flow each time, of which a state is kept. */
static inline struct states_order many_flows(void)
{
	return (struct states_order){.what = STATES_KEEP,
				     .slot = SLOT,
				     .name = NAME,
				     .new_flow = STATES_NEW_SOURCE_PORT,
				     .order = STATE_ORDER(NUMBER, 0),
				     .packet = packet_of(UDP, false)};
}

#define STATES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
