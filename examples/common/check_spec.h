/* SPDX-License-Identifier: MIT */
/*
 * How to check a backend, in words:
 *
 *   tcp                                   http,path=/health,host=example.org
 *   tcp,tls=1                             http:/health
 *   mysql,user=probe,password-file=/etc/probe.password,expect=replica,lag_max=5s
 *   pgsql,user=probe,password-env=PROBE_PASSWORD,ask=1
 *   redis,password=secret,expect=primary  agent
 *   script,start=220 ,send=QUIT\r\n,expect=221,end=
 *
 * The names are those of the options in <infra/probe.h>.  In a value \, is a
 * comma, \r \n \t \\ are what they are in C, and \xHH is a byte.  NAME-file= and
 * NAME-env= take the value of NAME from a file (without the newline at its
 * end) or from a variable of the environment, as it is there.  The bytes of
 * send= and of what is expected count; others are texts, without a zero byte.
 * field=NAME: VALUE is a header field of HTTP, as often as it is given.
 */
#ifndef EXAMPLES_CHECK_SPEC_H
#define EXAMPLES_CHECK_SPEC_H

#include <infra/probe.h>
#include <stdbool.h>

struct check_spec; /* Any number of probes can be made of one. */

/* Read one.  NULL: it has been said to stderr what is wrong, with @name before
 * it, and nothing that may be part of a password.  If a secret is in @text, a
 * password or bytes to be sent, all settings are made unreadable there. */
struct check_spec *check_spec_read(const char *name, char *text);

/* Wiped first: of the password the probes keep what they need. */
void check_spec_free(struct check_spec *spec);

/* A new probe of this kind.  An INFRA_ result. */
int check_spec_probe(const struct check_spec *spec, struct infra_probe **ret);

/* May the server tell its weight? */
bool check_spec_tells_weight(const struct check_spec *spec);

/* What all kinds know. */
extern const char check_spec_help[];

#endif
