/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules per second of the language: text to rule and rule to listing.
 *
 *   language [RULES [ROUNDS]]
 *
 * The rules are those that real rulesets have, with different numbers in them. Prints three rates per second of
 * processor time, each the median of the rounds: both ways, parsing alone, printing alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipfw-compat/language.h"

#define RULES 100000
#define ROUNDS 5
#define ROUNDS_MAX 100
#define LISTING_MAX 1024

/* One number of 16 bits in each; %2$u and %3$u are its bytes. */
static const char *const forms[] = {
	"allow tcp from any to me %1$u setup",
	"deny ip from 10.%2$u.%3$u.0/24 to any in recv em0",
	"allow udp from any %1$u to 192.0.2.%3$u out",
	"allow tcp from 198.51.%2$u.%3$u to { 10.0.0.1 or 10.0.0.2 } 22,80,443 established",
	"count ip6 from 2001:db8:%2$x::/48 to any dst-port %1$u // customer %1$u",
	"deny log logamount 100 icmp from any to any icmptypes 8 iplen %1$u-65535",
	"skipto 60000 tag %3$u ip from any to any { via em%3$u or not tagged 5 } dscp ef,af11",
	"allow ip from table(customers,%1$u) to any keep-state :s%3$u",
};
#define FORMS (sizeof(forms) / sizeof(*forms))

struct bench {
	size_t count;
	char **texts;
	struct rule **rules;
	double both[ROUNDS_MAX], parse[ROUNDS_MAX], print[ROUNDS_MAX];
};

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory)
		return memory;
	perror("language");
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void make_texts(struct bench *bench)
{
	char text[256];

	for (size_t i = 0; i < bench->count; i++) {
		unsigned int number = 1 + (unsigned int)(i * 7919 % 65534);

		snprintf(text, sizeof(text), forms[i % FORMS], number, number >> 8, 1 + (number & 0x7f));
		bench->texts[i] = strdup(text);
	}
}

static struct rule *parse(const char *text)
{
	struct parse_context context = {0};
	struct words words;
	struct error error;
	struct rule *rule = NULL;

	error_clear(&error);
	if (!words_split(&words, text, &error)) {
		rule = rule_parse(&words, 0, &context, &error);
		words_free(&words);
	}
	if (rule)
		return rule;
	fprintf(stderr, "language: %s: %s\n", text, error.message);
	exit(1);
}

static void run(struct bench *bench, int round)
{
	static const struct print_options plain;
	char listing[LISTING_MAX];
	double start = now(), middle, end;

	for (size_t i = 0; i < bench->count; i++)
		bench->rules[i] = parse(bench->texts[i]);
	middle = now();
	for (size_t i = 0; i < bench->count; i++)
		rule_print(listing, sizeof(listing), bench->rules[i], &plain);
	end = now();
	for (size_t i = 0; i < bench->count; i++)
		free(bench->rules[i]);
	bench->both[round] = (double)bench->count / (end - start);
	bench->parse[round] = (double)bench->count / (middle - start);
	bench->print[round] = (double)bench->count / (end - middle);
}

static int compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return (a > b) - (a < b);
}

static double median(double *rates, int count)
{
	qsort(rates, (size_t)count, sizeof(*rates), compare);
	return rates[count / 2];
}

int main(int argc, char **argv)
{
	struct bench bench = {.count = argc > 1 ? strtoul(argv[1], NULL, 10) : RULES};
	int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS;

	if (!bench.count || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: language [RULES [ROUNDS]]\n");
		return 1;
	}
	bench.texts = allocate(bench.count, sizeof(*bench.texts));
	bench.rules = allocate(bench.count, sizeof(*bench.rules));
	make_texts(&bench);
	for (int round = 0; round < rounds; round++)
		run(&bench, round);
	printf("%.0f %.0f %.0f\n", median(bench.both, rounds), median(bench.parse, rounds),
	       median(bench.print, rounds));
	return 0;
}
