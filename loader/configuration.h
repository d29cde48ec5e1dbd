/* SPDX-License-Identifier: GPL-2.0-only */
/* Values of variables that are read when a firewall is made: /etc/ipfw-bpf.conf, or the file that $IPFW_BPF_CONF names.
 */
#ifndef LOADER_CONFIGURATION_H
#define LOADER_CONFIGURATION_H

#include "ipfw/variable.h"

/*
 * Fills *variables; without a file everything is as by default. Lines are NAME=VALUE, blank, or comments that begin
 * with #. What is not understood is reported on standard error with its line number and left out.
 */
void configuration_read(struct variables *variables);

#endif
