/* SPDX-License-Identifier: GPL-2.0-only */
/* Every option row, run in the kernel: packets that match and packets that do not, plain, inverted and in or-blocks. */
#include "selftests/unit/probe.h"

#include "selftests/unit/match_modules.h"
#include "selftests/unit/table_fixture.h"

#include <arpa/inet.h>

#include "loader/compile/head.h"

static struct interface interfaces[] = {
	{.index = 1, .name = "lo"}, {.index = 2, .name = "em0"}, {.index = 5, .name = "em1"}};
static const struct interface_list list = {.interfaces = interfaces, .count = 3};

#define IP4(a, b, c, d)                                                                                                \
	{                                                                                                              \
		__builtin_bswap32((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))                                       \
	}
#define IP6(last)                                                                                                      \
	{                                                                                                              \
		__builtin_bswap32(0x20010db8), 0, 0, __builtin_bswap32(last)                                           \
	}
#define TCP4 .family = 4, .protocol = 6, .flags = PACKET_PORTS | PACKET_TCP
#define UDP4 .family = 4, .protocol = 17, .flags = PACKET_PORTS
#define TCP6 .family = 6, .protocol = 6, .flags = PACKET_PORTS | PACKET_TCP
#define FIN 0x01
#define SYN 0x02
#define ACK 0x10

static const struct match_case {
	int option; /* row that this case is about */
	const char *rule;
	bool output; /* tested as `out` */
	struct packet hit, miss;
} cases[] = {
	{OPTION_PROTOCOL, "allow tcp from any to any", false, {TCP4}, {.family = 4, .protocol = 17}},
	{OPTION_PROTOCOL, "allow not tcp from any to any", false, {.family = 4, .protocol = 17}, {TCP6}},
	{OPTION_PROTOCOL, "allow { udp or tcp } from any to any", false, {TCP6}, {.family = 4, .protocol = 1}},
	{OPTION_PROTOCOL, "allow { proto 256 or proto tcp }", false, {TCP4}, {.family = 4}},
	{OPTION_IP4, "allow ip4 from any to any", false, {TCP4}, {TCP6}},
	{OPTION_IP4, "allow proto ip4", false, {TCP4}, {.family = 0}},
	{OPTION_IP6, "allow ip6 from any to any", false, {TCP6}, {TCP4}},
	{OPTION_IP6, "allow not ip6 from any to any", false, {TCP4}, {TCP6}},
	{OPTION_SOURCE_IP4,
	 "allow ip from 10.0.0.0/8 to any",
	 false,
	 {TCP4, .source = IP4(10, 9, 8, 7)},
	 {TCP4, .source = IP4(11, 9, 8, 7)}},
	{OPTION_SOURCE_IP4,
	 "allow ip from not 10.0.0.0/8 to any",
	 false,
	 {TCP6, .source = IP4(10, 9, 8, 7)},
	 {TCP4, .source = IP4(10, 9, 8, 7)}},
	{OPTION_SOURCE_IP4,
	 "allow ip from 10.0.0.3:255.0.0.255 to any",
	 false,
	 {TCP4, .source = IP4(10, 9, 8, 3)},
	 {TCP4, .source = IP4(10, 9, 8, 2)}},
	{OPTION_SOURCE_IP4,
	 "allow ip from 0.0.0.0/8 to any",
	 false,
	 {TCP4, .source = IP4(0, 1, 2, 3)},
	 {TCP6, .source = IP4(0, 1, 2, 3)}},
	{OPTION_DESTINATION_IP4,
	 "allow ip from any to 10.0.0.1,10.0.0.2,10.0.0.5,10.0.0.7,10.0.0.9,10.1.0.0/16",
	 false,
	 {TCP4, .destination = IP4(10, 0, 0, 9)},
	 {TCP4, .destination = IP4(10, 0, 0, 8)}},
	{OPTION_DESTINATION_IP4,
	 "allow ip from any to 10.0.0.1,10.0.0.2,10.0.0.5,10.0.0.7,10.0.0.9,10.1.0.0/16",
	 false,
	 {TCP4, .destination = IP4(10, 1, 0, 9)},
	 {TCP4, .destination = IP4(10, 2, 0, 1)}},
	{OPTION_DESTINATION_IP4,
	 "allow ip from any to { 10.0.0.1 or 10.0.0.3 }",
	 false,
	 {TCP4, .destination = IP4(10, 0, 0, 3)},
	 {TCP4, .destination = IP4(10, 0, 0, 2)}},
	{OPTION_SOURCE_SET,
	 "allow ip from 10.0.0.0/24{1,7-9} to any",
	 false,
	 {TCP4, .source = IP4(10, 0, 0, 8)},
	 {TCP4, .source = IP4(10, 0, 0, 6)}},
	{OPTION_SOURCE_SET,
	 "allow ip from 10.0.0.0/24{1,7-9} to any",
	 false,
	 {TCP4, .source = IP4(10, 0, 0, 1)},
	 {TCP4, .source = IP4(10, 0, 1, 1)}},
	{OPTION_DESTINATION_SET,
	 "allow ip from any to not 10.0.0.0/24{1,7-9}",
	 false,
	 {TCP4, .destination = IP4(10, 0, 0, 10)},
	 {TCP4, .destination = IP4(10, 0, 0, 9)}},
	{OPTION_SOURCE_ME,
	 "allow ip from me to any",
	 false,
	 {TCP4, .local = PACKET_LOCAL_KNOWN | PACKET_LOCAL_SOURCE},
	 {TCP4, .local = PACKET_LOCAL_KNOWN | PACKET_LOCAL_DESTINATION}},
	{OPTION_DESTINATION_ME,
	 "allow ip from any to not me",
	 false,
	 {TCP4, .local = PACKET_LOCAL_KNOWN},
	 {TCP6, .local = PACKET_LOCAL_KNOWN | PACKET_LOCAL_DESTINATION}},
	{OPTION_SOURCE_IP6,
	 "allow ip6 from 2001:db8::1,2001:db8::/127,fe80::/10 to any",
	 false,
	 {TCP6, .source = IP6(1)},
	 {TCP6, .source = IP6(2)}},
	{OPTION_SOURCE_IP6,
	 "allow ip6 from 2001:db8::5 to any",
	 false,
	 {TCP6, .source = IP6(5)},
	 {TCP4, .source = IP6(5)}},
	{OPTION_DESTINATION_IP6,
	 "allow ip6 from any to not 2001:db8::/120",
	 false,
	 {TCP6, .destination = IP6(0x100)},
	 {TCP6, .destination = IP6(0xff)}},
	{OPTION_SOURCE_ME6,
	 "allow ip6 from me6 to any",
	 false,
	 {TCP6, .local = PACKET_LOCAL_KNOWN | PACKET_LOCAL_SOURCE},
	 {TCP6, .local = PACKET_LOCAL_KNOWN}},
	{OPTION_DESTINATION_ME6,
	 "allow ip from any to me6",
	 false,
	 {TCP6, .local = PACKET_LOCAL_KNOWN | PACKET_LOCAL_DESTINATION},
	 {TCP4, .local = PACKET_LOCAL_KNOWN | PACKET_LOCAL_DESTINATION}},
	{OPTION_SOURCE_PORT,
	 "allow tcp from any 1024-65535 to any",
	 false,
	 {TCP4, .source_port = 65535},
	 {TCP4, .source_port = 1023}},
	{OPTION_SOURCE_PORT, "allow ip from any 0 to any", false, {TCP4}, {.family = 4, .protocol = 1}},
	{OPTION_DESTINATION_PORT,
	 "allow tcp from any to any 22,80,443,8000-8010,9000,9090",
	 false,
	 {TCP4, .destination_port = 8010},
	 {TCP4, .destination_port = 8011}},
	{OPTION_DESTINATION_PORT,
	 "allow tcp from any to any not 22",
	 false,
	 {TCP4, .destination_port = 23},
	 {TCP4, .destination_port = 22}},
	{OPTION_IN, "allow ip from any to any not out recv em0", false, {TCP4, .receive_interface = 2}, {TCP4}},
	{OPTION_IN, "allow { in or xmit em1 }", true, {TCP4, .transmit_interface = 5}, {TCP4, .transmit_interface = 2}},
	{OPTION_RECV,
	 "allow ip from any to any recv em*",
	 false,
	 {TCP4, .receive_interface = 5},
	 {TCP4, .receive_interface = 1}},
	{OPTION_RECV, "allow ip from any to any not recv em0", true, {TCP4}, {TCP4, .receive_interface = 2}},
	{OPTION_XMIT,
	 "allow ip from any to any xmit em1",
	 true,
	 {TCP4, .transmit_interface = 5},
	 {TCP4, .transmit_interface = 2}},
	{OPTION_VIA, "allow ip from any to any via em0", false, {TCP4, .interface = 2}, {TCP4, .interface = 5}},
	{OPTION_ESTABLISHED,
	 "allow tcp from any to any established",
	 false,
	 {TCP4, .tcp_flags = SYN | ACK},
	 {TCP4, .tcp_flags = SYN}},
	{OPTION_ESTABLISHED, "allow established", false, {TCP6, .tcp_flags = FIN}, {.family = 4, .protocol = 17}},
	{OPTION_TCP_FLAGS,
	 "allow tcp from any to any setup",
	 false,
	 {TCP4, .tcp_flags = SYN},
	 {TCP4, .tcp_flags = SYN | ACK}},
	{OPTION_TCP_FLAGS,
	 "allow tcp from any to any tcpflags fin,!syn",
	 false,
	 {TCP6, .tcp_flags = FIN | ACK},
	 {TCP6, .tcp_flags = FIN | SYN}},
	{OPTION_TCP_FLAGS,
	 "allow { tcpflags syn,!syn or tcpflags fin }",
	 false,
	 {TCP4, .tcp_flags = FIN},
	 {TCP4, .tcp_flags = SYN}},
	{OPTION_ICMP_TYPES,
	 "allow icmp from any to any icmptypes 0,3,8,11",
	 false,
	 {.family = 4, .protocol = 1, .flags = PACKET_ICMP, .icmp_type = 11},
	 {.family = 4, .protocol = 1, .flags = PACKET_ICMP, .icmp_type = 5}},
	{OPTION_ICMP_TYPES, "allow icmptypes 0", false, {.family = 4, .protocol = 1, .flags = PACKET_ICMP}, {TCP4}},
	{OPTION_ICMP_TYPES,
	 "allow icmptypes 8",
	 false,
	 {.family = 4, .protocol = 1, .flags = PACKET_ICMP, .icmp_type = 40},
	 {.family = 4, .protocol = 1, .flags = PACKET_ICMP, .icmp_type = 41}},
	{OPTION_ICMP6_TYPES,
	 "allow icmp6types 1,128,129,135",
	 false,
	 {.family = 6, .protocol = 58, .flags = PACKET_ICMP6, .icmp_type = 135},
	 {.family = 6, .protocol = 58, .flags = PACKET_ICMP6, .icmp_type = 136}},
	{OPTION_ICMP_TYPES,
	 "allow not icmptypes 1",
	 false,
	 {TCP6},
	 {.family = 4, .protocol = 1, .flags = PACKET_ICMP, .icmp_type = 1}},
	{OPTION_IP_ID, "allow ip from any to any ipid 7,100-200", false, {TCP4, .ip_id = 150}, {TCP4, .ip_id = 201}},
	{OPTION_IP_ID, "allow ip from any to any not ipid 7", false, {TCP6, .ip_id = 7}, {TCP4, .ip_id = 7}},
	{OPTION_IP_LENGTH,
	 "allow ip from any to any iplen 40-100",
	 false,
	 {TCP6, .ip_length = 100},
	 {TCP4, .ip_length = 101}},
	{OPTION_IP_LENGTH, "allow iplen 0-20", false, {.family = 0}, {TCP4, .ip_length = 65535}},
	{OPTION_IP_TTL, "allow ip from any to any ipttl 1", false, {TCP4, .ttl = 1}, {TCP6, .ttl = 1}},
	{OPTION_IP_TTL, "allow ip from any to any ipttl 1-64", false, {TCP4, .ttl = 64}, {TCP4, .ttl = 65}},
	{OPTION_IP_VERSION, "allow ipversion 4", false, {TCP4}, {TCP6}},
	{OPTION_IP_VERSION, "allow ipversion 6", false, {TCP6}, {.family = 0}},
	{OPTION_IP_VERSION, "allow not ipversion 4", false, {.family = 0}, {TCP4}},
	{OPTION_IP_PRECEDENCE,
	 "allow ipprecedence 5",
	 false,
	 {TCP4, .traffic_class = 0xbf},
	 {TCP6, .traffic_class = 0xbf}},
	{OPTION_IP_PRECEDENCE,
	 "allow ipprecedence 0",
	 false,
	 {TCP4, .traffic_class = 0x1f},
	 {TCP4, .traffic_class = 0x20}},
	{OPTION_IP_TOS,
	 "allow iptos lowdelay,!throughput",
	 false,
	 {TCP4, .traffic_class = 0x14},
	 {TCP4, .traffic_class = 0x18}},
	{OPTION_IP_TOS, "allow iptos lowdelay", false, {TCP4, .traffic_class = 0x10}, {TCP6, .traffic_class = 0x10}},
	{OPTION_DSCP, "allow dscp ef,af11", false, {TCP6, .traffic_class = 0xbb}, {TCP4, .traffic_class = 0xb4}},
	{OPTION_DSCP, "allow dscp be", false, {TCP4, .traffic_class = 3}, {.family = 0}},
	{OPTION_IP_OPTIONS,
	 "allow ipoptions rr,!ts",
	 false,
	 {TCP4, .ip_options = IP_OPTION_RECORD_ROUTE},
	 {TCP4, .ip_options = IP_OPTION_RECORD_ROUTE | IP_OPTION_TIMESTAMP}},
	{OPTION_IP_OPTIONS, "allow ipoptions !ssrr", false, {TCP4}, {TCP4, .ip_options = IP_OPTION_INVALID}},
	{OPTION_TCP_SEQUENCE,
	 "allow tcp from any to any tcpseq 4294967295",
	 false,
	 {TCP4, .tcp_sequence = 0xffffffff},
	 {TCP4, .tcp_sequence = 0x7fffffff}},
	{OPTION_TCP_SEQUENCE, "allow tcpseq 0", false, {TCP6}, {.family = 4, .protocol = 17}},
	{OPTION_TCP_ACKNOWLEDGMENT, "allow tcpack 2147483648", false, {TCP6, .tcp_acknowledgment = 0x80000000}, {TCP4}},
	{OPTION_TCP_WINDOW, "allow tcpwin 1000-2000", false, {TCP4, .tcp_window = 1000}, {TCP4, .tcp_window = 999}},
	{OPTION_TCP_WINDOW, "allow tcpwin 0", false, {TCP6}, {.family = 4, .protocol = 17}},
	{OPTION_TCP_DATA_LENGTH, "allow tcpdatalen 0", false, {TCP4}, {TCP4, .tcp_data_length = 1}},
	{OPTION_TCP_DATA_LENGTH, "allow tcpdatalen 0-65535", false, {TCP6, .ip_length = 60}, {TCP6, .ip_length = 40}},
	{OPTION_TCP_DATA_LENGTH,
	 "allow tcpdatalen 1-1460",
	 false,
	 {TCP6, .tcp_data_length = 1460},
	 {.family = 4, .protocol = 17, .tcp_data_length = 5}},
	{OPTION_TCP_OPTIONS,
	 "allow tcpoptions mss,!ts",
	 false,
	 {TCP4, .tcp_options = TCP_OPTION_MSS | TCP_OPTION_SACK},
	 {TCP4, .tcp_options = TCP_OPTION_MSS | TCP_OPTION_TIMESTAMP}},
	{OPTION_TCP_OPTIONS, "allow tcpoptions !mss", false, {TCP6}, {.family = 4, .protocol = 17}},
	{OPTION_TCP_MSS,
	 "allow tcpmss 536-1300",
	 false,
	 {TCP4, .tcp_flags = SYN, .tcp_options = TCP_OPTION_MSS, .tcp_mss = 1300},
	 {TCP4, .tcp_flags = SYN, .tcp_options = TCP_OPTION_MSS, .tcp_mss = 1460}},
	{OPTION_TCP_MSS,
	 "allow tcpmss 0-65535",
	 false,
	 {TCP6, .tcp_flags = SYN | ACK, .tcp_options = TCP_OPTION_MSS, .tcp_mss = 1220},
	 {TCP6, .tcp_flags = ACK, .tcp_options = TCP_OPTION_MSS, .tcp_mss = 1220}},
	{OPTION_TCP_MSS,
	 "allow tcpmss 0",
	 false,
	 {TCP4, .tcp_flags = SYN, .tcp_options = TCP_OPTION_MSS},
	 {TCP4, .tcp_flags = SYN}},
	{OPTION_EXTENSION_HEADER,
	 "allow ext6hdr hopopt,route",
	 false,
	 {.family = 6, .protocol = 58, .extension_headers = EXTENSION_ROUTING | EXTENSION_FRAGMENT},
	 {.family = 6, .protocol = 58, .extension_headers = EXTENSION_FRAGMENT}},
	{OPTION_FLOW_LABEL,
	 "allow ip6 from any to any flow-id 5,0xfffff,9",
	 false,
	 {TCP6, .flow_label = 0xfffff},
	 {TCP6, .flow_label = 6}},
	{OPTION_LAYER2, "allow layer2", false, {TCP4, .layer2 = 1}, {TCP4}},
	{OPTION_LAYER2, "allow not layer2", false, {TCP4}, {TCP4, .layer2 = 1}},
	{OPTION_MAC,
	 "allow MAC 10:20:30:40:50:60/33 any",
	 false,
	 {.layer2 = 1, .destination_mac = {0x10, 0x20, 0x30, 0x40, 0x7f, 1}},
	 {.layer2 = 1, .destination_mac = {0x10, 0x20, 0x30, 0x40, 0x80, 1}}},
	{OPTION_MAC,
	 "allow MAC any 2:0:0:0:0:1",
	 false,
	 {TCP4, .layer2 = 1, .source_mac = {2, 0, 0, 0, 0, 1}},
	 {TCP4, .source_mac = {2, 0, 0, 0, 0, 1}}},
	{OPTION_MAC, "allow MAC any any", false, {TCP4, .layer2 = 1}, {TCP4}},
	{OPTION_MAC, "allow not MAC any any", false, {TCP4}, {TCP4, .layer2 = 1}},
	{OPTION_MAC,
	 "allow MAC 10:0:0:0:0:60&ff:0:0:0:0:ff 2:0:0:0:0:1",
	 false,
	 {.layer2 = 1, .destination_mac = {0x10, 9, 8, 7, 6, 0x60}, .source_mac = {2, 0, 0, 0, 0, 1}},
	 {.layer2 = 1, .destination_mac = {0x10, 9, 8, 7, 6, 0x60}, .source_mac = {2, 0, 0, 0, 0, 2}}},
	{OPTION_MAC_TYPE, "allow not mac-type ip", false, {TCP4}, {TCP4, .layer2 = 1, .ether_type = 0x0800}},
	{OPTION_MAC_TYPE,
	 "allow mac-type 0-0x05dc",
	 false,
	 {.layer2 = 1, .ether_type = 0x05dc},
	 {.layer2 = 1, .ether_type = 0x05dd}},
	{OPTION_MAC_TYPE,
	 "allow mac-type arp,0x8863-0x8864",
	 false,
	 {.layer2 = 1, .ether_type = 0x8864},
	 {.layer2 = 1, .ether_type = 0x0800}},
	{OPTION_VERREVPATH, "allow verrevpath", false, {TCP4, .mark = ANSWER_VERREVPATH}, {TCP4}},
	{OPTION_VERREVPATH, "allow not verrevpath in", false, {TCP6}, {TCP6, .mark = ANSWER_VERREVPATH}},
	{OPTION_VERREVPATH, "allow verrevpath", true, {TCP4}, {.family = 0}},
	{OPTION_VERSRCREACH, "allow versrcreach", false, {TCP4, .mark = ANSWER_VERSRCREACH}, {TCP4}},
	{OPTION_VERSRCREACH, "allow not versrcreach in", false, {TCP6}, {TCP6, .mark = ANSWER_VERSRCREACH}},
	{OPTION_VERSRCREACH, "allow versrcreach", true, {TCP6}, {.family = 0}},
	{OPTION_ANTISPOOF, "allow antispoof", false, {TCP4, .mark = ANSWER_ANTISPOOF}, {TCP4}},
	{OPTION_ANTISPOOF, "allow not antispoof in", false, {TCP6}, {TCP6, .mark = ANSWER_ANTISPOOF}},
	{OPTION_ANTISPOOF, "allow tcp from any to any antispoof", true, {TCP4}, {.family = 4, .protocol = 17}},
	{OPTION_UID, "allow uid 1000", false, {TCP4, .mark = ANSWER_USER + 1000}, {TCP4, .mark = ANSWER_USER + 1001}},
	{OPTION_UID, "allow uid 0", true, {TCP6, .mark = ANSWER_USER}, {.family = 6, .mark = ANSWER_USER}},
	{OPTION_UID, "allow not uid 0", true, {.family = 4, .protocol = 1}, {TCP4, .mark = ANSWER_USER}},
	{OPTION_GID, "allow gid 7", false, {TCP4, .mark = ANSWER_GROUP + 7}, {TCP4, .mark = ANSWER_USER + 7}},
	{OPTION_GID, "allow { gid 7 or gid 8 }", true, {TCP6, .mark = ANSWER_GROUP + 8}, {TCP6}},
	{OPTION_JAIL, "allow jail 77", false, {TCP4, .mark = ANSWER_JAIL + 77}, {TCP4, .mark = ANSWER_JAIL + 78}},
	{OPTION_JAIL,
	 "allow { jail a/b or jail 3 or jail /c }",
	 true,
	 {TCP6, .mark = ANSWER_PATH + 1},
	 {TCP6, .mark = ANSWER_PATH + 2}},
	{OPTION_JAIL, "allow not jail /c", true, {TCP4, .mark = ANSWER_PATH + 1}, {TCP4, .mark = ANSWER_PATH}},
	{OPTION_SOCKARG, "allow sockarg", false, {TCP4, .mark = ANSWER_SOCKARG}, {.family = 4, .mark = ANSWER_SOCKARG}},
	{OPTION_SOCKARG, "allow not sockarg", true, {TCP6}, {TCP6, .mark = ANSWER_SOCKARG}},
	{OPTION_IPSEC, "allow ipsec", false, {TCP4, .mark = ANSWER_IPSEC}, {TCP4}},
	{OPTION_IPSEC, "allow not ipsec", true, {TCP6}, {TCP6, .mark = ANSWER_IPSEC}},
	{OPTION_FIB, "allow fib 3", false, {TCP4, .fib = 3}, {TCP4, .fib = 4}},
	{OPTION_TAGGED, "allow tag 7 ip from any to any tagged 5,6-10", false, {TCP4, .tags = 1}, {TCP4}},
	{OPTION_DIVERTED, "allow tcp from any to any not diverted", false, {TCP4}, {.family = 4, .protocol = 17}},
	{OPTION_DIVERTED, "allow { proto tcp or diverted }", false, {TCP4}, {.family = 4, .protocol = 17}},
	{OPTION_DIVERTED_LOOPBACK,
	 "allow tcp from any to any not diverted-loopback",
	 false,
	 {TCP4},
	 {.family = 4, .protocol = 17}},
	{OPTION_DIVERTED_LOOPBACK,
	 "allow { proto tcp or diverted-loopback }",
	 false,
	 {TCP4},
	 {.family = 4, .protocol = 17}},
	{OPTION_DIVERTED_OUTPUT,
	 "allow tcp from any to any not diverted-output",
	 false,
	 {TCP4},
	 {.family = 4, .protocol = 17}},
	{OPTION_DIVERTED_OUTPUT,
	 "allow { proto tcp or diverted-output }",
	 false,
	 {TCP4},
	 {.family = 4, .protocol = 17}},
	{OPTION_LOG, "allow log tcp from any to any", false, {TCP4}, {.family = 4, .protocol = 17}},
	{OPTION_TAG, "allow tag 5 tcp from any to any", false, {TCP4}, {.family = 4, .protocol = 17}},
	{OPTION_UNTAG, "allow untag 5 tcp from any to any", false, {TCP4}, {.family = 4, .protocol = 17}},
	{OPTION_MARK, "allow mark 0x10:0xf0", false, {TCP4, .mark = 0x1f}, {TCP4, .mark = 0x2f}},
	{OPTION_MARK, "allow mark 4294967295", false, {TCP4, .mark = 0xffffffff}, {TCP4, .mark = 0x7fffffff}},
	{OPTION_FRAGMENT,
	 "allow frag",
	 false,
	 {.family = 6, .fragment = FRAGMENT_OFFSET},
	 {.family = 4, .fragment = FRAGMENT_MORE}},
	{OPTION_FRAGMENT,
	 "allow frag mf,!offset",
	 false,
	 {.family = 4, .fragment = FRAGMENT_MORE | FRAGMENT_DONT},
	 {.family = 6, .fragment = FRAGMENT_MORE}},
	{OPTION_PROBABILITY, "prob 1 allow tcp from any to any", false, {TCP4}, {.family = 4, .protocol = 17}},
	{OPTION_COMMENT, "allow tcp from any to any // for tests", false, {TCP4}, {.family = 4, .protocol = 17}},
#include "selftests/unit/match_table_cases.h"
};

/* Whether the rule, which becomes part of a ruleset of its own, matches the packet. */
static bool matches(struct rule *rule, bool output, const struct packet *packet)
{
	struct ruleset ruleset = {.switches = RULESET_WITH_LAYER2};
	struct probe probe;
	__u64 result;

	rule->slot = 1;
	table_fixture_resolve(rule);
	assert_int_equal(ruleset_insert(&ruleset, rule), 0);
	assert_int_equal(ruleset_insert(&ruleset, rule_default("deny")), 0);
	probe = probe_load(&ruleset, &list, !output);
	result = probe_run(&probe, packet);
	probe_close(&probe);
	ruleset_free(&ruleset);
	assert_int_equal(MATCH_SLOT(result), MATCH_VERDICT(result) == VERDICT_ALLOW);
	return MATCH_VERDICT(result) == VERDICT_ALLOW;
}

static struct rule *rule_of(const struct match_case *test)
{
	char text[256];

	snprintf(text, sizeof(text), "100 %s", test->rule);
	return rule_from(text);
}

static void decides(const struct match_case *test, const struct packet *packet, bool hit)
{
	if (matches(rule_of(test), test->output, packet) != hit)
		fail_msg("`%s' does not %s the packet it should", test->rule, hit ? "match" : "pass over");
}

static void options_match_and_pass_over(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		decides(cases + i, &cases[i].hit, true);
		decides(cases + i, &cases[i].miss, false);
	}
}

/* What is made of each case besides: how its option decides then follows from how it does alone. */
enum variant { NEGATED, ALTERNATIVE, OTHER_FAMILY, VARIANTS };

static const char *const variant_names[VARIANTS] = {"inverted", "in an or-block", "in the other address family"};

static const struct {
	const char *name;
	enum option_place place;
	enum head_kind head;
	const char *emitter;
} rows[OPTION_CODES] = {
#define OPTION(code, keyword, aliases, argument, place, emitter, field, head, ...)                                     \
	[OPTION_##code] = {#code, PLACE_##place, HEAD_##head, #emitter},
#include "ipfw/options.def"
#undef OPTION
};

/* They act behind the tests, and outlive the packet: the packet vectors have their cases. */
static bool of_states(int code)
{
	return code == OPTION_KEEP_STATE || code == OPTION_RECORD_STATE || code == OPTION_LIMIT ||
	       code == OPTION_SET_LIMIT || code == OPTION_DEFER_ACTION;
}

static bool is_test(int code)
{
	return rows[code].place != PLACE_HEAD && rows[code].place != PLACE_MODIFIER &&
	       rows[code].place != PLACE_COMMENT;
}

/* Whether it is the same for IPv4 and IPv6. */
static bool of_both_families(int code)
{
	enum head_kind head = rows[code].head;

	return (head == HEAD_NOTHING || head == HEAD_PORTS || head == HEAD_TCP || head == HEAD_PROTOCOL) &&
	       code != OPTION_IP_VERSION && code != OPTION_TCP_DATA_LENGTH && code != OPTION_SOURCE_TABLE &&
	       code != OPTION_DESTINATION_TABLE && code != OPTION_FLOW && code != OPTION_LOOKUP;
}

static bool rule_of_both_families(const struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule)
		if (!of_both_families(option->code))
			return false;
	return true;
}

/* The option of this row that is no alternative to others, or NULL. */
static struct option *find_option(struct rule *rule, int code)
{
	bool inside = false;

	RULE_FOR_EACH_OPTION (option, rule) {
		if (option->code == code && !inside && !(option->flags & OPTION_OR))
			return (struct option *)option;
		inside = option->flags & OPTION_OR;
	}
	return NULL;
}

/* Makes an or-block of the option and one that no packet matches. Returns the new rule; the old one is freed. */
static struct rule *add_alternative(struct rule *rule, struct option *option)
{
	const struct option never = {.code = OPTION_PROTOCOL, .size = 16, .u.number = 256};
	size_t before = (size_t)((char *)option - (char *)rule) + option->size;
	struct rule *longer = malloc(rule->size + never.size);

	assert_non_null(longer);
	option->flags |= OPTION_OR;
	memcpy(longer, rule, before);
	memcpy((char *)longer + before, &never, never.size);
	memcpy((char *)longer + before + never.size, (char *)rule + before, rule->size - before);
	longer->size += never.size;
	longer->options_size += never.size;
	longer->option_count++;
	free(rule);
	assert_true(rule_valid(longer, longer->size));
	return longer;
}

/* Tries a variant of the case on one of its packets. Returns false if the case has no such variant. */
static bool varies(const struct match_case *test, enum variant variant, struct packet packet, bool hit)
{
	struct rule *rule = rule_of(test);
	struct option *option = find_option(rule, test->option);
	bool sole = rule->option_count == 1, wanted = variant == NEGATED ? !hit : hit;

	if (!option || (variant == OTHER_FAMILY && (!packet.family || !rule_of_both_families(rule))) ||
	    (variant == NEGATED && !hit && !sole)) {
		free(rule);
		return false;
	}
	if (variant == NEGATED)
		option->flags ^= OPTION_NOT;
	else if (variant == ALTERNATIVE)
		rule = add_alternative(rule, option);
	else
		packet.family = packet.family == 4 ? 6 : 4;
	if (matches(rule, test->output, &packet) != wanted)
		fail_msg("`%s' %s does not %s the packet", test->rule, variant_names[variant],
			 wanted ? "match" : "pass over");
	return true;
}

static void every_option_row_has_its_cases(void **state)
{
	bool seen[OPTION_CODES] = {false}, varied[OPTION_CODES][VARIANTS] = {{false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int code = cases[i].option;

		seen[code] = true;
		for (enum variant variant = 0; is_test(code) && variant < VARIANTS; variant++) {
			varied[code][variant] |= varies(cases + i, variant, cases[i].hit, true);
			varies(cases + i, variant, cases[i].miss, false);
		}
	}
	for (int code = 0; code < OPTION_CODES; code++) {
		if (!strcmp(rows[code].emitter, "later") || of_states(code))
			continue;
		if (!seen[code])
			fail_msg("option %s has no case in test_emit.c", rows[code].name);
		for (enum variant variant = 0; is_test(code) && variant < VARIANTS; variant++)
			if (!varied[code][variant] && (variant != OTHER_FAMILY || of_both_families(code)))
				fail_msg("option %s has no case that can be tried %s", rows[code].name,
					 variant_names[variant]);
	}
}

/* One rule per action: what the runtime is told to do. */
static void actions_give_their_verdicts(void **state)
{
	static const struct {
		const char *rule;
		__u32 verdict, argument;
	} actions[] = {
		{"allow ip from any to any", VERDICT_ALLOW, 0},
		{"deny ip from any to any", VERDICT_DENY, 0},
		{"reject ip from any to any", VERDICT_UNREACH, 1},
		{"unreach port ip from any to any", VERDICT_UNREACH, 3},
		{"unreach needfrag 1420 ip from any to any", VERDICT_UNREACH, 4 | 1420 << 16},
		{"unreach6 admin-prohib ip from any to any", VERDICT_UNREACH6, 1},
		{"reset ip from any to any", VERDICT_RESET, 0},
		{"reset6 ip from any to any", VERDICT_RESET6, 0},
	};
	struct packet packet = {TCP4};

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		const char *texts[] = {actions[i].rule, NULL};
		char text[128];
		struct ruleset ruleset;
		struct probe probe;
		__u64 result;

		snprintf(text, sizeof(text), "100 %s", actions[i].rule);
		texts[0] = text;
		ruleset = ruleset_from(texts);
		probe = probe_load(&ruleset, &list, true);
		result = probe_run(&probe, &packet);
		assert_int_equal(MATCH_VERDICT(result), actions[i].verdict);
		assert_int_equal(MATCH_ARGUMENT(result), actions[i].argument);
		assert_int_equal(MATCH_SLOT(result), 1);
		probe_close(&probe);
		ruleset_free(&ruleset);
	}
}

static void count_goes_on_and_counts(void **state)
{
	static const char *const texts[] = {"100 count tcp from any to any", "200 count udp from any to any",
					    "300 allow ip from any to any", NULL};
	struct ruleset ruleset = ruleset_from(texts);
	struct probe probe = probe_load(&ruleset, &list, true);
	struct packet packet = {TCP4, .segments = 3};

	assert_int_equal(MATCH_SLOT(probe_run(&probe, &packet)), 3);
	assert_int_equal(probe_counted(&probe, 1), 3);
	assert_int_equal(probe_counted(&probe, 2), 0);
	probe_close(&probe);
	ruleset_free(&ruleset);
}

/* Later rules see what earlier ones put on the packet, and nothing that was taken off again. */
static void tags_and_marks_stay(void **state)
{
	static const char *const texts[] = {"100 count tag 5 tcp from any to any",
					    "110 count tag 65534 ip from any to any",
					    "120 count untag 5 tcp from any to any dst-port 80",
					    "200 count tagged 5",
					    "210 count tagged 6-65533",
					    "220 count tagged 65534",
					    "300 setmark 0x12 tcp from any to any",
					    "310 count mark 0x12",
					    "320 count mark 0x10:0xf0",
					    "330 count not mark 0x12",
					    "400 allow ip from any to any",
					    NULL};
	static const __u64 expected[][2] = {{4, 1}, {5, 0}, {6, 2}, {8, 2}, {9, 2}, {10, 0}};
	struct ruleset ruleset = ruleset_from(texts);
	struct probe probe = probe_load(&ruleset, &list, true);
	struct packet first = {TCP4, .segments = 1}, second = {TCP4, .segments = 1, .destination_port = 80};

	probe_run(&probe, &first);
	probe_run(&probe, &second);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(probe_counted(&probe, (__u32)expected[i][0]), expected[i][1]);
	probe_close(&probe);
	ruleset_free(&ruleset);
}

/*
 * 1,300 rules make several functions: a skipto into a later one, over one, and from one late entry on to the next, must
 * pass exactly the rules that the text says.
 */
static void skipto_crosses_functions(void **state)
{
	struct ruleset ruleset = {0};
	struct packet packet = {TCP4, .segments = 1};
	struct probe probe;
	char text[64];

	for (int i = 1; i <= 1300; i++) {
		struct rule *rule;

		if (i == 10 || i == 700)
			snprintf(text, sizeof(text), "%d skipto %d tcp from any to any", i, i == 10 ? 600 : 1250);
		else
			snprintf(text, sizeof(text), "%d count tcp from any to any", i);
		rule = rule_from(text);
		rule->slot = (__u32)i;
		assert_int_equal(ruleset_insert(&ruleset, rule), 0);
	}
	assert_int_equal(ruleset_insert(&ruleset, rule_default("allow")), 0);
	probe = probe_load(&ruleset, &list, true);
	assert_int_equal(MATCH_VERDICT(probe_run(&probe, &packet)), VERDICT_ALLOW);
	for (int i = 1; i <= 1300; i++)
		assert_int_equal(probe_counted(&probe, (__u32)i), i <= 10 || (i >= 600 && i <= 700) || i >= 1250);
	probe_close(&probe);
	ruleset_free(&ruleset);
}

/* A rule of the model below: what it asks for (0: anything), and what it does. */
struct model_rule {
	unsigned int host, port; /* source 10.0.0.host or, from 8 on, 10.0.host.0/24; destination port */
	unsigned int skip;	 /* skipto this number; 0: see deny */
	bool deny;		 /* else it counts */
	bool udp;		 /* else TCP */
};

#define MODEL_RULES 150

/* For half of the seeds all rules have hosts and few are skipped to, which makes long runs; for half, both protocols.
 */
static struct model_rule model_random(unsigned int index, unsigned int seed)
{
	bool long_runs = seed & 1, protocols = seed & 2;
	unsigned int hosts = seed & 4 ? 1 : 7;
	struct model_rule rule = {.port = (unsigned int)rand() % 4};
	int action = rand() % (long_runs ? 60 : 12);

	rule.host = long_runs ? 1 + (unsigned int)rand() % hosts : (unsigned int)rand() % 16;
	rule.udp = protocols && rand() % 2;
	if (action == 0)
		rule.skip = index + 1 + (unsigned int)rand() % 20;
	rule.deny = action == 1 && rule.host && rule.port;
	return rule;
}

static void model_text(char *text, size_t size, unsigned int number, const struct model_rule *rule)
{
	char action[24], source[24] = "any", port[8] = "";

	if (rule->skip)
		snprintf(action, sizeof(action), "skipto %u", rule->skip);
	else
		snprintf(action, sizeof(action), "%s", rule->deny ? "deny" : "count");
	if (rule->host >= 8)
		snprintf(source, sizeof(source), "10.0.%u.0/24", rule->host);
	else if (rule->host)
		snprintf(source, sizeof(source), "10.0.0.%u", rule->host);
	if (rule->port)
		snprintf(port, sizeof(port), "%u", rule->port);
	snprintf(text, size, "%u %s %s from %s to any %s", number, action, rule->udp ? "udp" : "tcp", source, port);
}

static bool model_match(const struct model_rule *rule, const struct model_rule *packet, unsigned int third)
{
	if (rule->udp != packet->udp || (rule->port && rule->port != packet->port))
		return false;
	return !rule->host || (rule->host < 8 ? !third && rule->host == packet->host : rule->host == third);
}

/*
 * What the manual says that a packet from 10.0.third.host does: counts in `counted` and returns the number of the rule
 * that denies it, or 0.
 */
static unsigned int model_run(const struct model_rule *rules, const struct model_rule *packet, unsigned int third,
			      unsigned int *counted)
{
	for (unsigned int number = 1; number <= MODEL_RULES; number++) {
		const struct model_rule *rule = rules + number;

		if (!model_match(rule, packet, third))
			continue;
		counted[number]++;
		if (rule->deny)
			return number;
		if (rule->skip)
			number = rule->skip - 1;
	}
	return 0;
}

static void model_compare(const struct model_rule *rules, const struct probe *probe)
{
	unsigned int counted[MODEL_RULES + 1] = {0};

	for (unsigned int i = 0; i < 16 * 5 * 2; i++) {
		unsigned int third = i % 16 < 8 ? 0 : i % 16;
		struct model_rule asked = {
			.host = i % 16 < 8 ? i % 16 : 1, .port = i / 16 % 5, .udp = i >= (unsigned int)(16 * 5)};
		struct packet tcp = {TCP4}, packet = {UDP4}, *sent = asked.udp ? &packet : &tcp;
		unsigned int denied = model_run(rules, &asked, third, counted);
		__u64 result;

		sent->source[0] = htonl(10u << 24 | third << 8 | asked.host);
		sent->destination_port = (__u16)asked.port;
		sent->segments = 1;
		result = probe_run(probe, sent);
		assert_int_equal(MATCH_VERDICT(result), denied ? VERDICT_DENY : VERDICT_ALLOW);
		if (denied)
			assert_int_equal(MATCH_SLOT(result), denied);
	}
	for (unsigned int number = 1; number <= MODEL_RULES; number++)
		assert_int_equal(probe_counted(probe, number), counted[number]);
}

/*
 * Random rules, many of which share addresses, ports and neighbours: however they are grouped, each packet must meet
 * exactly the rules that a walk from the first to the last finds.
 */
static void grouped_rules_keep_their_order(void **state)
{
	for (unsigned int seed = 1; seed <= 12; seed++) {
		struct model_rule rules[MODEL_RULES + 1];
		struct ruleset ruleset = {0};
		struct probe probe;
		char text[128];

		srand(seed);
		for (unsigned int number = 1; number <= MODEL_RULES; number++) {
			struct rule *rule;

			rules[number] = model_random(number, seed);
			model_text(text, sizeof(text), number, rules + number);
			rule = rule_from(text);
			rule->slot = number;
			assert_int_equal(ruleset_insert(&ruleset, rule), 0);
		}
		assert_int_equal(ruleset_insert(&ruleset, rule_default("allow")), 0);
		probe = probe_load(&ruleset, &list, true);
		model_compare(rules, &probe);
		probe_close(&probe);
		ruleset_free(&ruleset);
	}
}

static void probability_is_met(void **state)
{
	static const char *const texts[] = {"100 prob 0.25 allow ip from any to any", NULL};
	struct ruleset ruleset = ruleset_from(texts);
	struct probe probe = probe_load(&ruleset, &list, true);
	struct packet packet = {TCP4};
	int hits = 0;

	for (int i = 0; i < 4000; i++)
		hits += MATCH_VERDICT(probe_run(&probe, &packet)) == VERDICT_ALLOW;
	/* 1000 expected, standard deviation 27 */
	assert_in_range(hits, 820, 1180);
	probe_close(&probe);
	ruleset_free(&ruleset);
}

/* Tests that cannot match, or always do, must not leave code that the verifier calls unreachable. */
static void constant_tests_load(void **state)
{
	static const char *const texts[] = {"100 count ip6 from ::/0,fe80::/10 to any",
					    "200 count ip from any to any 0-65535",
					    "300 count { out or via nosuch0 or tcpflags syn }",
					    "400 deny ip from any to any in",
					    "450 count not proto 256",
					    "460 count proto 256",
					    "470 allow proto 256",
					    "500 skipto 600 ip from any to any",
					    "600 allow ip from any to any",
					    NULL};
	struct ruleset ruleset = ruleset_from(texts);

	for (int input = 0; input < 2; input++) {
		struct probe probe = probe_load(&ruleset, &list, input);

		probe_close(&probe);
	}
	ruleset_free(&ruleset);
}

/* Rules that an earlier one leaves no packet for, with what only they lead to. */
static void shadowed_rules_load(void **state)
{
	static const char *const texts[] = {"100 allow tcp from any to any", "200 skipto 400 tcp from any to any",
					    "300 deny ip from any to any", "400 count ip from any to any", NULL};
	struct ruleset ruleset = ruleset_from(texts);

	bpf_object__close(probe_load(&ruleset, &list, true).object);
	ruleset_free(&ruleset);
}

static int make_tables(void **state)
{
	struct table_present present[sizeof(interfaces) / sizeof(*interfaces)];

	for (size_t i = 0; i < list.count; i++)
		present[i] = (struct table_present){(__u32)interfaces[i].index, interfaces[i].name};
	table_fixture_make(present, list.count);
	return 0;
}

static int forget_tables(void **state)
{
	table_fixture_close();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_match_and_pass_over), cmocka_unit_test(every_option_row_has_its_cases),
		cmocka_unit_test(actions_give_their_verdicts), cmocka_unit_test(count_goes_on_and_counts),
		cmocka_unit_test(skipto_crosses_functions),    cmocka_unit_test(probability_is_met),
		cmocka_unit_test(constant_tests_load),	       cmocka_unit_test(grouped_rules_keep_their_order),
		cmocka_unit_test(tags_and_marks_stay),	       cmocka_unit_test(shadowed_rules_load),
	};

	return cmocka_run_group_tests(tests, make_tables, forget_tables);
}
