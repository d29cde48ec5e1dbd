/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules with `log`: what the compiled modifier writes, and records as ipfw's lines and as JSON. */
#include "selftests/unit/probe.h"

#include <time.h>

#include "ipfw-compat/log_json.h"
#include "ipfw-compat/log_text.h"
#include "ipfw-compat/ruleset_edit.h"
#include "ipfw/log_record.h"
#include "maps/layout.h"
#include "maps/log_counts.h"

#define IP4(a, b, c, d)                                                                                                \
	{                                                                                                              \
		__builtin_bswap32((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))                                       \
	}
#define TCP4 .family = 4, .protocol = 6, .flags = PACKET_PORTS | PACKET_TCP, .network_length = 20
#define UDP4 .family = 4, .protocol = 17, .flags = PACKET_PORTS, .network_length = 20
#define UDP6 .family = 6, .protocol = 17, .flags = PACKET_PORTS, .network_length = 40
#define ENDS4 .source = IP4(10, 0, 0, 5), .destination = IP4(192, 0, 2, 1)
#define PORTS .source_port = 1025, .destination_port = 53

/* Which action, of which packet, makes which line. `bytes`: the packet's beginning in hexadecimal. */
static const struct line_case {
	__u16 action;
	__u32 argument;
	struct packet packet;
	const char *bytes;
	const char *line;
} lines[] = {
	{ACTION_DENY, 0, {UDP4, ENDS4, PORTS}, "", "ipfw: 900 Deny UDP 10.0.0.5:1025 192.0.2.1:53 in via em0"},
	{ACTION_ALLOW,
	 0,
	 {TCP4, ENDS4, PORTS, .transmit_interface = 2},
	 "",
	 "ipfw: 900 Accept TCP 10.0.0.5:1025 192.0.2.1:53 out via em0"},
	{ACTION_COUNT,
	 0,
	 {UDP6, PORTS, .source = {0xb80d0120, 0, 0, 0x05000000}, .destination = {0, 0, 0, 0x01000000}},
	 "",
	 "ipfw: 900 Count UDP [2001:db8::5]:1025 [::1]:53 in via em0"},
	{ACTION_SKIPTO,
	 300,
	 {.family = 4, .protocol = 47, ENDS4},
	 "",
	 "ipfw: 900 SkipTo 300 P:47 10.0.0.5 192.0.2.1 in via em0"},
	{ACTION_UNREACH,
	 1,
	 {.family = 4, .protocol = 132, .flags = PACKET_PORTS, ENDS4, PORTS},
	 "",
	 "ipfw: 900 Reject P:132 10.0.0.5 192.0.2.1 in via em0"},
	{ACTION_UNREACH,
	 13,
	 {.family = 4, .protocol = 1, .flags = PACKET_ICMP, .network_length = 20, ENDS4},
	 "45000024000100004001aed20a000005c0000201"
	 "0802",
	 "ipfw: 900 Unreach 13 ICMP:8.2 10.0.0.5 192.0.2.1 in via em0"},
	{ACTION_UNREACH6,
	 1,
	 {.family = 6, .protocol = 58, .flags = PACKET_ICMP6, .network_length = 40},
	 "600000000004"
	 "3a40"
	 "00000000000000000000000000000000"
	 "00000000000000000000000000000000"
	 "8700",
	 "ipfw: 900 Unreach 1 ICMPv6:135.0 [::] [::] in via em0"},
	{ACTION_RESET,
	 0,
	 {TCP4, ENDS4, PORTS, .fragment = FRAGMENT_MORE},
	 "4500002c004d200040068e6e0a000005c0000201",
	 "ipfw: 900 Reset TCP 10.0.0.5:1025 192.0.2.1:53 in via em0 (frag 77:24@0+)"},
	{ACTION_RESET6,
	 0,
	 {.family = 4, .protocol = 17, .network_length = 20, ENDS4, .fragment = FRAGMENT_OFFSET},
	 "4500002c004d00024011ae6c0a000005c0000201",
	 "ipfw: 900 Reset UDP 10.0.0.5 192.0.2.1 in via em0 (frag 77:24@16)"},
	{ACTION_ABORT,
	 0,
	 {.family = 4, .protocol = 1, .network_length = 24, ENDS4, .fragment = FRAGMENT_OFFSET | FRAGMENT_MORE},
	 "46000030ffff3fff4001ae6c0a000005c00002010101010145",
	 "ipfw: 900 Abort ICMP 10.0.0.5 192.0.2.1 in via em0 (frag 65535:24@65528+)"},
	/* ipfw's own numbers: the offset, 16, comes out eight times too large, and the length, 16, less 40. */
	{ACTION_ABORT6,
	 0,
	 {.family = 6, .protocol = 17, .network_length = 48, .fragment = FRAGMENT_OFFSET | FRAGMENT_MORE},
	 "600000000018"
	 "2c40"
	 "00000000000000000000000000000000"
	 "00000000000000000000000000000000"
	 "1100001100000063",
	 "ipfw: 900 Abort UDP [::] [::] in via em0 (frag 00000063:-24@128+)"},
	/* The fragment header stands behind hop-by-hop options and an authentication header. */
	{ACTION_CALL,
	 7,
	 {.family = 6, .protocol = 136, .network_length = 72, .fragment = FRAGMENT_OFFSET},
	 "600000000028"
	 "0040"
	 "00000000000000000000000000000000"
	 "00000000000000000000000000000000"
	 "3300050200000000"
	 "2c02000000000001"
	 "0000000000000000"
	 "8800000812345678",
	 "ipfw: 900 Call 7 UDPLite [::] [::] in via em0 (frag 12345678:-32@64)"},
	{ACTION_RETURN, 0, {.layer2 = 1}, "", "ipfw: 900 Return MAC in via em0"},
	{ACTION_SETDSCP, 46, {.layer2 = 1}, "", "ipfw: 900 SetDscp 46 MAC in via em0"},
	{ACTION_SETFIB, 2, {.layer2 = 1}, "", "ipfw: 900 SetFib 2 MAC in via em0"},
	{ACTION_TCP_SETMSS, 1400, {.layer2 = 1}, "", "ipfw: 900 Eaction tcp-setmss MAC in via em0"},
	{ACTION_SETMARK,
	 255,
	 {UDP4, ENDS4, PORTS, .mark = 0x10},
	 "",
	 "ipfw: 900 SetMark 0xff UDP 10.0.0.5:1025 192.0.2.1:53 mark:0x10 in via em0"},
	/* In a frame the IP header comes later. */
	{ACTION_DENY,
	 0,
	 {.layer2 = 1, .network_offset = 14, .family = 4, .protocol = 1, .network_length = 20, ENDS4},
	 "020000000001"
	 "020000000002"
	 "0800"
	 "45000024000100004001aed20a000005c0000201"
	 "0b01",
	 "ipfw: 900 Deny ICMP:11.1 10.0.0.5 192.0.2.1 in via em0"},
};

static struct log_record record_of(const struct line_case *line)
{
	struct log_record record = {
		.rule = 900, .action = line->action, .argument = line->argument, .packet = line->packet};
	unsigned int byte;

	for (const char *next = line->bytes; *next; next += 2) {
		assert_int_equal(sscanf(next, "%2x", &byte), 1);
		record.bytes[record.captured++] = (__u8)byte;
	}
	return record;
}

static void test_lines(void **state)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct log_record record = record_of(lines + i);
		char text[LOG_TEXT_MAX];

		log_text(text, &record, "em0");
		assert_string_equal(text, lines[i].line);
	}
}

/* No rule with an action whose emitter is `later` can match, and check-state has no modifiers. */
static void test_every_action_has_a_word(void **state)
{
	static const char *const emitters[] = {
#define ACTION(code, keyword, aliases, argument, terminal, emitter, ...) #emitter,
#include "ipfw/actions.def"
#undef ACTION
	};
	bool tested[ACTION_CODES] = {false};
	char text[LOG_TEXT_MAX];

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		tested[lines[i].action] = true;
	for (unsigned int code = 0; code < ACTION_CODES; code++) {
		if (!strcmp(emitters[code], "later") || code == ACTION_CHECK_STATE)
			continue;
		log_action_text(text, code, 0);
		if (!strcmp(text, "UNKNOWN") || !tested[code])
			fail_msg("action %u has no word, or no case here", code);
	}
	log_action_text(text, ACTION_CODES, 0);
	assert_string_equal(text, "UNKNOWN");
}

static void test_limit_line(void **state)
{
	struct log_record record = {.rule = 300, .limit = 4294967294u};
	char text[LOG_TEXT_MAX];

	log_limit_text(text, &record);
	assert_string_equal(text, "ipfw: limit 4294967294 reached on entry 300");
}

/* Headers that end before the record does, or lead nowhere. */
static void test_short_records(void **state)
{
	static const struct line_case shortened[] = {
		{ACTION_DENY,
		 0,
		 {.family = 6, .protocol = 17, .network_length = 48, .fragment = FRAGMENT_OFFSET},
		 "600000000018"
		 "0040"
		 "00000000000000000000000000000000"
		 "00000000000000000000000000000000"
		 "11ff",
		 "ipfw: 900 Deny UDP [::] [::] in via em0"},
		{ACTION_DENY,
		 0,
		 {.family = 4, .protocol = 1, .network_length = 20, ENDS4},
		 "",
		 "ipfw: 900 Deny ICMP:0.0 10.0.0.5 192.0.2.1 in via em0"},
	};

	for (size_t i = 0; i < sizeof(shortened) / sizeof(*shortened); i++) {
		struct log_record record = record_of(shortened + i);
		char text[LOG_TEXT_MAX];

		log_text(text, &record, "em0");
		assert_string_equal(text, shortened[i].line);
	}
}

static void expect_json(const struct log_record *record, const char *interface, const char *expected)
{
	const struct timespec time = {1700000000, 5678000};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	log_print_json(out, record, &time, interface, "LINE");
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_json(void **state)
{
	struct log_record fragment = record_of(lines + 7), frame = record_of(lines + 17);

	fragment.limit = 3;
	fragment.packet.bytes = 44;
	fragment.packet.tcp_flags = 2;
	expect_json(
		&fragment, "em\"0\\\x01",
		"{\"time\":1700000000.005678,\"rule\":900,\"action\":\"Reset\",\"direction\":\"in\","
		"\"interface\":\"em\\\"0\\\\\\u0001\",\"family\":4,\"protocol\":6,\"length\":44,"
		"\"source\":\"10.0.0.5\",\"destination\":\"192.0.2.1\",\"source_port\":1025,\"destination_port\":53,"
		"\"tcp_flags\":2,\"fragment\":{\"id\":77,\"offset\":0,\"length\":24,\"more\":true},"
		"\"limit_reached\":3,\"line\":\"LINE\"}\n");
	frame.packet.mark = 9;
	frame.packet.transmit_interface = 2;
	frame.packet.flags = PACKET_ICMP;
	frame.packet.icmp_type = 11;
	frame.packet.icmp_code = 1;
	expect_json(&frame, "em0",
		    "{\"time\":1700000000.005678,\"rule\":900,\"action\":\"Deny\",\"direction\":\"out\","
		    "\"interface\":\"em0\",\"source_mac\":\"02:00:00:00:00:02\","
		    "\"destination_mac\":\"02:00:00:00:00:01\",\"ether_type\":2048,\"family\":4,\"protocol\":1,"
		    "\"length\":0,\"source\":\"10.0.0.5\",\"destination\":\"192.0.2.1\",\"icmp_type\":11,"
		    "\"icmp_code\":1,\"mark\":9,\"line\":\"LINE\"}\n");
}

/* Loads the rule as number 100 with slot 7, and the default rule behind it. */
static struct probe load_rule(const char *text)
{
	struct rule *rule = rule_from(text);
	struct ruleset ruleset = {0};
	const struct interface_list none = {0};
	struct probe probe;

	rule->number = 100;
	rule->slot = 7;
	assert_int_equal(ruleset_insert(&ruleset, rule), 0);
	assert_int_equal(ruleset_insert(&ruleset, rule_default("deny")), 0);
	probe = probe_load(&ruleset, &none, true);
	ruleset_free(&ruleset);
	return probe;
}

struct taken {
	struct log_record last;
	size_t count;
};

static int take(void *context, void *data, size_t size)
{
	struct taken *taken = context;

	assert_true(size >= sizeof(taken->last));
	memcpy(&taken->last, data, sizeof(taken->last));
	taken->count++;
	return 0;
}

/* Runs one packet. Returns how many records it made; the last one goes to *record. */
static size_t records_of(const struct probe *probe, const struct packet *packet, struct log_record *record)
{
	int fd = bpf_object__find_map_fd_by_name(probe->object, "log_records");
	struct taken taken = {0};
	struct ring_buffer *ring = ring_buffer__new(fd, take, &taken, NULL);

	assert_non_null(ring);
	probe_run(probe, packet);
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	*record = taken.last;
	return taken.count;
}

static void test_record(void **state)
{
	struct probe probe = load_rule("unreach needfrag 1420 log logamount 0 logdst syslog tcp from any to any");
	const struct packet other = {UDP4, .segments = 1},
			    packet = {TCP4, ENDS4, PORTS, .segments = 1, .interface = 2, .network_offset = 16};
	struct log_record record;
	__u64 before;
	struct timespec now;

	assert_int_equal(records_of(&probe, &other, &record), 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	before = (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
	assert_int_equal(records_of(&probe, &packet, &record), 1);
	assert_true(record.time >= before && record.time - before < 10000000000);
	assert_int_equal(record.slot, 7);
	assert_int_equal(record.rule, 100);
	assert_int_equal(record.action, ACTION_UNREACH);
	assert_int_equal(record.argument, 4);
	assert_int_equal(record.extra, 1420);
	assert_int_equal(record.destinations, LOG_TO_SYSLOG);
	assert_int_equal(record.limit, 0);
	assert_memory_equal(&record.packet, &packet, sizeof(packet));
	/* The probe's frame is the descriptor itself, of which the record has room for the beginning. */
	_Static_assert(sizeof(packet) - 16 > LOG_CAPTURE_BYTES, "the frame is longer than what is captured");
	assert_int_equal(record.captured, LOG_CAPTURE_BYTES);
	assert_memory_equal(record.bytes, (const char *)&packet + 16, LOG_CAPTURE_BYTES);
	probe_close(&probe);
}

/* Packets that the tool only asks about leave no record. */
static void test_traced(void **state)
{
	struct probe probe = load_rule("deny log logamount 1 ip from any to any");
	struct packet packet = {TCP4, .segments = 0};
	struct log_record record;

	assert_int_equal(records_of(&probe, &packet, &record), 0);
	packet.segments = 1;
	assert_int_equal(records_of(&probe, &packet, &record), 1);
	assert_int_equal(record.limit, 1);
	probe_close(&probe);
}

static void test_capture(void **state)
{
	struct probe probe = load_rule("count log logamount 0 ip from any to any");
	struct packet packet = {TCP4, .segments = 1, .network_offset = 4};
	struct log_record record;

	assert_true(sizeof(packet) > LOG_CAPTURE_BYTES + 4);
	assert_int_equal(records_of(&probe, &packet, &record), 1);
	assert_int_equal(record.captured, LOG_CAPTURE_BYTES);
	assert_memory_equal(record.bytes, (const char *)&packet + 4, LOG_CAPTURE_BYTES);
	packet.layer2 = 1;
	assert_int_equal(records_of(&probe, &packet, &record), 1);
	assert_memory_equal(record.bytes, &packet, LOG_CAPTURE_BYTES);
	packet.layer2 = 0;
	packet.network_offset = sizeof(packet);
	assert_int_equal(records_of(&probe, &packet, &record), 1);
	assert_int_equal(record.captured, 0);
	probe_close(&probe);
}

/* Packets until the record that says so, and none behind it. */
static void expect_limit(const struct probe *probe, size_t limit)
{
	const struct packet packet = {TCP4, .segments = 1};
	struct log_record record;

	for (size_t i = 1; i <= limit + 3; i++) {
		assert_int_equal(records_of(probe, &packet, &record), i <= limit);
		if (i <= limit)
			assert_int_equal(record.limit, i == limit ? limit : 0);
	}
}

static void set_count(const struct probe *probe, __u32 slot, __u64 records)
{
	const struct log_count count = {records};
	int fd = bpf_object__find_map_fd_by_name(probe->object, "log_counts");

	assert_int_equal(bpf_map_update_elem(fd, &slot, &count, BPF_ANY), 0);
}

static void test_limit(void **state)
{
	struct probe probe = load_rule("deny log logamount 3 ip from any to any");

	expect_limit(&probe, 3);
	set_count(&probe, 8, 0);
	expect_limit(&probe, 0);
	set_count(&probe, 7, 0);
	expect_limit(&probe, 3);
	probe_close(&probe);
}

/* net.inet.ip.fw.verbose_limit becomes the limit of rules that have none of their own. */
static void test_default_limit(void **state)
{
	static const struct {
		const char *rule, *limited;
	} rules[] = {{"deny log in", "deny log logamount 5 in"},
		     {"deny log logamount 0 in", "deny log in"},
		     {"deny log logamount 7 in", "deny log logamount 7 in"},
		     {"deny in", "deny in"}};
	const struct print_options plain = {0};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct rule *rule = rule_from(rules[i].rule);
		char text[64];

		rule_limit_log(rule, 5);
		rule_print(text, sizeof(text), rule, &plain);
		assert_string_equal(text, rules[i].limited);
		free(rule);
	}
}

static __u64 losses(const struct probe *probe)
{
	__u64 records;

	assert_int_equal(log_losses_read(bpf_object__find_map_fd_by_name(probe->object, "log_losses"), &records), 0);
	return records;
}

static void test_full_ring(void **state)
{
	struct probe probe = load_rule("count log logamount 0 ip from any to any");
	const size_t room = LOG_RING_BYTES / (sizeof(struct log_record) + BPF_RINGBUF_HDR_SZ);
	const struct packet packet = {TCP4, .segments = 1};
	struct log_record record;

	for (size_t i = 0; i < room + 10; i++)
		assert_int_equal(MATCH_SLOT(probe_run(&probe, &packet)), COUNTER_SLOT_DEFAULT);
	assert_int_equal(losses(&probe), 10);
	assert_int_equal(probe_counted(&probe, 7), room + 10);
	/* The packet that starts the reading finds no room either. */
	assert_int_equal(records_of(&probe, &packet, &record), room);
	assert_int_equal(records_of(&probe, &packet, &record), 1);
	assert_int_equal(losses(&probe), 11);
	probe_close(&probe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	   cmocka_unit_test(test_every_action_has_a_word),
		cmocka_unit_test(test_limit_line), cmocka_unit_test(test_short_records),
		cmocka_unit_test(test_json),	   cmocka_unit_test(test_record),
		cmocka_unit_test(test_traced),	   cmocka_unit_test(test_capture),
		cmocka_unit_test(test_limit),	   cmocka_unit_test(test_default_limit),
		cmocka_unit_test(test_full_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
