/* SPDX-License-Identifier: MIT */
#include "admin_request.h"

#include <string.h>
#include <strings.h>

#define HOST_MAX 260u

struct fields {
    unsigned hosts;
    bool has_host; /* An acceptable one. */
    int status;    /* 200, or why not. */
};

/* Where the head ends, after its empty line; 0: not yet. */
static size_t head_size(const char *bytes, size_t size)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);

    return end != NULL ? (size_t)(end - bytes) + 4 : 0;
}

static bool is_token(const char *text, size_t size)
{
    size_t i = 0;

    while (i < size && text[i] > ' ' && text[i] < 0x7f &&
           strchr("\"(),/:;<=>?@[\\]{}", text[i]) == NULL) {
        i++;
    }
    return size > 0 && i == size;
}

static bool is_word(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && strncasecmp(text, word, size) == 0;
}

/* An address, or localhost, with or without a port. */
static bool is_own_host(const char *text, size_t size)
{
    bool is_six = size > 2 && text[0] == '[';
    const char *end =
        is_six ? memchr(text, ']', size) : memchr(text, ':', size);
    size_t host_size = end == NULL ? size : (size_t)(end - text) + is_six;
    size_t digits = 0;

    if (is_six && end == NULL) {
        return false;
    }
    for (size_t i = host_size; i < size; i++) {
        bool is_good =
            i == host_size ? text[i] == ':' : text[i] >= '0' && text[i] <= '9';
        if (!is_good) {
            return false;
        }
    }
    if (is_word(text, host_size, "localhost")) {
        return true;
    }
    const char *set = is_six ? "0123456789abcdefABCDEF:.[]" : "0123456789.";
    while (digits < host_size && text[digits] != '\0' &&
           strchr(set, text[digits]) != NULL) {
        digits++;
    }
    return host_size > 0 && digits == host_size;
}

static bool contains(const char *text, size_t size, const char *word)
{
    return memmem(text, size, word, strlen(word)) != NULL;
}

static void take_field(struct admin_request *r, struct fields *f,
                       const char *name, size_t name_size, const char *value,
                       size_t size)
{
    if (is_word(name, name_size, "host")) {
        f->hosts++;
        f->has_host = is_own_host(value, size);
    } else if (is_word(name, name_size, "accept")) {
        r->wants_openmetrics =
            contains(value, size, "application/openmetrics-text");
    } else if (is_word(name, name_size, "x-admin")) {
        r->has_guard = true;
    } else if (is_word(name, name_size, "transfer-encoding") ||
               (is_word(name, name_size, "content-length") &&
                !is_word(value, size, "0"))) {
        f->status = 413;
    }
}

/* One line of the head, without its end. */
static void read_field(struct admin_request *r, struct fields *f,
                       const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);
    size_t name_size = colon != NULL ? (size_t)(colon - line) : 0;

    if (colon == NULL || !is_token(line, name_size)) {
        f->status = 400;
        return;
    }
    const char *value = colon + 1;
    const char *end = line + size;
    while (value < end && (*value == ' ' || *value == '\t')) {
        value++;
    }
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    take_field(r, f, line, name_size, value, (size_t)(end - value));
}

/* "/path?query", or what is wrong with it. */
static int read_target(struct admin_request *r, const char *text, size_t size)
{
    const char *mark = memchr(text, '?', size);
    size_t path_size = mark != NULL ? (size_t)(mark - text) : size;
    size_t query_size = mark != NULL ? size - path_size - 1 : 0;

    if (size == 0 || text[0] != '/') {
        return 400;
    }
    if (path_size > ADMIN_PATH_MAX || query_size > ADMIN_PATH_MAX) {
        return 414;
    }
    memcpy(r->path, text, path_size);
    if (query_size > 0) {
        memcpy(r->query, mark + 1, query_size);
    }
    return 200;
}

static int read_method(struct admin_request *r, const char *text, size_t size)
{
    static const char *const names[] = { "GET", "HEAD", "POST" };

    for (size_t i = 0; i < 3; i++) {
        if (size == strlen(names[i]) && memcmp(text, names[i], size) == 0) {
            r->method = (enum admin_method)i;
            return 200;
        }
    }
    return is_token(text, size) ? 405 : 400;
}

static int read_request_line(struct admin_request *r, const char *line,
                             size_t size)
{
    const char *first = memchr(line, ' ', size);
    const char *end = line + size;
    const char *second = first != NULL
                             ? memchr(first + 1, ' ', (size_t)(end - first - 1))
                             : NULL;

    if (second == NULL || memchr(second + 1, ' ', (size_t)(end - second - 1))) {
        return 400;
    }
    if (!is_word(second + 1, (size_t)(end - second - 1), "HTTP/1.1") &&
        !is_word(second + 1, (size_t)(end - second - 1), "HTTP/1.0")) {
        return 505;
    }
    int status = read_method(r, line, (size_t)(first - line));
    return status != 200
               ? status
               : read_target(r, first + 1, (size_t)(second - first - 1));
}

/* Every byte is visible, a blank, or in a CR LF. */
static bool is_clean(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool ends = c == '\r' ? i + 1 < size && bytes[i + 1] == '\n'
                              : c == '\n' && i > 0 && bytes[i - 1] == '\r';
        if (!ends && c != '\t' && (c < ' ' || c == 0x7f)) {
            return false;
        }
    }
    return true;
}

int admin_request_read(const char *bytes, size_t size,
                       struct admin_request *ret)
{
    struct fields f = { .status = 200 };
    struct admin_request r = { .method = ADMIN_GET };
    size_t head = head_size(bytes, size);

    if (head == 0) {
        return size >= ADMIN_REQUEST_MAX ? 431 : 0;
    }
    if (head > ADMIN_REQUEST_MAX) {
        return 431;
    }
    if (!is_clean(bytes, head)) {
        return 400;
    }
    const char *line = bytes;
    const char *end = memmem(line, head, "\r\n", 2);
    int status = read_request_line(&r, line, (size_t)(end - line));
    if (status != 200) {
        return status;
    }
    const char *last = bytes + head - 2;
    for (line = end + 2; line < last && f.status == 200; line = end + 2) {
        end = memmem(line, (size_t)(bytes + head - line), "\r\n", 2);
        read_field(&r, &f, line, (size_t)(end - line));
    }
    if (f.status != 200) {
        return f.status;
    }
    if (f.hosts != 1) {
        return 400;
    }
    if (!f.has_host || (r.method == ADMIN_POST && !r.has_guard)) {
        return 403;
    }
    *ret = r;
    return 200;
}

static int hex(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c | 0x20);

    return at != NULL ? (int)(at - digits) : -1;
}

bool admin_request_value(const struct admin_request *request, const char *name,
                         char *ret)
{
    size_t name_size = strlen(name), size = 0;
    const char *at = request->query;

    while (strncmp(at, name, name_size) != 0 || at[name_size] != '=') {
        at = strchr(at, '&');
        if (at == NULL) {
            return false;
        }
        at++;
    }
    for (at += name_size + 1; *at != '\0' && *at != '&'; at++) {
        int c = *at;
        if (c == '%') {
            int high = hex(at[1]);
            int low = high >= 0 ? hex(at[2]) : -1;
            c = low >= 0 ? high * 16 + low : 0;
            at += low >= 0 ? 2 : 0;
        }
        if (c <= ' ' || c >= 0x7f) {
            return false;
        }
        ret[size++] = (char)c;
    }
    ret[size] = '\0';
    return true;
}
