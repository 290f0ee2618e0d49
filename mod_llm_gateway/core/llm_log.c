/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log's two callbacks, set once at start before there are threads, and
 * the making of a line. What a line quotes may come from outside: control
 * characters are escaped so that it stays one line and drives no terminal.
 */
#include "core/llm_log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_LENGTH 2000

static llm_log_cb *log_print;
static llm_log_level_cb *log_wants;
static void *log_baton;

void llm_log_set(llm_log_cb *print, llm_log_level_cb *wants, void *baton)
{
    log_print = print;
    log_wants = wants;
    log_baton = baton;
}

/* line to `out`, which has room for LINE_MAX_LENGTH bytes and a terminator */
static void escape_controls(char *out, const char *line)
{
    static const char hex[] = "0123456789abcdef";
    char *end = out + LINE_MAX_LENGTH;

    for (; *line; ++line) {
        unsigned char c = (unsigned char)*line;
        int is_control = c < 0x20 || c == 0x7F;

        if (end - out < (is_control ? 4 : 1)) {
            break;
        }
        if (!is_control) {
            *out++ = *line;
            continue;
        }
        *out++ = '\\';
        *out++ = 'x';
        *out++ = hex[c >> 4];
        *out++ = hex[c & 15];
    }
    *out = '\0';
}

void llm_log(llm_log_e level, apr_status_t status, const char *fmt, ...)
{
    char line[LINE_MAX_LENGTH + 1], escaped[LINE_MAX_LENGTH + 1];
    va_list args;

    if (!log_print || (log_wants && !log_wants(log_baton, level))) {
        return;
    }
    va_start(args, fmt);
    if (vsnprintf(line, sizeof(line), fmt, args) < 0) {
        line[0] = '\0';
    }
    va_end(args);
    escape_controls(escaped, line);
    log_print(log_baton, level, status, escaped);
}
