/* SPDX-License-Identifier: GPL-2.0-only */
/* monitor: prints what rules with `log` write. */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/command.h"
#include "ipfw-compat/log_json.h"
#include "ipfw-compat/log_text.h"
#include "loader/monitor.h"

#define WAIT_MILLISECONDS 500 /* how often a new firewall is looked for, and losses */
#define SELECTIONS_MAX 64
#define NANOSECONDS 1000000000u /* of a second */

struct view {
	FILE *out;
	bool json;
	bool times;
	bool once;				     /* print what is there, do not wait */
	__u64 until;				     /* of records written later (CLOCK_MONOTONIC) only one is taken */
	bool limited;				     /* `left` counts */
	unsigned long left;			     /* records still to print */
	struct selection selections[SELECTIONS_MAX]; /* rules to print */
	size_t selection_count;			     /* 0: all */
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	stopped = 1;
}

static bool selected(const struct view *view, unsigned int rule)
{
	for (size_t i = 0; i < view->selection_count; i++)
		if (rule >= view->selections[i].first && rule <= view->selections[i].last)
			return true;
	return !view->selection_count;
}

static __u64 clock_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (__u64)now.tv_sec * NANOSECONDS + (__u64)now.tv_nsec;
}

/* The wall clock of a moment on the monotonic one. */
static struct timespec wall_time(__u64 moment)
{
	__u64 then = clock_now(CLOCK_REALTIME) - (clock_now(CLOCK_MONOTONIC) - moment);

	return (struct timespec){(time_t)(then / NANOSECONDS), (long)(then % NANOSECONDS)};
}

static void print_line(const struct view *view, const struct timespec *time, const char *line)
{
	char text[32];
	struct tm local;

	if (view->times && localtime_r(&time->tv_sec, &local)) {
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
		fprintf(view->out, "%s.%06ld ", text, time->tv_nsec / 1000);
	}
	fprintf(view->out, "%s\n", line);
}

static bool print_record(void *argument, const struct log_record *record)
{
	struct view *view = argument;
	struct timespec time = wall_time(record->time);
	char interface[IF_NAMESIZE], line[LOG_TEXT_MAX];

	if (!selected(view, record->rule))
		return !stopped && record->time < view->until;
	if (!if_indextoname(record->packet.interface, interface))
		snprintf(interface, sizeof(interface), "if%u", record->packet.interface);
	log_text(line, record, interface);
	if (view->json) {
		log_print_json(view->out, record, &time, interface, line);
	} else {
		print_line(view, &time, line);
		if (record->limit) {
			log_limit_text(line, record);
			print_line(view, &time, line);
		}
	}
	if (view->limited)
		view->left--;
	return !stopped && record->time < view->until && (!view->limited || view->left);
}

static int take_number(struct command_call *call, int index, unsigned long *number)
{
	const char *word = command_argument(call, index);
	char *end;

	if (!word || !isdigit((unsigned char)*word))
		return command_refuse(call, EX_USAGE, index, "monitor -c COUNT", "missing or invalid count");
	errno = 0;
	*number = strtoul(word, &end, 10);
	if (*end || errno || !*number)
		return command_refuse(call, EX_DATAERR, index, "monitor -c COUNT", "invalid count %s", word);
	return 0;
}

/* A rule number or a range of them. */
static int take_selection(struct command_call *call, int index, struct view *view)
{
	const char *advice = "monitor [-jnt] [-c COUNT] [N[-N]...]", *word = command_argument(call, index);
	struct selection *selection = view->selections + view->selection_count;
	char *end;

	if (view->selection_count == SELECTIONS_MAX)
		return command_refuse(call, EX_USAGE, index, advice, "too many rule numbers");
	selection->first = selection->last = strtoul(word, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		selection->last = strtoul(end + 1, &end, 10);
	if (!isdigit((unsigned char)*word) || *end || selection->last > RULE_NUMBER_DEFAULT ||
	    selection->first > selection->last)
		return command_refuse(call, EX_USAGE, index, advice, "invalid rule number ``%s''", word);
	view->selection_count++;
	return 0;
}

static int take_argument(struct command_call *call, int *index, struct view *view)
{
	const char *word = command_argument(call, *index);

	if (!strcmp(word, "-c")) {
		view->limited = true;
		return take_number(call, ++*index, &view->left);
	}
	if (*word != '-')
		return take_selection(call, *index, view);
	for (word++; *word; word++) {
		if (*word == 'j')
			view->json = true;
		else if (*word == 'n')
			view->once = true;
		else if (*word == 't')
			view->times = true;
		else
			return command_refuse(call, EX_USAGE, *index, "monitor [-jnt] [-c COUNT] [N[-N]...]",
					      "illegal option -- %c", *word);
	}
	return 0;
}

/* Signals end the reading, not the process: what has been taken out of the ring must be printed. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int follow(struct monitor *monitor, struct view *view, const char *program, struct error *error)
{
	bool more = true;

	while (more && !stopped) {
		__u64 lost;

		if (monitor_read(monitor, view->once ? 0 : WAIT_MILLISECONDS, print_record, view, error))
			return -1;
		lost = monitor_lost(monitor);
		if (lost)
			fprintf(stderr, "%s: %llu log records lost\n", program, lost);
		if (fflush(view->out))
			return errno == EPIPE ? 0 : error_set(error, EX_IOERR, -1, "%s", strerror(errno));
		more = !view->once && (!view->limited || view->left);
	}
	return 0;
}

int command_monitor(struct command_call *call)
{
	struct view view = {.out = stdout, .times = call->options->timestamp};
	struct monitor *monitor = NULL;
	struct error error;
	int code = 0;

	for (int index = 0; command_argument(call, index) && !code; index++)
		code = take_argument(call, &index, &view);
	if (code || call->options->test_only)
		return code;
	view.until = view.once ? clock_now(CLOCK_MONOTONIC) : ~0ull;
	error_clear(&error);
	catch_signals();
	if (monitor_open(&monitor, &error) || follow(monitor, &view, call->program, &error))
		code = command_fail(call, &error);
	monitor_close(monitor);
	return code;
}
