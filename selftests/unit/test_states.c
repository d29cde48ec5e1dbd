/* SPDX-License-Identifier: GPL-2.0-only */
/* Dynamic rules as the loaded code makes, refreshes, limits, kills and sweeps them; time is what the test says. */
#include "selftests/unit/probe.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "maps/layout.h"
#include "maps/states.h"
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
#define MANY 65536 /* in place of ROOM */

static struct bpf_object *object, *sweeper;
static struct control *control;
static struct state_totals *totals;
static struct states_results *results;
static __u32 room;

static int map_of(const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);

	assert_true(fd >= 0);
	return fd;
}

static int program_of(struct bpf_object *in, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(in, name));
}

static void *mapped(const char *name, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map_of(name), 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

static void set_entries(const char *name, __u32 entries)
{
	assert_int_equal(bpf_map__set_max_entries(bpf_object__find_map_by_name(object, name), entries), 0);
}

/* The sweep, on the same maps. */
static void load_sweeper(void)
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

static void own(__u32 rule)
{
	struct state_rule value = {rule};
	__u32 slot = SLOT;

	assert_int_equal(bpf_map_update_elem(map_of("state_rules"), &slot, &value, BPF_ANY), 0);
	assert_int_equal(
		bpf_map_update_elem(bpf_object__find_map_fd_by_name(sweeper, "state_owners"), &slot, &value, BPF_ANY),
		0);
}

static int set_up_room(__u32 states)
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

static int set_up(void **state)
{
	return set_up_room(ROOM);
}

static int set_up_many(void **state)
{
	return set_up_room(MANY);
}

static int tear_down(void **state)
{
	munmap(control, sizeof(*control));
	munmap(totals, sizeof(*totals));
	munmap(results, sizeof(*results));
	bpf_object__close(sweeper);
	bpf_object__close(object);
	return 0;
}

static void run(struct states_order *order, int repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = order, .data_size_in = sizeof(*order), .data_out = order,
		    .data_size_out = sizeof(*order), .repeat = repeat);

	assert_int_equal(bpf_prog_test_run_opts(program_of(object, "states_probe"), &options), 0);
	assert_int_equal(options.retval, 0);
}

/* A packet of the flow between ends 1 and 2; `back`: from 2 to 1. */
static struct packet packet_of(__u8 protocol, bool back)
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

static struct packet tcp(bool back, __u8 flags, __u32 acknowledgment)
{
	struct packet packet = packet_of(TCP, back);

	packet.tcp_flags = flags;
	packet.tcp_acknowledgment = acknowledgment;
	return packet;
}

static bool check(struct packet packet)
{
	struct states_order order = {.what = STATES_CHECK, .name = NAME, .packet = packet};

	run(&order, 1);
	return order.result == 1;
}

static bool limit(struct packet packet, __u32 fields, __u32 connections)
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

static bool keep(struct packet packet)
{
	return limit(packet, 0, 0);
}

static struct state4_key key_of(const struct packet *packet)
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
static struct state find(struct packet packet)
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
static int life(struct packet packet)
{
	return (__s32)(find(packet).expire - control->states_clock);
}

static int run_sweeper(const char *name)
{
	const char frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame));

	assert_int_equal(bpf_prog_test_run_opts(program_of(sweeper, name), &options), 0);
	return (int)options.retval;
}

static void sweep(void)
{
	assert_int_equal(run_sweeper("state_sweep_all"), 0);
}

static void kill_state(struct packet packet, __u32 rule)
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

static void first_packets_decide(void **state)
{
	assert_true(keep(tcp(false, SYN, 0)));
	assert_int_equal(life(tcp(false, 0, 0)), 20);
	assert_true(keep(packet_of(UDP, false)));
	assert_int_equal(life(packet_of(UDP, false)), 10);
	assert_true(keep(packet_of(ICMP, false)));
	assert_int_equal(life(packet_of(ICMP, false)), 30);
	assert_int_equal(totals->states, 3);
}

static void a_first_segment_without_syn_lives_as_one_reset(void **state)
{
	assert_true(keep(tcp(false, ACK, 1)));
	assert_int_equal(life(tcp(false, 0, 0)), 3);
}

/* The lifetimes of closing connections stay below the period of keepalives. */
static void closing_lifetimes_are_bounded(void **state)
{
	control->dyn_rst_lifetime = 100;
	assert_true(keep(tcp(false, ACK, 1)));
	assert_int_equal(life(tcp(false, 0, 0)), KEEPALIVE_PERIOD - 1);
}

static void connect_both(void)
{
	assert_true(keep(tcp(false, SYN, 0)));
	assert_true(check(tcp(true, SYN | ACK, 101)));
	assert_true(check(tcp(false, ACK, 501)));
	assert_int_equal(life(tcp(false, 0, 0)), 300);
}

/* Both ends have to acknowledge something, and nothing that is behind what they have acknowledged. */
static void acknowledgments_refresh(void **state)
{
	connect_both();
	control->states_clock += 100;
	assert_true(check(tcp(false, ACK, 502)));
	assert_int_equal(life(tcp(false, 0, 0)), 200);
	assert_true(check(tcp(true, ACK, 100)));
	assert_int_equal(life(tcp(false, 0, 0)), 200);
	assert_true(check(tcp(true, ACK, 102)));
	assert_int_equal(life(tcp(false, 0, 0)), 300);
	assert_int_equal(find(tcp(false, 0, 0)).packets, 6);
	assert_int_equal(find(tcp(false, 0, 0)).bytes, 600);
}

static void acknowledgments_wrap_around(void **state)
{
	assert_true(keep(tcp(false, SYN, 0)));
	assert_true(check(tcp(true, SYN | ACK, 0xfffffff0)));
	assert_true(check(tcp(false, ACK, 0xffffffff)));
	control->states_clock += 10;
	assert_true(check(tcp(false, ACK, 5)));
	assert_true(check(tcp(true, ACK, 7)));
	assert_int_equal(life(tcp(false, 0, 0)), 300);
}

static void ends_of_connections(void **state)
{
	connect_both();
	assert_true(check(tcp(false, FIN | ACK, 502)));
	assert_int_equal(life(tcp(false, 0, 0)), 300);
	assert_true(check(tcp(true, FIN | ACK, 103)));
	assert_int_equal(life(tcp(false, 0, 0)), 2);
	assert_true(check(tcp(true, RST, 0)));
	assert_int_equal(life(tcp(false, 0, 0)), 3);
}

/* Not a moment longer than its life, also where the clock wraps around. */
static void states_expire(void **state)
{
	control->states_clock = 0xfffffffb;
	assert_true(keep(packet_of(UDP, false)));
	control->states_clock = 4;
	assert_true(check(packet_of(UDP, true)));
	control->states_clock = 13;
	assert_true(check(packet_of(UDP, true)));
	control->states_clock = 23;
	assert_false(check(packet_of(UDP, true)));
	sweep();
	assert_int_equal(totals->states, 0);
}

static void states_are_those_of_rules_in_force(void **state)
{
	assert_true(keep(packet_of(UDP, false)));
	own(STATE_RULE(SLOT, GENERATION + 1));
	assert_false(check(packet_of(UDP, true)));
	/* Its place is the new rule's now. */
	assert_true(keep(packet_of(UDP, true)));
	assert_int_equal(find(packet_of(UDP, false)).rule, STATE_RULE(SLOT, GENERATION + 1));
	assert_int_equal(totals->states, 1);
}

static void other_flows_have_no_state(void **state)
{
	struct packet other = packet_of(UDP, true);

	assert_true(keep(packet_of(UDP, false)));
	other.source_port++;
	assert_false(check(other));
	assert_false(check(packet_of(TCP, true)));
	assert_true(check(packet_of(UDP, true)));
}

static struct packet from_port(__u16 port)
{
	struct packet packet = packet_of(UDP, false);

	packet.source_port = port;
	return packet;
}

static void a_full_table_refuses(void **state)
{
	control->dyn_max = 2;
	assert_true(keep(from_port(1)));
	assert_true(keep(from_port(2)));
	assert_false(keep(from_port(3)));
	assert_int_equal(totals->refused, 1);
	assert_true(keep(from_port(2)));
	control->states_clock += 10;
	sweep();
	assert_true(keep(from_port(3)));
	assert_int_equal(totals->states, 1);
}

/* A state that dies gives its place back, by whatever it dies. */
static void limits_count_what_lives(void **state)
{
	struct packet elsewhere = from_port(9);

	assert_true(limit(from_port(1), LIMIT_SOURCE_ADDRESS, 2));
	assert_true(limit(from_port(2), LIMIT_SOURCE_ADDRESS, 2));
	assert_false(limit(from_port(3), LIMIT_SOURCE_ADDRESS, 2));
	assert_true(check(from_port(1)));
	elsewhere.source[0] = 77;
	assert_true(limit(elsewhere, LIMIT_SOURCE_ADDRESS, 2));
	assert_int_equal(totals->parents, 2);
	kill_state(from_port(1), RULE);
	sweep();
	assert_true(limit(from_port(3), LIMIT_SOURCE_ADDRESS, 2));
	assert_false(limit(from_port(4), LIMIT_SOURCE_ADDRESS, 2));
	control->states_clock += 100;
	sweep();
	sweep();
	assert_int_equal(totals->states, 0);
	assert_int_equal(totals->parents, 0);
}

static void parents_are_limited(void **state)
{
	control->dyn_parent_max = 1;
	assert_true(limit(from_port(1), LIMIT_SOURCE_PORT, 5));
	assert_false(limit(from_port(2), LIMIT_SOURCE_PORT, 5));
	assert_int_equal(totals->parents, 1);
	assert_int_equal(totals->states, 1);
}

static void kills_one(void **state)
{
	assert_true(keep(from_port(1)));
	assert_true(keep(from_port(2)));
	kill_state(from_port(1), RULE + 1);
	assert_true(check(from_port(1)));
	kill_state(from_port(1), RULE);
	assert_false(check(from_port(1)));
	assert_true(check(from_port(2)));
	sweep();
	assert_int_equal(totals->states, 1);
	/* What is killed and not swept yet is made anew in its place. */
	kill_state(from_port(2), RULE);
	assert_true(keep(from_port(2)));
	assert_true(check(from_port(2)));
	sweep();
	assert_int_equal(totals->states, 1);
}

/* How many cells are taken, and how many are held or say that states are further on. */
static int places_in_use(void)
{
	int count = 0;

	for (__u32 i = 1; i < state_table_elements(room); i++) {
		struct state4_group group;

		assert_int_equal(bpf_map_lookup_elem(map_of("states4"), &i, &group), 0);
		for (int k = 0; k < STATE_GROUP_CELLS; k++)
			count += (group.cells[k].passed != 0) + (group.cells[k].key.used != 0);
	}
	return count;
}

/* Fills `count` cells with states of other flows three times; all are found, and leave nothing when they are gone. */
static void fill_and_sweep(int count)
{
	for (int round = 0; round < 3; round++) {
		for (int port = 0; port < count; port++)
			assert_true(keep(from_port((__u16)(port + round * count))));
		assert_true(places_in_use() >= count);
		for (int port = 0; port < count; port++)
			assert_true(check(from_port((__u16)(port + round * count))));
		assert_false(check(from_port((__u16)(3 * count))));
		assert_int_equal(totals->states, count);
		control->states_clock += 10;
		sweep();
		assert_int_equal(totals->states, 0);
		assert_int_equal(places_in_use(), 0);
		assert_false(check(from_port((__u16)(round * count))));
	}
}

static void all_the_room_can_be_used(void **state)
{
	fill_and_sweep(ROOM);
	for (int port = 0; port < ROOM; port++)
		assert_true(keep(from_port((__u16)port)));
	assert_false(keep(from_port(ROOM)));
	assert_int_equal(totals->states, ROOM);
}

static void set_groups(__u32 groups)
{
	struct state4_group first;
	__u32 number = 0;

	assert_int_equal(bpf_map_lookup_elem(map_of("states4"), &number, &first), 0);
	((struct state_head *)(void *)&first)->groups = groups;
	assert_int_equal(bpf_map_update_elem(map_of("states4"), &number, &first, BPF_ANY), 0);
}

/* What finds no cell in any group is refused, and leaves nothing. */
static void a_table_without_a_free_cell_refuses(void **state)
{
	const int cells = 2 * STATE_GROUP_CELLS;

	set_groups(2);
	for (int port = 0; port < cells; port++)
		assert_true(keep(from_port((__u16)port)));
	assert_false(keep(from_port((__u16)cells)));
	assert_int_equal(totals->states, cells);
	for (int port = 0; port < cells; port++)
		assert_true(check(from_port((__u16)port)));
	control->states_clock += 10;
	sweep();
	assert_int_equal(places_in_use(), 0);
}

/* With few more cells than states, most groups have too few for those that have their home there. */
static void states_without_room_at_home_are_further_on(void **state)
{
	const int count = 3000;

	set_groups(1000);
	for (int port = 0; port < count; port++)
		assert_true(keep(from_port((__u16)port)));
	assert_true(places_in_use() > count);
	control->states_clock += 10;
	sweep();
	fill_and_sweep(count);
}

/* What larger maps get from smaller ones: once only, and the flow's own packets find it. */
static void states_are_restored(void **state)
{
	struct packet packet = from_port(7);
	struct state_restore_request request = {
		.family = 4,
		.key4 = key_of(&packet),
		.state = {.rule = RULE, .expire = control->states_clock + 5, .packets = 3, .bytes = 300},
	};

	for (int i = 0; i < 2; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &request, .data_size_in = sizeof(request));

		assert_int_equal(bpf_prog_test_run_opts(program_of(sweeper, RESTORE_PROGRAM), &options), 0);
		assert_int_equal((int)options.retval, i ? -EEXIST : 0);
	}
	assert_true(check(packet));
	assert_int_equal(find(packet).packets, 4);
	assert_int_equal(find(packet).bytes, 400);
}

/* Holds the homes of all flows, as another CPU does while it adds a state, or lets them go. */
static void hold_homes(bool held)
{
	for (__u32 i = 1; i < state_table_elements(room); i++) {
		struct state4_group group;

		assert_int_equal(bpf_map_lookup_elem(map_of("states4"), &i, &group), 0);
		for (int k = 0; k < STATE_GROUP_CELLS; k++) {
			group.cells[k].passed ^= STATE_HELD;
			assert_int_equal(group.cells[k].passed >= STATE_HELD, held);
		}
		assert_int_equal(bpf_map_update_elem(map_of("states4"), &i, &group, BPF_ANY), 0);
	}
}

/* What cannot be added since another CPU does not go on is refused, counted and told of. States are found all along. */
static void a_held_home_refuses(void **state)
{
	assert_true(limit(from_port(1), LIMIT_SOURCE_ADDRESS, 5));
	hold_homes(true);
	assert_false(limit(from_port(2), LIMIT_SOURCE_ADDRESS, 5));
	assert_int_equal(totals->refused, 1);
	assert_int_equal(totals->told, control->states_clock);
	assert_int_equal(totals->states, 1);
	assert_true(check(from_port(1)));
	assert_true(keep(from_port(1)));
	hold_homes(false);
	assert_int_equal(places_in_use(), 1);
	/* The place of the limit has been given back, too. */
	for (__u16 port = 2; port <= 5; port++)
		assert_true(limit(from_port(port), LIMIT_SOURCE_ADDRESS, 5));
	assert_false(limit(from_port(6), LIMIT_SOURCE_ADDRESS, 5));
}

static __u64 milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000 + (__u64)now.tv_nsec / 1000000;
}

/* A packet of another flow each time, of which a state is kept. */
static struct states_order many_flows(void)
{
	return (struct states_order){.what = STATES_KEEP,
				     .slot = SLOT,
				     .name = NAME,
				     .new_flow = 1,
				     .order = STATE_ORDER(NUMBER, 0),
				     .packet = packet_of(UDP, false)};
}

/* The value of the map "state_sweep" (bpf/maps_sweep.h). */
struct sweep_value {
	struct bpf_timer timer;
	__u32 held, next[2];
};

static struct sweep_value sweep_value(void)
{
	struct sweep_value value;
	__u32 key = 0;

	assert_int_equal(bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(sweeper, "state_sweep"), &key, &value), 0);
	return value;
}

static void hold_sweep(__u32 held)
{
	struct sweep_value value = sweep_value();
	__u32 key = 0;

	value.held = held;
	assert_int_equal(
		bpf_map_update_elem(bpf_object__find_map_fd_by_name(sweeper, "state_sweep"), &key, &value, BPF_ANY), 0);
}

/* While one CPU sweeps, no other does: it could give back a cell that has changed hands. */
static void a_held_sweep_is_left_alone(void **state)
{
	assert_true(keep(from_port(1)));
	control->states_clock += 10;
	hold_sweep(1);
	assert_int_equal(run_sweeper("state_sweep_all"), -EBUSY);
	assert_int_equal(totals->states, 1);
	hold_sweep(0);
	sweep();
	assert_int_equal(totals->states, 0);
	assert_int_equal(sweep_value().held, 0);
}

/*
 * The timer removes 2,048 states at most, however many there seem to be, and then lets others have the CPU for 20 ms;
 * it begins after 500.
 */
static void the_timer_removes_some_at_a_time(void **state)
{
	const __u32 count = 60000, others = 4000000, least = 500 + (count / 2048 - 1) * 20;
	struct states_order order = many_flows();
	__u64 begin, end;

	run(&order, (int)count);
	assert_int_equal(totals->states, count);
	totals->states += others;
	control->states_clock += 10;
	begin = milliseconds();
	assert_int_equal(run_sweeper("state_sweep_start"), 0);
	do {
		usleep(1000);
		end = milliseconds();
	} while (*(volatile __u32 *)&totals->states > others && end - begin < 20000);
	assert_int_equal(totals->states, others);
	assert_in_range(end - begin, least, 20000);
}

/* Also where nothing is to be removed: it looks at a 25th of the groups. */
static void the_timer_looks_at_some_at_a_time(void **state)
{
	const __u32 part = state_table_elements(MANY) / 25 + 1;
	__u64 begin, ticks;
	__u32 next[2];

	assert_true(keep(from_port(1)));
	begin = milliseconds();
	assert_int_equal(run_sweeper("state_sweep_start"), 0);
	usleep(600000);
	memcpy(next, sweep_value().next, sizeof(next));
	ticks = (milliseconds() - begin - 500) / 20 + 1;
	for (int i = 0; i < 2; i++)
		assert_in_range(next[i], 1, ticks * part);
	assert_int_equal(totals->states, 1);
}

#define REPEAT 20000

/* One of two threads, each on a CPU of its own where there are two. */
struct runner {
	pthread_t thread;
	struct states_order order;
	int cpu;
};

static void *run_often(void *argument)
{
	struct runner *runner = argument;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(runner->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	run(&runner->order, REPEAT);
	return NULL;
}

static void begin(struct runner *runner, const struct states_order *order, int cpu)
{
	*runner = (struct runner){.order = *order, .cpu = cpu};
	assert_int_equal(pthread_create(&runner->thread, NULL, run_often, runner), 0);
}

/* Runs the order on two CPUs at once. */
static void run_twice(const struct states_order *order)
{
	struct runner runners[2];

	begin(runners, order, 0);
	begin(runners + 1, order, 1);
	pthread_join(runners[0].thread, NULL);
	pthread_join(runners[1].thread, NULL);
	assert_int_equal(results->runs, 2 * REPEAT);
}

static void limits_are_exact_on_two_cpus(void **state)
{
	struct states_order order = {.what = STATES_KEEP,
				     .slot = SLOT,
				     .name = NAME,
				     .connections = 50,
				     .order = STATE_ORDER(NUMBER, LIMIT_DESTINATION_PORT),
				     .new_flow = 1,
				     .packet = packet_of(UDP, false)};

	run_twice(&order);
	assert_int_equal(results->hits, 50);
	assert_int_equal(totals->states, 50);
	assert_int_equal(totals->parents, 1);
	assert_int_equal(totals->refused, 2 * REPEAT - 50);
}

static void dyn_max_is_exact_on_two_cpus(void **state)
{
	struct states_order order = many_flows();

	control->dyn_max = 1000;
	run_twice(&order);
	assert_int_equal(results->hits, 1000);
	assert_int_equal(totals->states, 1000);
}

static void one_flow_is_one_state_on_two_cpus(void **state)
{
	struct states_order order = {.what = STATES_KEEP,
				     .slot = SLOT,
				     .name = NAME,
				     .order = STATE_ORDER(NUMBER, 0),
				     .packet = packet_of(UDP, false)};

	run_twice(&order);
	assert_int_equal(results->hits, 2 * REPEAT);
	assert_int_equal(totals->states, 1);
	assert_int_equal(find(packet_of(UDP, false)).packets, 2 * REPEAT);
}

/* Killing takes nothing back that packets have written meanwhile. */
static void killing_loses_no_counts(void **state)
{
	struct states_order order = {.what = STATES_CHECK, .name = NAME, .packet = packet_of(UDP, true)};
	struct runner runner;

	assert_true(keep(packet_of(UDP, false)));
	results->hits = 0;
	begin(&runner, &order, 0);
	for (int i = 0; i < 10000 && __atomic_load_n(&results->hits, __ATOMIC_RELAXED) < REPEAT / 4; i++)
		usleep(100);
	kill_state(packet_of(UDP, false), RULE);
	pthread_join(runner.thread, NULL);
	assert_true(find(packet_of(UDP, false)).flags & STATE_KILLED);
	assert_true(results->hits >= REPEAT / 4 && results->hits <= REPEAT);
	assert_int_equal(find(packet_of(UDP, false)).packets, 1 + results->hits);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_packets_decide),
		TEST(a_first_segment_without_syn_lives_as_one_reset),
		TEST(closing_lifetimes_are_bounded),
		TEST(acknowledgments_refresh),
		TEST(acknowledgments_wrap_around),
		TEST(ends_of_connections),
		TEST(states_expire),
		TEST(states_are_those_of_rules_in_force),
		TEST(other_flows_have_no_state),
		TEST(a_full_table_refuses),
		TEST(limits_count_what_lives),
		TEST(parents_are_limited),
		TEST(kills_one),
		TEST(all_the_room_can_be_used),
		TEST(a_table_without_a_free_cell_refuses),
		TEST(states_without_room_at_home_are_further_on),
		TEST(states_are_restored),
		TEST(a_held_home_refuses),
		cmocka_unit_test_setup_teardown(a_held_sweep_is_left_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_timer_removes_some_at_a_time, set_up_many, tear_down),
		cmocka_unit_test_setup_teardown(the_timer_looks_at_some_at_a_time, set_up_many, tear_down),
		TEST(limits_are_exact_on_two_cpus),
		TEST(dyn_max_is_exact_on_two_cpus),
		TEST(one_flow_is_one_state_on_two_cpus),
		TEST(killing_loses_no_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
