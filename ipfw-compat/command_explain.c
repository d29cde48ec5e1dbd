/* SPDX-License-Identifier: GPL-2.0-only */
/* explain: what the loaded rules would do to a packet, or to each of a capture. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/capture.h"
#include "ipfw-compat/command.h"
#include "ipfw-compat/diag.h"
#include "ipfw-compat/explain.h"

#define HEXADECIMAL_LEAST 40 /* digits that make a word bytes without saying so: an IPv4 header */

struct run {
	const struct command_call *call;
	struct words words; /* the command, with quoted descriptions split */
	int at;		    /* the word to be read next */
	struct explain_question question;
	struct explain_report report;
};

static const char *peek(const struct run *run)
{
	return run->at < run->words.count ? run->words.word[run->at] : NULL;
}

static bool peek_is(const struct run *run, const char *word)
{
	return peek(run) && !strcmp(peek(run), word);
}

static int refuse(const struct run *run, const struct error *error)
{
	diagnose(stderr, run->call->program, &run->words, error);
	return error->exit_code;
}

/* Reads what stands in front of the packet. */
static int find_packet(struct run *run, struct error *error)
{
	int at = explain_question_parse(&run->question, &run->words, run->at, error);

	if (at < 0)
		return -1;
	run->at = at;
	return 0;
}

/* Explains one packet. Returns 0 or an exit code; messages have been printed. */
static int explain_one(struct run *run, struct explain_subject *subject)
{
	struct error error;

	error_clear(&error);
	if (run->call->options->test_only) {
		char text[DESCRIPTION_TEXT_MAX];

		description_print(text, &subject->description, true);
		fprintf(run->report.out, "%s, %u bytes\n", text, subject->description.field[FIELD_LENGTH]);
		return 0;
	}
	if (!explain_subject(&run->question, run->call->transaction, subject, &run->report, &error))
		return 0;
	diagnose(stderr, run->call->program, NULL, &error);
	return error.exit_code;
}

static int explain_bytes(struct run *run, const __u8 *bytes, size_t length, bool ethernet)
{
	struct explain_subject subject = {.bytes = bytes, .length = length, .ethernet = ethernet};

	description_read(&subject.description, bytes, length, ethernet);
	return explain_one(run, &subject);
}

static int explain_hexadecimal(struct run *run, bool ethernet)
{
	__u8 *bytes = malloc(DESCRIPTION_FRAME_MAX);
	struct error error;
	size_t length;
	int code;

	error_clear(&error);
	if (!bytes)
		error_set(&error, EX_OSERR, -1, "out of memory");
	if (!bytes || explain_bytes_parse(&run->words, run->at, bytes, &length, &error))
		code = refuse(run, &error);
	else
		code = explain_bytes(run, bytes, length, ethernet);
	free(bytes);
	return code;
}

/* Makes a subject of a packet as it was captured; `bytes` gets those that are missing as well. */
static void take_captured(const struct captured *packet, bool without_link, __u8 *bytes,
			  struct explain_subject *subject)
{
	size_t length = packet->original < DESCRIPTION_FRAME_MAX ? packet->original : DESCRIPTION_FRAME_MAX;
	size_t kept = packet->length < length ? packet->length : length, link;
	struct description *description = &subject->description;

	memcpy(bytes, packet->bytes, kept);
	memset(bytes + kept, 0, length - kept);
	*subject = (struct explain_subject){.bytes = bytes,
					    .length = length,
					    .ethernet = packet->ethernet,
					    .missing = length - kept,
					    .number = subject->number + 1};
	description_read(description, bytes, length, packet->ethernet);
	if (!packet->ethernet && packet->ether_type)
		description->ether_type = packet->ether_type;
	if (!without_link || !description->link)
		return;
	link = description_link_bytes(description);
	subject->bytes += link;
	subject->length -= link;
	subject->ethernet = false;
	description_read(description, subject->bytes, subject->length, false);
}

static int explain_capture(struct run *run, const char *path, bool without_link)
{
	__u8 *bytes = malloc(DESCRIPTION_FRAME_MAX);
	struct explain_subject subject = {0};
	struct capture *capture = NULL;
	struct captured packet;
	struct error error;
	int code = 0, more = -1;

	error_clear(&error);
	if (!bytes)
		error_set(&error, EX_OSERR, -1, "out of memory");
	else if (!capture_open(&capture, path, &error))
		more = capture_next(capture, &packet, &error);
	for (; more > 0; more = capture_next(capture, &packet, &error)) {
		int result;

		take_captured(&packet, without_link, bytes, &subject);
		result = explain_one(run, &subject);
		code = code ? code : result;
	}
	if (more < 0)
		code = refuse(run, &error);
	capture_close(capture);
	free(bytes);
	return code;
}

static int explain_description(struct run *run)
{
	struct explain_subject subject = {0};
	struct error error;

	error_clear(&error);
	if (description_parse(&subject.description, &run->words, run->at, &error))
		return refuse(run, &error);
	return explain_one(run, &subject);
}

static int explain_packet(struct run *run)
{
	const char *word = peek(run);

	if (peek_is(run, "hex") || peek_is(run, "ether")) {
		run->at++;
		return explain_hexadecimal(run, !strcmp(word, "ether"));
	}
	if (peek_is(run, "pcap") || peek_is(run, "pcap-ip")) {
		run->at++;
		if (peek(run))
			return explain_capture(run, peek(run), !strcmp(word, "pcap-ip"));
	} else if (word && explain_names_file(word)) {
		return explain_capture(run, word, false);
	} else if (word && strlen(word) >= HEXADECIMAL_LEAST &&
		   strspn(word, "0123456789abcdefABCDEF") == strlen(word)) {
		return explain_hexadecimal(run, false);
	}
	return explain_description(run);
}

int command_explain(struct command_call *call)
{
	struct run run = {.call = call, .at = call->verb + 1};
	struct error error;
	int code;

	error_clear(&error);
	run.question.quiet = call->options->quiet;
	if (explain_words_copy(&run.words, call->words, &error) || find_packet(&run, &error) ||
	    (!call->options->test_only && transaction_open_tables(call->transaction, FIREWALL_READ, &error))) {
		code = refuse(&run, &error);
	} else {
		run.report = (struct explain_report){.out = call->transaction->out,
						     .format = listing_format(call->options),
						     .transaction = call->transaction,
						     .quiet = run.question.quiet};
		code = explain_packet(&run);
	}
	explain_words_free(&run.words);
	return code;
}
