/* SPDX-License-Identifier: GPL-2.0-only */
/* States that two CPUs make, count and kill at once. */
#include "selftests/unit/states_fixture.h"

#include <pthread.h>
#include <sched.h>

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

/* What may differ between flows of the same parent. */
static enum states_new new_beside(__u32 fields)
{
	if (!(fields & LIMIT_SOURCE_PORT))
		return STATES_NEW_SOURCE_PORT;
	if (!(fields & LIMIT_DESTINATION_PORT))
		return STATES_NEW_PORT;
	if (!(fields & LIMIT_SOURCE_ADDRESS))
		return STATES_NEW_SOURCE;
	return fields & LIMIT_DESTINATION_ADDRESS ? STATES_SAME : STATES_NEW_DESTINATION;
}

/* Never one more than the limit, and as many, whatever is counted; all that differs in it has a limit of its own. */
static void check_limit(__u32 fields)
{
	enum states_new what = new_beside(fields);
	struct states_order order = {.what = STATES_KEEP,
				     .slot = SLOT,
				     .name = NAME,
				     .connections = 50,
				     .order = STATE_ORDER(NUMBER, fields),
				     .new_flow = what,
				     .packet = packet_of(UDP, false)};

	run_twice(&order);
	/* A flow is one state, of which all packets are. */
	assert_int_equal(results->hits, what ? 50 : 2 * REPEAT);
	assert_int_equal(totals->states, what ? 50 : 1);
	assert_int_equal(totals->parents, 1);
	assert_int_equal(totals->refused, what ? 2 * REPEAT - 50 : 0);
	order.packet.source[0] = order.packet.destination[0] = 9;
	order.packet.source_port = order.packet.destination_port = 9;
	run(&order, 1);
	assert_int_equal(order.result, 1);
	assert_int_equal(totals->parents, 2);
}

static void limits_are_exact_on_two_cpus(void **state)
{
	const __u32 all = LIMIT_SOURCE_ADDRESS | LIMIT_SOURCE_PORT | LIMIT_DESTINATION_ADDRESS | LIMIT_DESTINATION_PORT;
	int combinations = 0;

	for (__u32 fields = 1; fields <= all; fields++) {
		if (fields & ~all)
			continue;
		set_up(state);
		check_limit(fields);
		tear_down(state);
		combinations++;
	}
	assert_int_equal(combinations, 15);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_are_exact_on_two_cpus),
		STATES_TEST(dyn_max_is_exact_on_two_cpus),
		STATES_TEST(one_flow_is_one_state_on_two_cpus),
		STATES_TEST(killing_loses_no_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
