/* SPDX-License-Identifier: MIT */
#include "db_check_time.h"

#include "../common/arguments.h"

#include <stdbool.h>
#include <string.h>

/* Length of the next setting; in a value \\, is a comma. */
static size_t word_length(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0' && text[length] != ',') {
        length += text[length] == '\\' && text[length + 1] != '\0' ? 2 : 1;
    }
    return length;
}

infra_time db_check_time(const char *text)
{
    infra_time connect = INFRA_SEC(1);
    infra_time response = INFRA_SEC(2);
    bool is_tls = false;

    for (const char *at = text; *at != '\0';) {
        size_t length = word_length(at);
        char word[64] = "";
        memcpy(word, at, length < sizeof word ? length : 0);
        if (strncmp(word, "connect_timeout=", 16) == 0) {
            (void)read_time("--check", word + 16, &connect);
        } else if (strncmp(word, "response_timeout=", 17) == 0) {
            (void)read_time("--check", word + 17, &response);
        } else if (strcmp(word, "tls=1") == 0) {
            is_tls = true;
        }
        at += length + (at[length] == ',');
    }
    return (is_tls ? 2 : 1) * connect + response;
}
