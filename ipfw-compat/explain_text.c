/* SPDX-License-Identifier: GPL-2.0-only */
/* Explanations for people. */
#include "ipfw-compat/explain.h"
#include "ipfw-compat/names.h"

const char *explain_outcome_word(enum explain_outcome outcome)
{
	static const char *const words[] = {
		[OUTCOME_PASS] = "pass",
		[OUTCOME_ALLOW] = "allow",
		[OUTCOME_DROP] = "drop",
	};

	return words[outcome];
}

static void text_begin(struct explain_report *report, const struct explain_subject *subject)
{
	report->many = subject->number;
	if (report->many && !report->quiet)
		fprintf(report->out, "packet %lu:\n", subject->number);
}

static void print_place(FILE *out, const struct explain_place *place)
{
	fprintf(out, "%s via %s", place->input ? "in" : "out", place->name);
	if (!place->input && *place->receive_name)
		fprintf(out, " recv %s", place->receive_name);
}

static void print_assumed(FILE *out, const struct explain_place *place)
{
	unsigned int assumed = place->assumed;
	const char *comma = "";

	if (!assumed)
		return;
	fputs("  assumed:", out);
	if (assumed & EXPLAIN_ASSUMED_DIRECTION) {
		fputs(place->input ? " in" : " out", out);
		comma = ",";
	}
	if (assumed & EXPLAIN_ASSUMED_INTERFACE) {
		fprintf(out, "%s %s %s", comma, place->input ? "recv" : "xmit", place->name);
		comma = ",";
	}
	if (assumed & EXPLAIN_ASSUMED_RECEIVE && *place->receive_name)
		fprintf(out, "%s recv %s", comma, place->receive_name);
	else if (assumed & EXPLAIN_ASSUMED_RECEIVE)
		fprintf(out, "%s sent by this machine", comma);
	fputc('\n', out);
}

/* What the rule took out of tables. */
static void print_values(FILE *out, const struct explain_match *match)
{
	const struct explain_value *value = match->values;

	for (; value < match->values + EXPLAIN_VALUES && value->kind; value++)
		fprintf(out, value->kind == TABLE_VALUE_MARK ? "      tablearg: %s %#x\n" : "      tablearg: %s %u\n",
			names_name(names_table_values, (int)value->kind), value->value);
}

static void print_lookup(void *argument, const struct explain_lookup *lookup)
{
	struct explain_report *report = argument;

	if (*lookup->entry)
		fprintf(report->out, "      table %s: %s %s\n", lookup->table, lookup->entry, lookup->value);
	else
		fprintf(report->out, "      table %s: nothing for %s\n", lookup->table, lookup->asked);
}

static void print_rules(struct explain_report *report, const struct explain_pass *pass)
{
	const struct explain_answer *answer = pass->answer;
	const struct explain_match *matches = answer->matches;
	struct explain_tables tables;

	explain_tables_begin(&tables, report->transaction, pass);
	for (size_t i = 0; i < answer->match_count; i++) {
		if (i ? matches[i].layer2 != matches[i - 1].layer2 : matches[i].layer2)
			fprintf(report->out, "  %s:\n", matches[i].layer2 ? "at layer 2" : "as a packet");
		if (answer->unknown && i + 1 == answer->match_count)
			fprintf(report->out, "    ... %zu more\n", answer->unknown);
		fputs("    ", report->out);
		listing_print(report->out, matches[i].rule, NULL, false, &report->format);
		print_values(report->out, matches + i);
		explain_lookups(&tables, matches + i, print_lookup, report);
	}
}

static void print_difference(void *argument, const char *name, const char *before, const char *after)
{
	struct explain_report *report = argument;

	fprintf(report->out, "  changed: %s %s -> %s\n", name, before, after);
}

static void print_given(FILE *out, const struct explain_answer *answer)
{
	if (answer->fib)
		fprintf(out, "  given: fib %u\n", answer->fib);
	if (answer->mark)
		fprintf(out, "  given: mark %#x\n", answer->mark);
	if (!answer->tag_count)
		return;
	fputs("  given: tag", out);
	for (size_t i = 0; i < answer->tag_count; i++)
		fprintf(out, "%s%u", i ? "," : " ", answer->tags[i]);
	fputc('\n', out);
}

/* What the rules say, and why if it was not a rule. */
static void print_said(FILE *out, const struct explain_pass *pass)
{
	const struct explain_answer *answer = pass->answer;
	char text[DESCRIPTION_TEXT_MAX];

	fputs(explain_outcome_word(pass->said), out);
	if (!answer)
		fprintf(out, ", not filtered: %s", pass->place->unfiltered);
	else if (answer->reason)
		fprintf(out, "%s: %s", answer->passes ? ", not filtered" : ", not by a rule", answer->reason);
	if (!answer || !answer->answered)
		return;
	description_print(text, &pass->after, false);
	fprintf(out, "; would answer: %s", text);
}

static void text_pass(struct explain_report *report, const struct explain_pass *pass)
{
	const struct explain_answer *answer = pass->answer;
	char text[DESCRIPTION_TEXT_MAX];
	FILE *out = report->out;

	if (report->quiet)
		return;
	print_place(out, pass->place);
	description_print(text, pass->before, false);
	fprintf(out, ": %s, %u bytes\n", text, pass->before->field[FIELD_LENGTH]);
	print_assumed(out, pass->place);
	if (answer) {
		print_rules(report, pass);
		if (answer->passes)
			description_compare(pass->before, &pass->after, print_difference, report);
		if (pass->opaque)
			fputs("  changed: bytes that are not shown here\n", out);
		print_given(out, answer);
	}
	fputs("  verdict: ", out);
	if (!pass->enabled && answer)
		fputs("pass, the firewall is disabled; enabled: ", out);
	print_said(out, pass);
	fputc('\n', out);
}

static void text_end(struct explain_report *report, enum explain_outcome outcome, const char *note, const char *failed)
{
	if (report->quiet) {
		fprintf(report->out, "%s\n", failed ? "unknown" : explain_outcome_word(outcome));
		return;
	}
	/* Of a single packet the message on standard error tells. */
	if (failed && report->many)
		fprintf(report->out, "  no answer: %s\n", failed);
	if (note)
		fprintf(report->out, "  note: %s\n", note);
}

const struct explain_writer explain_text = {text_begin, text_pass, text_end};
