/* SPDX-License-Identifier: MIT
 *
 * A page for a screen of so many columns: what does not fit continues below, whole columns at a time, since
 * part of a number is a wrong number.
 */
#include "top.h"
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define INDENT "    " /* of what continues */

static bool is_column_end(const char *text, size_t at)
{
    return text[at] == '\0' || (text[at] == ' ' && text[at + 1] == ' ');
}

/* Back from a place in the middle of a column to the end of the one before. Columns are parted by two blanks;
 * a line of prose is cut between words, or where it has to be. */
static size_t column_end(const char *text, size_t at)
{
    size_t end = at, blank = at;
    while (end > 0 && !is_column_end(text, end)) {
        end--;
    }
    while (blank > 0 && text[blank] != ' ') {
        blank--;
    }
    end = end > 0 ? end : blank;
    while (end > 0 && text[end - 1] == ' ') {
        end--;
    }
    return end > 0 ? end : at;
}

size_t pw_text_fitting(const char *text, int columns)
{
    const char *at = text;
    mbstate_t state = {0};
    while (*at != '\0') {
        wchar_t wide;
        size_t bytes = mbrtowc(&wide, at, MB_CUR_MAX, &state);
        int width = bytes > MB_CUR_MAX ? -1 : wcwidth(wide);
        if (width < 0 || width > columns) {
            break;
        }
        columns -= width;
        at += bytes;
    }
    return (size_t)(at - text);
}

static void line_add(struct pw_page *to, enum pw_line_style style, const char *indent, const char *text,
                     size_t bytes)
{
    if (to->line_cnt < PW_PAGE_LINES) {
        struct pw_line *line = &to->lines[to->line_cnt++];
        line->style = (uint8_t)style;
        snprintf(line->text, sizeof line->text, "%s%.*s", indent, (int)bytes, text);
    }
}

static void line_fit(struct pw_page *to, const struct pw_line *line, int columns)
{
    const char *text = line->text, *indent = "";
    do {
        int room = columns - (int)strlen(indent);
        size_t bytes = pw_text_fitting(text, room > 0 ? room : columns);
        bytes = text[bytes] == '\0' ? bytes : column_end(text, bytes);
        if (bytes == 0) { /* not even one character of it */
            return;
        }
        line_add(to, line->style, indent, text, bytes);
        text += bytes + strspn(text + bytes, " ");
        indent = INDENT;
    } while (*text != '\0');
}

void pw_page_fit(struct pw_page *to, const struct pw_page *page, int columns)
{
    to->line_cnt = 0;
    to->title_cnt = 0;
    for (uint32_t i = 0; i < page->line_cnt; i++) {
        if (page->lines[i].text[0] == '\0') {
            line_add(to, PW_LINE_PLAIN, "", "", 0);
        } else {
            line_fit(to, &page->lines[i], columns);
        }
        to->title_cnt = i + 1 == page->title_cnt ? to->line_cnt : to->title_cnt;
    }
}
