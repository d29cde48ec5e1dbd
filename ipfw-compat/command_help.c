/* SPDX-License-Identifier: GPL-2.0-only */
/* help, --version. */
#include <string.h>

#include "ipfw-compat/command.h"

static const char options_text[] =
	"Options, in front of the command:\n"
	"  -a  show counters         -t, -T  show time of last match, as text or in seconds\n"
	"  -S  show sets             -N  show names of hosts and services\n"
	"  -c  compact rules         -b  action and comment only\n"
	"  -d, -D, -e  with, only, expired dynamic rules\n"
	"  -f  no questions; go on past errors      -q  quiet, no questions\n"
	"  -n  check only, change nothing           -p PREPROC [ARG...]  filter the file, e.g. with cpp or m4\n"
	"  -i, -s FIELD, -v  values as addresses, sort by a column, more detail\n"
	"  -h, --help, --version    --no-optimize  straight-line code only\n";

static const char rules_text[] =
	"Rules:\n"
	"  ACTION  allow deny count skipto N reject unreach CODE unreach6 CODE reset reset6\n"
	"  BODY    [PROTOCOL from SOURCE [PORTS] to DESTINATION [PORTS]] [OPTION...] [// COMMENT]\n"
	"  \"not\" inverts, \"{ A or B }\" means either. Rules are tried by number; the first that decides ends the\n"
	"  search, and 65535 denies what is left. All commands of a file take effect together or not at all.\n";

static void print_commands(FILE *out)
{
	for (const struct command *command = commands; command->name; command++) {
		int column;

		if (!command->arguments)
			continue;
		column = fprintf(out, "  %s %s%s", command->flags & COMMAND_SET ? "[set N]" : "       ", command->name,
				 *command->arguments ? " " : "");
		column += fprintf(out, "%s", command->arguments);
		fprintf(out, "%*s%s\n", column < 48 ? 48 - column : 1, "", command->summary);
	}
}

static void print_unsupported(FILE *out)
{
	fprintf(out, "Not supported yet:");
	for (const struct command *command = commands; command->name; command++)
		if (command->run == command_unsupported)
			fprintf(out, " %s", command->name);
	fprintf(out, "\n");
}

int command_help(struct command_call *call)
{
	FILE *out = call->transaction->out;

	fprintf(out, "ipfw-bpf: FreeBSD's ipfw for Linux; full description: ipfw-bpf(8)\n"
		     "Usage: ipfw-bpf [OPTIONS] COMMAND\n"
		     "       ipfw-bpf [-cfnNqS] [-p PREPROC [ARG...]] /PATH/OF/RULES\n"
		     "Commands:\n");
	print_commands(out);
	fputs(options_text, out);
	fputs(rules_text, out);
	print_unsupported(out);
	return 0;
}

void command_version(FILE *out)
{
	fprintf(out, "ipfw-bpf %s\n", IPFW_VERSION);
}
