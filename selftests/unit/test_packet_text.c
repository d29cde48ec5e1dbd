/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets as text: descriptions to frames and back, and what is wrong with a description. */
#include "selftests/unit/support.h"

#include <sysexits.h>

#include "ipfw-compat/diag.h"
#include "ipfw-compat/packet_text.h"

static __u8 frame[DESCRIPTION_FRAME_MAX];

static int parse(struct description *description, const char *text, struct error *error)
{
	struct words words = {0};
	int result;

	error_clear(error);
	assert_int_equal(words_split(&words, text, error), 0);
	result = description_parse(description, &words, 0, error);
	words_free(&words);
	return result;
}

static size_t build(const char *text, bool ethernet)
{
	struct description description;
	struct error error;

	if (parse(&description, text, &error))
		fail_msg("%s: %s", text, error.message);
	return description_build(&description, ethernet, frame);
}

/* What is printed for a frame is `text`, or `expected` if that is given. */
static void check_round(const char *text, const char *expected, bool ethernet)
{
	char printed[DESCRIPTION_TEXT_MAX], again[DESCRIPTION_TEXT_MAX];
	struct description description;
	size_t length = build(text, ethernet), second;
	__u8 *first = malloc(length);

	memcpy(first, frame, length);
	description_read(&description, frame, length, ethernet);
	assert_null(description.problem);
	description_print(printed, &description, ethernet);
	assert_string_equal(printed, expected ? expected : text);
	second = build(printed, ethernet);
	assert_int_equal(second, length);
	assert_memory_equal(frame, first, length);
	description_read(&description, frame, length, ethernet);
	description_print(again, &description, ethernet);
	assert_string_equal(again, printed);
	free(first);
}

static void test_round_trip(void **state)
{
	static const struct {
		const char *text, *printed; /* NULL: the same */
	} cases[] = {
		{"tcp 10.0.0.5:1234 > 192.0.2.1:80 syn", NULL},
		{"tcp 10.0.0.5:1234 to 192.0.2.1:80", "tcp 10.0.0.5:1234 > 192.0.2.1:80 syn"},
		{"tcp from 10.0.0.5 -> 192.0.2.1:http", "tcp 10.0.0.5:49152 > 192.0.2.1:80 syn"},
		{"tcp 10.0.0.5:1 > 192.0.2.1:80 syn,ack seq 7 ack 9 win 1000 mss 1400", NULL},
		{"tcp 10.0.0.5:1 > 192.0.2.1:80 syn ack", "tcp 10.0.0.5:1 > 192.0.2.1:80 syn,ack"},
		{"tcp 10.0.0.5:1 > 192.0.2.1:80 ack 9", "tcp 10.0.0.5:1 > 192.0.2.1:80 ack ack 9"},
		{"tcp 10.0.0.5:1 > 192.0.2.1:80 flags syn ack 9", "tcp 10.0.0.5:1 > 192.0.2.1:80 flags syn ack 9"},
		{"tcp 10.0.0.5:1 > 192.0.2.1:80 flags none", NULL},
		{"tcp 10.0.0.5:1 > 192.0.2.1:80 ack,urg,ece,cwr", NULL},
		{"tcp 10.0.0.5:1 > 192.0.2.1:80 syn tcpoptions mss,window,sack,ts,cc", NULL},
		{"tcp 10.0.0.5:1 > 192.0.2.1:80 syn mss 536 tcpoptions window,sack", NULL},
		{"tcp 10.0.0.5:1 > 192.0.2.1:80 psh,ack len 1500 ttl 3 id 99 df dscp ef ecn 1",
		 "tcp 10.0.0.5:1 > 192.0.2.1:80 psh,ack dscp ef ecn 1 ttl 3 id 99 df len 1500"},
		{"tcp [2001:db8::1]:1234 > [2001:db8::2]:80 syn", NULL},
		{"tcp 2001:db8::1 > [2001:db8::2]:80 syn", "tcp [2001:db8::1]:49152 > [2001:db8::2]:80 syn"},
		{"udp [2001:db8::1]:53 > [2001:db8::2]:99 len 100", NULL},
		{"udp 10.0.0.5:53 > 192.0.2.1:99 tos 0x10", "udp 10.0.0.5:53 > 192.0.2.1:99 dscp 4"},
		{"udp 10.0.0.5:53 > 192.0.2.1:99 ipoptions ssrr,lsrr,rr,ts", NULL},
		{"udp 10.0.0.5:53 > 192.0.2.1:99 frag 0+ len 1500", NULL},
		{"udp 10.0.0.5 > 192.0.2.1 frag 1480 len 100", NULL},
		{"udp 10.0.0.5 > 192.0.2.1 frag 1480+ len 100", NULL},
		{"udp 10.0.0.5:53 > 192.0.2.1:99 mf", "udp 10.0.0.5:53 > 192.0.2.1:99 frag 0+"},
		{"udp 10.0.0.5:53 > 192.0.2.1:99 rf df", NULL},
		{"udp [2001:db8::1]:53 > [2001:db8::2]:99 frag 0+ len 200", NULL},
		{"udp 2001:db8::1 > 2001:db8::2 frag 64 len 200", NULL},
		{"udp [2001:db8::1]:53 > [2001:db8::2]:99 ext6hdr frag", NULL},
		{"udp [2001:db8::1]:53 > [2001:db8::2]:99 ext6hdr hopopt,dstopt,ah", NULL},
		{"udp [2001:db8::1]:53 > [2001:db8::2]:99 ext6hdr rthdr0,rthdr2",
		 "udp [2001:db8::1]:53 > [2001:db8::2]:99 ext6hdr route,rthdr0,rthdr2"},
		{"udp [2001:db8::1]:53 > [2001:db8::2]:99 flow-id 77 hlim 2",
		 "udp [2001:db8::1]:53 > [2001:db8::2]:99 ttl 2 flow-id 77"},
		{"udplite 10.0.0.5:53 > 192.0.2.1:99", NULL},
		{"sctp 10.0.0.5:53 > 192.0.2.1:99", NULL},
		{"sctp [2001:db8::1]:53 > [2001:db8::2]:99 chunk abort vtag 5", NULL},
		{"icmp 10.0.0.5 > 192.0.2.1", "icmp 10.0.0.5 > 192.0.2.1 type echo"},
		{"icmp 10.0.0.5 > 192.0.2.1 type echo-reply", NULL},
		{"icmp 10.0.0.5 > 192.0.2.1 type 3 code 3 len 56",
		 "icmp 10.0.0.5 > 192.0.2.1 type unreachable code port len 56"},
		{"icmp 10.0.0.5 > 192.0.2.1 type unreachable code needfrag mtu 1400", NULL},
		{"icmp 10.0.0.5 > 192.0.2.1 type 77 code 3", NULL},
		{"icmp6 2001:db8::1 > 2001:db8::2 type 128", "icmp6 2001:db8::1 > 2001:db8::2 type echo"},
		{"ipv6-icmp 2001:db8::1 > 2001:db8::2 type too-big mtu 1280",
		 "icmp6 2001:db8::1 > 2001:db8::2 type too-big mtu 1280"},
		{"icmp6 2001:db8::1 > 2001:db8::2 type unreachable code no-route",
		 "icmp6 2001:db8::1 > 2001:db8::2 type unreachable"},
		{"icmp6 2001:db8::1 > 2001:db8::2 type unreachable code port", NULL},
		{"gre 10.0.0.5 > 192.0.2.1 len 24", NULL},
		{"58 10.0.0.5 > 192.0.2.1", NULL},
		{"1 2001:db8::1 > 2001:db8::2", NULL},
		{"200 10.0.0.5 > 192.0.2.1 len 20", "200 10.0.0.5 > 192.0.2.1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_round(cases[i].text, cases[i].printed, false);
	check_round("tcp 10.0.0.5:1 > 192.0.2.1:80 syn vlan 10 vlan 20 mac 02:00:00:00:00:01 > 02:00:00:00:00:02", NULL,
		    true);
	check_round("mac-type arp len 28 mac 02:00:00:00:00:01 to ff:ff:ff:ff:ff:ff",
		    "mac-type arp len 28 mac 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff", true);
	check_round("mac-type 0x88cc mac 2:0:0:0:0:1 to 1:80:c2:0:0:e",
		    "mac-type 0x88cc mac 02:00:00:00:00:01 > 01:80:c2:00:00:0e", true);
}

/* Sum of RFC 1071 over 16-bit words. */
static __u32 sum(const __u8 *bytes, size_t length, __u32 start)
{
	for (size_t i = 0; i < length; i++)
		start += i % 2 ? bytes[i] : (__u32)bytes[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

static void test_checksums(void **state)
{
	static const char *const texts[] = {
		"tcp 10.0.0.5:1234 > 192.0.2.1:80 syn mss 1460 len 99",
		"udp 10.0.0.5:1234 > 192.0.2.1:80 len 43 ipoptions rr",
		"tcp [2001:db8::1]:1234 > [2001:db8::2]:80 syn len 88",
		"udp [2001:db8::1]:1234 > [2001:db8::2]:80",
		"icmp6 2001:db8::1 > 2001:db8::2 len 71",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t length = build(texts[i], false);
		bool v4 = *frame >> 4 == 4;
		size_t header = v4 ? (*frame & 15) * 4 : 40, addresses = v4 ? 8 : 32;
		__u32 pseudo = (v4 ? frame[9] : frame[6]) + (__u32)(length - header);

		if (v4)
			assert_int_equal(sum(frame, header, 0), 0xffff);
		pseudo = sum(frame + (v4 ? 12 : 8), addresses, pseudo);
		assert_int_equal(sum(frame + header, length - header, pseudo), 0xffff);
	}
	assert_int_equal(sum(frame + 20, build("icmp 10.0.0.5 > 192.0.2.1 len 61", false) - 20, 0), 0xffff);
	/* CRC-32C, by another implementation. */
	build("sctp 10.0.0.5:1 > 192.0.2.1:2", false);
	assert_memory_equal(frame + 28, "\x69\x2e\x41\xb9", 4);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		int exit_code, word;
		const char *message;
	} cases[] = {
		{"", EX_USAGE, 0, "missing packet"},
		{"tpc 10.0.0.5:1 > 192.0.2.1:80", EX_DATAERR, 0, "unknown protocol ``tpc''"},
		{"ip 10.0.0.5 > 192.0.2.1", EX_DATAERR, 0, "a packet has one protocol, not ``ip''"},
		{"256 10.0.0.5 > 192.0.2.1", EX_DATAERR, 0, "unknown protocol ``256''"},
		{"tcp", EX_USAGE, 1, "missing source"},
		{"tcp 10.0.0.5:1", EX_USAGE, 2, "missing destination"},
		{"tcp 10.0.0.5:1 192.0.2.1:80", EX_USAGE, 2, "``192.0.2.1:80'' instead of \">\" or \"to\""},
		{"tcp 10.0.0.5:1 >", EX_USAGE, 3, "missing destination"},
		{"tcp 10.0.0:1 > 192.0.2.1:80", EX_DATAERR, 1, "bad address ``10.0.0:1''"},
		{"tcp 10.0.0.5:x > 192.0.2.1:80", EX_DATAERR, 1, "bad port ``x''"},
		{"tcp 10.0.0.5:65536 > 192.0.2.1:80", EX_DATAERR, 1, "bad port ``65536''"},
		{"tcp 10.0.0.5:1 > [2001:db8::1]:80", EX_DATAERR, 3,
		 "[2001:db8::1]:80: not of the same family as the source"},
		{"tcp [2001:db8::1:1 > [2001:db8::1]:80", EX_DATAERR, 1, "bad address ``[2001:db8::1:1''"},
		{"tcp 10.0.0.5:1 > 192.0.2.1", EX_DATAERR, 3, "missing destination port"},
		{"icmp 10.0.0.5:1 > 192.0.2.1", EX_DATAERR, 1, "10.0.0.5:1: this protocol has no ports"},
		{"icmp6 10.0.0.5 > 192.0.2.1", EX_DATAERR, 0, "icmp6 does not go with IPv4 addresses"},
		{"icmp 2001:db8::1 > 2001:db8::2", EX_DATAERR, 0, "icmp does not go with IPv6 addresses"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 syn", EX_DATAERR, 4, "syn: this packet has no such thing"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 ttl", EX_USAGE, 5, "missing value of ttl"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 ttl 256", EX_DATAERR, 5, "bad value ``256''"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 ttl x", EX_DATAERR, 5, "bad value ``x''"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 dscp af99", EX_DATAERR, 5, "bad value ``af99''"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 flow-id 1", EX_DATAERR, 4, "flow-id: this packet has no such thing"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 blue", EX_DATAERR, 4, "unknown word ``blue''"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 len 27", EX_DATAERR, 5, "shorter than the headers"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 len 65536", EX_DATAERR, 5, "bad value ``65536''"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 frag 8", EX_DATAERR, 4, "only the first fragment has ports"},
		{"udp 10.0.0.5 > 192.0.2.1 frag 9", EX_DATAERR, 5, "bad fragment offset ``9''"},
		{"udp 10.0.0.5 > 192.0.2.1 frag 8++", EX_DATAERR, 5, "bad fragment offset ``8++''"},
		{"tcp 10.0.0.5 > 192.0.2.1 win 9 frag 8", EX_DATAERR, 4, "win: this packet has no such thing"},
		{"udp [2001:db8::1]:1 > [2001:db8::2]:2 df", EX_DATAERR, 4, "df: IPv6 has no such flag"},
		{"udp [2001:db8::1]:1 > [2001:db8::2]:2 ext6hdr esp", EX_DATAERR, 5, "this header cannot be made"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 mac 02:00:00:00:00:01 02:00:00:00:00:02", EX_USAGE, 6,
		 "``02:00:00:00:00:02'' instead of \">\" or \"to\""},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 mac 02:00:00:00:00 to 02:00:00:00:00:02", EX_DATAERR, 5,
		 "bad link address ``02:00:00:00:00''"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 vlan 4095", EX_DATAERR, 5, "bad VLAN ``4095''"},
		{"udp 10.0.0.5:1 > 192.0.2.1:80 vlan 1 vlan 2 vlan 3", EX_DATAERR, 9, "bad VLAN ``3''"},
		{"icmp 10.0.0.5 > 192.0.2.1 type echo mtu 5", EX_DATAERR, 6, "mtu: this packet has no such thing"},
		{"mac-type blue", EX_DATAERR, 1, "bad EtherType ``blue''"},
		{"mac-type arp ttl 5", EX_DATAERR, 2, "ttl: this packet has no such thing"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct description description;
		struct error error;

		if (!parse(&description, cases[i].text, &error))
			fail_msg("%s: no error", cases[i].text);
		assert_string_equal(error.message, cases[i].message);
		assert_int_equal(error.exit_code, cases[i].exit_code);
		assert_int_equal(error.word, cases[i].word);
	}
}

static void check_problem(const char *text, size_t length, bool ethernet, const char *expected)
{
	char printed[DESCRIPTION_TEXT_MAX];
	struct description description;

	assert_true(build(text, ethernet) >= length);
	description_read(&description, frame, length, ethernet);
	description_print(printed, &description, false);
	assert_string_equal(printed, expected);
}

static void test_problems(void **state)
{
	const char *tcp = "tcp 10.0.0.5:1 > 192.0.2.1:80 syn";

	check_problem(tcp, 0, false, "mac-type ip (no whole IPv4 header)");
	check_problem(tcp, 19, false, "mac-type ip (no whole IPv4 header)");
	check_problem(tcp, 30, false, "tcp 10.0.0.5 > 192.0.2.1 (shorter than its header says)");
	check_problem(tcp, 13, true, "no packet (shorter than a link header)");
	check_problem("udp [2001:db8::1]:1 > [2001:db8::2]:2", 39, false, "mac-type ipv6 (no whole IPv6 header)");
	check_problem("udp 10.0.0.5:1 > 192.0.2.1:2 vlan 3", 16, true, "no packet (VLAN tag that is not whole)");
}

static void collect(void *argument, const char *name, const char *before, const char *after)
{
	char *text = argument;

	sprintf(text + strlen(text), "%s %s %s;", name, before, after);
}

static void check_difference(const char *one, const char *other, const char *expected)
{
	struct description before, after;
	char found[512] = "";
	struct error error;

	assert_int_equal(parse(&before, one, &error), 0);
	assert_int_equal(parse(&after, other, &error), 0);
	description_compare(&before, &after, collect, found);
	assert_string_equal(found, expected);
}

static void test_differences(void **state)
{
	const char *tcp = "tcp 10.0.0.5:1 > 192.0.2.1:80 syn mss 1460";

	check_difference(tcp, tcp, "");
	check_difference(tcp, "tcp 10.0.0.5:1 > 192.0.2.1:80 syn mss 1400 dscp ef", "mss 1460 1400;dscp be ef;");
	check_difference(tcp, "tcp 10.0.0.6:2 > 192.0.2.1:80 syn mss 1460 ttl 63",
			 "source 10.0.0.5 10.0.0.6;source port 1 2;ttl 64 63;");
	check_difference(tcp, "udp 10.0.0.5:1 > 192.0.2.1:80 len 44",
			 "protocol tcp udp;flags syn -;seq 0 -;ack 0 -;win 65535 -;mss 1460 -;tcpoptions none -;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_checksums),   cmocka_unit_test(test_errors),
		cmocka_unit_test(test_problems),   cmocka_unit_test(test_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
