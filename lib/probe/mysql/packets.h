/* SPDX-License-Identifier: MIT */
/* MySQL's framing: three bytes of length, little-endian, one byte of a sequence
 * number that both sides advance, then the payload. A state machine over single
 * bytes that keeps none of them.
 *
 * The first packet is the server's greeting. The fifth byte shows whether the
 * server speaks another protocol. An error may be out of sequence: a server
 * that shuts down does not wait for its turn. */
#ifndef INFRA_PROBE_MYSQL_PACKETS_H
#define INFRA_PROBE_MYSQL_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

#define INFRA__MYSQL_HEADER_SIZE 4u

/* Real greetings have 80 to 150 bytes. */
#define INFRA__MYSQL_GREETING_MAX 512u

/* Limit for the input of a check: below 16 MiB, so that no accepted packet has
 * a continuation. */
#define INFRA__MYSQL_READ_MAX (1u << 20)

/* The first byte of packets other than data. */
#define INFRA__MYSQL_OK 0x00u
#define INFRA__MYSQL_SWITCH 0xfeu /* While logging in. */
#define INFRA__MYSQL_EOF 0xfeu    /* In a result, if shorter than 9 bytes. */
#define INFRA__MYSQL_ERROR 0xffu

#define INFRA__MYSQL_EOF_SIZE_MAX 8u

/* The part of a packet that a byte belongs to. */
enum infra__mysql_packets_event {
    INFRA__MYSQL_HEADER,
    INFRA__MYSQL_PAYLOAD,
    INFRA__MYSQL_LAST, /* Of its packet's payload. */
    INFRA__MYSQL_BAD,  /* See reason. */
};

struct infra__mysql_packets {
    uint32_t size; /* Of the payload. */
    uint32_t left; /* Of the payload, after this byte. */
    uint32_t read_count;
    uint32_t reason; /* enum infra_probe_reason, once it is bad. */
    uint8_t header_count;
    uint8_t sequence; /* Of the next packet of either side. */
    bool is_greeted;
    bool is_astray; /* This packet is out of sequence. */
};

/* Begin with zeroes. */
enum infra__mysql_packets_event infra__mysql_packets_byte(
    struct infra__mysql_packets *p, unsigned char c);

/* Write the header of a packet to send. */
void infra__mysql_packets_header(struct infra__mysql_packets *p,
                                 unsigned char ret[INFRA__MYSQL_HEADER_SIZE],
                                 uint32_t size);

#endif
