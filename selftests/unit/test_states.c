/* SPDX-License-Identifier: GPL-2.0-only */
/* Dynamic rules as the loaded code makes, refreshes, limits and kills them. */
#include "selftests/unit/states_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATES_TEST(first_packets_decide),
		STATES_TEST(a_first_segment_without_syn_lives_as_one_reset),
		STATES_TEST(closing_lifetimes_are_bounded),
		STATES_TEST(acknowledgments_refresh),
		STATES_TEST(acknowledgments_wrap_around),
		STATES_TEST(ends_of_connections),
		STATES_TEST(states_expire),
		STATES_TEST(states_are_those_of_rules_in_force),
		STATES_TEST(other_flows_have_no_state),
		STATES_TEST(a_full_table_refuses),
		STATES_TEST(limits_count_what_lives),
		STATES_TEST(parents_are_limited),
		STATES_TEST(kills_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
