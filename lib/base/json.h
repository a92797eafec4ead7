/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259), read in place: one pass checks the whole text, then parts
 * are found in it. Strict; bounded depth; no copy, allocation or recursion.
 * Finding a member is O(size of the object). */
#ifndef INFRA_BASE_JSON_H
#define INFRA_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFRA__JSON_DEPTH_MAX 32u

/* A value: a part of a checked text. */
struct infra__json {
    const char *at;
    size_t size;
};

/* Is the text one value, with blanks around it? @ret: that value. */
bool infra__json_parse(struct infra__json *ret, const char *text, size_t size);

/* The first member of an object with this name. False: no such member, or not
 * an object. Escapes are not decoded, in names and elsewhere. */
bool infra__json_member(struct infra__json *ret, struct infra__json value,
                        const char *name);

/* The element of an array at @index, in O(size of the elements before it). */
bool infra__json_element(struct infra__json *ret, struct infra__json value,
                         uint32_t index);

/* Take the elements of an array in turn, all in O(size): @rest is first the
 * array, then the rest of it. False: no more. */
bool infra__json_take(struct infra__json *ret, struct infra__json *rest);

/* The characters of a string without escapes. */
bool infra__json_string(struct infra__json *ret, struct infra__json value);

/* An unsigned number of 64 bits, or a string of one (as proto3 writes them):
 * digits, no leading zero. */
bool infra__json_uint64(uint64_t *ret, struct infra__json value);

/* Is the value true? */
bool infra__json_is_true(struct infra__json value);

#endif
