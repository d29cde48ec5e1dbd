/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of dynamic rules, as ipfw prints them. */
#include <arpa/inet.h>

#include "ipfw-compat/listing.h"
#include "ipfw-compat/names.h"

static void print_end(FILE *out, __u8 family, const __u32 *address, __u16 port)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
	fprintf(out, "%s %u", text, port);
}

static void print_flow(FILE *out, const struct dynamic_rule *dynamic)
{
	const char *protocol = protocol_name(dynamic->protocol);

	if (protocol)
		fprintf(out, " %s ", protocol);
	else
		fprintf(out, " proto %u ", dynamic->protocol);
	print_end(out, dynamic->family, dynamic->source, dynamic->source_port);
	fputs(" <-> ", out);
	print_end(out, dynamic->family, dynamic->destination, dynamic->destination_port);
}

/* A TCP flag of both directions: whether both have it, or which one. */
static void print_flag(FILE *out, __u32 tcp, __u32 flag, const char *name)
{
	__u32 forward = tcp & flag, backward = tcp & flag << DYNAMIC_BACKWARD_SHIFT;

	if (forward || backward)
		fprintf(out, "%s_%s,", !backward ? "F" : !forward ? "R" : "BOTH", name);
}

static void print_tcp(FILE *out, const struct dynamic_rule *dynamic)
{
	fprintf(out, " state 0x%08x%s", dynamic->tcp, dynamic->tcp ? " " : ",");
	print_flag(out, dynamic->tcp, DYNAMIC_SYN, "SYN");
	print_flag(out, dynamic->tcp, DYNAMIC_FIN, "FIN");
	fprintf(out, " f_ack 0x%x, r_ack 0x%x", dynamic->acks[0], dynamic->acks[1]);
}

void listing_print_dynamic(FILE *out, const struct dynamic_rule *dynamic, bool verbose,
			   const struct print_options *format)
{
	fprintf(out, "%05u", dynamic->rule->number);
	if (format->counters)
		fprintf(out, " %*llu %*llu (%us)", format->packets_width, dynamic->packets, format->bytes_width,
			dynamic->bytes, dynamic->seconds);
	if (dynamic->kind == DYNAMIC_PARENT)
		fprintf(out, " PARENT %u", dynamic->states);
	else
		fputs(dynamic->kind == DYNAMIC_LIMIT ? " LIMIT" : " STATE", out);
	print_flow(out, dynamic);
	fprintf(out, " :%s", state_option_name(rule_state_option(dynamic->rule)));
	if (verbose)
		print_tcp(out, dynamic);
	fputc('\n', out);
}
