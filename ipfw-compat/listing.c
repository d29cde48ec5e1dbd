/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/listing.h"

/* Longer than any rule prints: names of hosts (-N) are what could fill it. */
#define BODY_MAX 65536
/* Columns of a time as ctime(3) writes it. */
#define CTIME_WIDTH 24

struct print_options listing_format(const struct options *options)
{
	return (struct print_options){
		.compact = options->compact,
		.brief = options->brief,
		.sets = options->sets,
		.resolve = options->resolve,
	};
}

static int digits(__u64 value)
{
	return snprintf(NULL, 0, "%llu", value);
}

void listing_fit(struct print_options *format, const struct counters *counters)
{
	int packets = digits(counters->packets), bytes = digits(counters->bytes);

	if (packets > format->packets_width)
		format->packets_width = packets;
	if (bytes > format->bytes_width)
		format->bytes_width = bytes;
}

static void print_time(FILE *out, time_t last_match)
{
	char text[32];

	if (last_match && ctime_r(&last_match, text))
		fprintf(out, "%.*s ", CTIME_WIDTH, text);
	else
		fprintf(out, "%*s ", CTIME_WIDTH, "");
}

void listing_counters_print(FILE *out, const struct counters *counters, const struct print_options *format)
{
	if (format->counters)
		fprintf(out, "%*llu %*llu ", format->packets_width, counters->packets, format->bytes_width,
			counters->bytes);
	if (format->timestamp_raw)
		fprintf(out, "%10llu ", (unsigned long long)counters->last_match);
	else if (format->timestamp)
		print_time(out, counters->last_match);
}

void listing_print(FILE *out, const struct rule *rule, const struct counters *counters, bool disabled,
		   const struct print_options *format)
{
	char body[BODY_MAX];

	rule_print(body, sizeof(body), rule, format);
	if (disabled)
		fputs("# DISABLED ", out);
	fprintf(out, "%05u ", rule->number);
	if (counters)
		listing_counters_print(out, counters, format);
	if (format->sets)
		fprintf(out, "set %u ", rule->set);
	fprintf(out, "%s\n", body);
}

void listing_describe(char *text, size_t size, const struct rule *rule)
{
	const struct print_options plain = {0};
	int length = snprintf(text, size, "%05u ", rule->number);

	if (length > 0 && (size_t)length < size)
		rule_print(text + length, size - length, rule, &plain);
}
