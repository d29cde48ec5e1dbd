/* SPDX-License-Identifier: GPL-2.0-only */
/* The test packet over which a trace is written. One includer per program: the functions are static. */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "selftests/bench/trace.h"

#define FRAME_BYTES 74 /* what an IPv6 packet with a TCP header takes; padding behind an IPv4 one */

/* Copies the interface's link address. Returns 0 or -errno. */
static int frame_link_address(unsigned char *address, const char *interface)
{
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;
	struct ifreq request = {0};

	if (any < 0)
		return -errno;
	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	error = ioctl(any, SIOCGIFHWADDR, &request) ? -errno : 0;
	close(any);
	memcpy(address, request.ifr_hwaddr.sa_data, ETH_ALEN);
	return error;
}

/*
 * A frame addressed to the interface, with everything but what struct trace_packet4 or 6 says. The transport header is
 * a TCP one; as a UDP header it says the right length.
 */
static int frame_make(unsigned char *frame, const char *interface, __u32 version)
{
	static const unsigned char source[ETH_ALEN] = {0x02, 0, 0, 0, 0x01, 0x02};
	struct ethhdr *ethernet = (struct ethhdr *)frame;
	struct ipv6hdr *ip6 = (struct ipv6hdr *)(frame + ETH_HLEN);
	struct iphdr *ip4 = (struct iphdr *)(frame + ETH_HLEN);
	unsigned char *transport = version == 4 ? (unsigned char *)(ip4 + 1) : (unsigned char *)(ip6 + 1);

	memset(frame, 0, FRAME_BYTES);
	memcpy(ethernet->h_source, source, ETH_ALEN);
	ethernet->h_proto = htons(version == 4 ? ETH_P_IP : ETH_P_IPV6);
	if (version == 4) {
		*(unsigned char *)ip4 = 0x45;
		ip4->tot_len = htons(TRACE_IP_BYTES);
		ip4->frag_off = htons(0x4000);
		ip4->ttl = TRACE_TTL;
	} else {
		*(unsigned char *)ip6 = 0x60;
		ip6->payload_len = htons(sizeof(struct tcphdr));
		ip6->hop_limit = TRACE_TTL;
	}
	transport[5] = sizeof(struct tcphdr); /* UDP: the length. TCP: part of the sequence number */
	transport[12] = sizeof(struct tcphdr) / 4 << 4;
	return frame_link_address(ethernet->h_dest, interface);
}

#endif
