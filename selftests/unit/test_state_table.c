/* SPDX-License-Identifier: GPL-2.0-only */
/* Where states are kept: cells, room, the larger maps that a commit makes, and the sweep. */
#include "selftests/unit/states_fixture.h"

#include <errno.h>
#include <time.h>

#define MANY 65536 /* in place of ROOM */

static int set_up_many(void **state)
{
	return set_up_room(MANY);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATES_TEST(all_the_room_can_be_used),
		STATES_TEST(a_table_without_a_free_cell_refuses),
		STATES_TEST(states_without_room_at_home_are_further_on),
		STATES_TEST(states_are_restored),
		STATES_TEST(a_held_home_refuses),
		STATES_TEST(a_held_sweep_is_left_alone),
		cmocka_unit_test_setup_teardown(the_timer_removes_some_at_a_time, set_up_many, tear_down),
		cmocka_unit_test_setup_teardown(the_timer_looks_at_some_at_a_time, set_up_many, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
