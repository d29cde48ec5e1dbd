/* SPDX-License-Identifier: GPL-2.0-only */
/* What libbpf and libxdp say: kept per thread, shown only where it explains a failure. */
#ifndef LOADER_LOG_H
#define LOADER_LOG_H

/* Starts listening to the libraries (once per process) and forgets what this thread has heard. */
void log_begin(void);

/* The last complete line that a library wrote in this thread, without newline; "" when there is none. Valid until the
 * next call of a library. */
const char *log_last(void);

#endif
