/* SPDX-License-Identifier: MIT */
/*
 * A health check in words:
 *
 *   tcp                                   http,path=/health,host=example.org
 *   tcp,tls=1                             http:/health
 *   mysql,user=probe,password-file=/etc/probe.pass,expect=replica,lag_max=5s
 *   pgsql,user=probe,password-env=PROBE_PASSWORD,ask=1
 *   redis,password=secret,expect=primary  agent
 *   script,start=220 ,send=QUIT\r\n,expect=221,end=
 *
 * The names are those of the options in <infra/probe.h>.  In a value \, is a
 * comma, \r \n \t \\ are as in C, and \xHH is a byte.  NAME-file= takes the
 * value of NAME from a file, without the newline at its end; NAME-env= takes it
 * unchanged from an environment variable.  The values of send= and of
 * expectations are bytes; others are texts without a zero byte.  field=NAME:
 * VALUE is a header field of HTTP and may be repeated.
 */
#ifndef EXAMPLES_CHECK_SPEC_H
#define EXAMPLES_CHECK_SPEC_H

#include <infra/probe.h>
#include <stdbool.h>

struct check_spec; /* Any number of probes can be made of one. */

/* Read one. NULL: stderr has a line that says what is wrong, with @name in
 * front and without anything that may be part of a password. If @text contains
 * a secret, a password or bytes to send, all settings in it are overwritten. */
struct check_spec *check_spec_read(const char *name, char *text);

/* Wipe and free; NULL is allowed.  The probes have copies of what they need. */
void check_spec_free(struct check_spec *spec);

/* A new probe of this kind.  An INFRA_ result. */
int check_spec_probe(const struct check_spec *spec, struct infra_probe **ret);

/* May the server tell its weight? */
bool check_spec_tells_weight(const struct check_spec *spec);

/* The longest time of a check: connect, TLS and response, with the defaults of
 * the library. */
infra_time check_spec_longest(const struct check_spec *spec);

/* The part of --help on the kinds and their settings. */
const char *check_spec_help(void);

#endif
