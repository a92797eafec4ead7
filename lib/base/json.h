/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259), read where it lies: a text is looked at once from end to
 * end, and after that its parts are found in it. Strict in what a text may be;
 * the depth is bounded and nothing is copied, allocated or recursed into.
 * Finding a member is O(size of the object). */
#ifndef INFRA_BASE_JSON_H
#define INFRA_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFRA__JSON_DEPTH_MAX 32u

/* A value: a part of a text that was found to be good. */
struct infra__json {
    const char *at;
    size_t size;
};

/* Is the text one value, with blanks around it? @ret is that value then. */
bool infra__json_parse(struct infra__json *ret, const char *text, size_t size);

/* The first member of this name of an object. False: there is none, or @value
 * is no object. Escapes are not looked into, in names and elsewhere. */
bool infra__json_member(struct infra__json *ret, struct infra__json value,
                        const char *name);

/* The element of an array at @index, in O(size of those before it). */
bool infra__json_element(struct infra__json *ret, struct infra__json value,
                         uint32_t index);

/* Take the elements of an array one after the other, all of them in O(size):
 * @rest is the array at first, and then what is left of it. False: no more. */
bool infra__json_take(struct infra__json *ret, struct infra__json *rest);

/* The characters of a string that has no escapes. */
bool infra__json_string(struct infra__json *ret, struct infra__json value);

/* An unsigned number of 64 bits, or a string that is one (as proto3 writes
 * them): digits, no leading zero, nothing else. */
bool infra__json_uint64(uint64_t *ret, struct infra__json value);

/* Is it the word true? */
bool infra__json_is_true(struct infra__json value);

#endif
