/* SPDX-License-Identifier: GPL-2.0-only */
/* `setdscp' and `tcp-setmss': the bytes of the packet, its checksums and its descriptor afterwards. */
#include "selftests/unit/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct interface_list no_interfaces;

#define SYN 0x02
#define ACK 0x10
#define TCP_BYTES 20

struct sample {
	struct packet packet;
	__u8 bytes[160];
	size_t length;
};

static __u16 internet_sum(const __u8 *bytes, size_t length, __u32 sum)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (__u32)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

static void put16(__u8 *bytes, __u16 value)
{
	bytes[0] = (__u8)(value >> 8);
	bytes[1] = (__u8)value;
}

/* Sum over a TCP segment and its pseudo-header: 0xffff if the checksum is right. */
static __u16 tcp_sum(const struct sample *sample)
{
	size_t network = sample->packet.network_length, length = sample->length - network;
	bool ip4 = sample->packet.family == 4;
	__u32 pseudo = internet_sum(sample->bytes + (ip4 ? 12 : 8), ip4 ? 8 : 32, IPPROTO_TCP + (__u32)length);

	return internet_sum(sample->bytes + network, length, pseudo);
}

static void make_ip(struct sample *sample, unsigned int family, __u8 traffic_class)
{
	static const __u8 pattern[] = {0x20, 0x01, 0x0d, 0xb8, 0x7f, 0xff, 0x80, 0x00, 0xfe, 0xdc, 0xba, 0x98};
	__u8 *ip = sample->bytes;

	if (family == 4) {
		ip[0] = 0x45;
		ip[1] = traffic_class;
		put16(ip + 2, (__u16)sample->length);
		ip[8] = 64;
		ip[9] = IPPROTO_TCP;
		memcpy(ip + 12, pattern, 8);
		put16(ip + 10, (__u16)~internet_sum(ip, 20, 0));
	} else {
		put16(ip, (__u16)(0x6000 | traffic_class << 4 | 0xa));
		put16(ip + 2, 0xbcde);
		put16(ip + 4, (__u16)(sample->length - 40));
		ip[6] = IPPROTO_TCP;
		ip[7] = 64;
		for (size_t i = 8; i < 40; i++)
			ip[i] = pattern[i % sizeof(pattern)];
	}
}

/* A TCP packet with these options; `room` bytes of its header are theirs. */
static struct sample make_tcp(unsigned int family, __u8 traffic_class, __u8 flags, const __u8 *options, size_t room)
{
	__u16 network = family == 4 ? 20 : 40;
	struct sample sample = {.length = network + TCP_BYTES + room};
	__u8 *tcp = sample.bytes + network;

	make_ip(&sample, family, traffic_class);
	put16(tcp, 1025);
	put16(tcp + 2, 80);
	put16(tcp + 4, 0x1234);
	tcp[12] = (__u8)((TCP_BYTES + room) / 4 << 4);
	tcp[13] = flags;
	memcpy(tcp + TCP_BYTES, options, room);
	sample.packet = (struct packet){
		.family = (__u8)family,
		.protocol = IPPROTO_TCP,
		.flags = PACKET_PORTS | PACKET_TCP,
		.tcp_flags = flags,
		.segments = 1,
		.bytes = (__u32)sample.length,
		.network_offset = sizeof(struct packet),
		.network_length = network,
		.transport_offset = (__u16)(sizeof(struct packet) + network),
	};
	put16(tcp + 16, (__u16)~tcp_sum(&sample));
	assert_int_equal(tcp_sum(&sample), 0xffff);
	return sample;
}

/* Loads one rule with the action, in slot 1, in front of the default rule. */
static struct probe load_action(enum action_code code, __u32 argument)
{
	struct ruleset ruleset = {0};
	struct rule *rule = rule_with_action("100 count ip from any to any", code, argument);
	struct probe probe;

	rule->slot = 1;
	assert_int_equal(ruleset_insert(&ruleset, rule), 0);
	assert_int_equal(ruleset_insert(&ruleset, rule_default("allow")), 0);
	probe = probe_load(&ruleset, &no_interfaces, true);
	ruleset_free(&ruleset);
	return probe;
}

/* Runs it on the packet; the search must go on behind it. Returns whether it counted. */
static bool run_action(const struct probe *probe, struct sample *sample)
{
	__u64 before = probe_counted(probe, 1);
	__u64 result = probe_run_bytes(probe, &sample->packet, sample->bytes, sample->length);

	assert_int_equal(MATCH_VERDICT(result), VERDICT_ALLOW);
	return probe_counted(probe, 1) > before;
}

static const __u8 no_options[1];

/* Every DSCP over every traffic class: the ECN bits stay, nothing else changes, the IPv4 header's checksum holds. */
static void sets_each_dscp(void **state)
{
	for (unsigned int dscp = 0; dscp < 64; dscp += 3) {
		struct probe probe = load_action(ACTION_SETDSCP, dscp);

		for (unsigned int before = 0; before < 256; before += 5) {
			__u8 after = (__u8)(dscp << 2 | (before & 3));
			struct sample ip4 = make_tcp(4, (__u8)before, SYN, no_options, 0);
			struct sample ip6 = make_tcp(6, (__u8)before, SYN, no_options, 0);
			struct sample wanted4 = make_tcp(4, after, SYN, no_options, 0);
			struct sample wanted6 = make_tcp(6, after, SYN, no_options, 0);

			assert_true(run_action(&probe, &ip4) && run_action(&probe, &ip6));
			assert_memory_equal(ip4.bytes, wanted4.bytes, wanted4.length);
			assert_memory_equal(ip6.bytes, wanted6.bytes, wanted6.length);
			assert_int_equal(ip4.packet.traffic_class, after);
			assert_int_equal(ip6.packet.traffic_class, after);
		}
		probe_close(&probe);
	}
}

/* A wrong checksum stays as wrong as it is: it is corrected by the difference, not made anew. */
static void keeps_a_wrong_checksum_wrong(void **state)
{
	struct probe probe = load_action(ACTION_SETDSCP, 46);
	struct sample sample = make_tcp(4, 1, SYN, no_options, 0);
	__u16 sum;

	sample.bytes[11] ^= 0x40;
	sum = internet_sum(sample.bytes, 20, 0);
	assert_int_not_equal(sum, 0xffff);
	assert_true(run_action(&probe, &sample));
	assert_int_equal(sample.bytes[1], 46 << 2 | 1);
	assert_int_equal(internet_sum(sample.bytes, 20, 0), sum);
	probe_close(&probe);
}

static void no_ip_has_no_dscp(void **state)
{
	struct probe probe = load_action(ACTION_SETDSCP, 46);
	struct sample sample = make_tcp(4, 0, SYN, no_options, 0), before = sample;

	sample.packet.family = 0;
	assert_false(run_action(&probe, &sample));
	assert_memory_equal(sample.bytes, before.bytes, before.length);
	probe_close(&probe);
}

#define MSS_LIMIT 1400
#define MSS(value) 2, 4, (value) >> 8, (value)&0xff
#define NOP 1
#define END 0

static const struct mss_case {
	const char *name;
	__u8 flags;
	bool counts;
	__u8 length; /* of the options; a multiple of 4 */
	__u8 before[20], after[20];
} mss_cases[] = {
	{"alone", SYN, true, 4, {MSS(1460)}, {MSS(MSS_LIMIT)}},
	{"with an acknowledgment", SYN | ACK, true, 4, {MSS(1460)}, {MSS(MSS_LIMIT)}},
	{"lower already", SYN, true, 4, {MSS(536)}, {MSS(536)}},
	{"equal already", SYN, true, 4, {MSS(MSS_LIMIT)}, {MSS(MSS_LIMIT)}},
	{"one more", SYN, true, 4, {MSS(MSS_LIMIT + 1)}, {MSS(MSS_LIMIT)}},
	{"the largest", SYN, true, 4, {MSS(0xffff)}, {MSS(MSS_LIMIT)}},
	{"at an odd place", SYN, true, 8, {NOP, MSS(1460), NOP, NOP, NOP}, {NOP, MSS(MSS_LIMIT), NOP, NOP, NOP}},
	{"at an even place", SYN, true, 8, {NOP, NOP, MSS(1460), NOP, NOP}, {NOP, NOP, MSS(MSS_LIMIT), NOP, NOP}},
	{"at the end", SYN, true, 8, {3, 3, 7, NOP, MSS(9000)}, {3, 3, 7, NOP, MSS(MSS_LIMIT)}},
	{"the first of two", SYN, true, 8, {MSS(1460), MSS(1460)}, {MSS(MSS_LIMIT), MSS(1460)}},
	{"no SYN", ACK, false, 4, {MSS(1460)}, {MSS(1460)}},
	{"no MSS", SYN, false, 4, {3, 3, 7, NOP}, {3, 3, 7, NOP}},
	{"no options", SYN, false, 0, {0}, {0}},
	{"behind the end of the list", SYN, false, 8, {END, NOP, NOP, NOP, MSS(1460)}, {END, NOP, NOP, NOP, MSS(1460)}},
	{"of a wrong length", SYN, false, 4, {2, 3, 1460 >> 8, 1460 & 0xff}, {2, 3, 1460 >> 8, 1460 & 0xff}},
	{"behind a wrong length", SYN, false, 8, {8, 1, NOP, NOP, MSS(1460)}, {8, 1, NOP, NOP, MSS(1460)}},
	{"behind a length of 0", SYN, false, 8, {8, 0, NOP, NOP, MSS(1460)}, {8, 0, NOP, NOP, MSS(1460)}},
	{"behind a length that is too large", SYN, false, 8, {8, 9, NOP, NOP, MSS(1460)}, {8, 9, NOP, NOP, MSS(1460)}},
	{"cut off", SYN, false, 4, {NOP, NOP, 2, 4}, {NOP, NOP, 2, 4}},
};

static void lowers_the_mss(void **state)
{
	struct probe probe = load_action(ACTION_TCP_SETMSS, MSS_LIMIT);

	for (size_t i = 0; i < sizeof(mss_cases) / sizeof(*mss_cases); i++) {
		const struct mss_case *one = mss_cases + i;

		for (unsigned int family = 4; family <= 6; family += 2) {
			struct sample sample = make_tcp(family, 0, one->flags, one->before, one->length);
			struct sample wanted = make_tcp(family, 0, one->flags, one->after, one->length);

			if (run_action(&probe, &sample) != one->counts)
				fail_msg("%s, IPv%u: counted or not, against what was expected", one->name, family);
			if (memcmp(sample.bytes, wanted.bytes, wanted.length))
				fail_msg("%s, IPv%u: other bytes than expected", one->name, family);
		}
	}
	probe_close(&probe);
}

/* Later rules test the new MSS, if any does. */
static void the_descriptor_follows(void **state)
{
	static const __u8 options[] = {NOP, MSS(1460), NOP, 3, 3, 7};
	struct probe probe = load_action(ACTION_TCP_SETMSS, MSS_LIMIT);
	struct sample filled = make_tcp(4, 0, SYN, options, sizeof(options)), unfilled = filled;

	filled.packet.tcp_options = TCP_OPTION_MSS | TCP_OPTION_WINDOW;
	filled.packet.tcp_mss = 1460;
	assert_true(run_action(&probe, &filled) && run_action(&probe, &unfilled));
	assert_int_equal(filled.packet.tcp_mss, MSS_LIMIT);
	assert_int_equal(filled.packet.tcp_options, TCP_OPTION_MSS | TCP_OPTION_WINDOW);
	assert_int_equal(unfilled.packet.tcp_mss, 0);
	probe_close(&probe);
}

/* A header length beyond the packet: what is there is padding of the link. */
static void padding_is_no_option(void **state)
{
	static const __u8 options[] = {MSS(1460)};
	struct probe probe = load_action(ACTION_TCP_SETMSS, MSS_LIMIT);
	struct sample sample = make_tcp(4, 0, SYN, options, sizeof(options)), before = sample;

	sample.packet.bytes -= sizeof(options);
	assert_false(run_action(&probe, &sample));
	assert_memory_equal(sample.bytes, before.bytes, before.length);
	probe_close(&probe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_each_dscp),	  cmocka_unit_test(keeps_a_wrong_checksum_wrong),
		cmocka_unit_test(no_ip_has_no_dscp),	  cmocka_unit_test(lowers_the_mss),
		cmocka_unit_test(the_descriptor_follows), cmocka_unit_test(padding_is_no_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
