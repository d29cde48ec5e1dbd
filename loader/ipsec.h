/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel knows of IPsec. */
#ifndef LOADER_IPSEC_H
#define LOADER_IPSEC_H

/* Whether there are policies for packets that are forwarded or leave: 1, 0, or -errno. */
int ipsec_has_policies(void);

#endif
