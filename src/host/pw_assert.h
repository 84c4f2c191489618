/* SPDX-License-Identifier: MIT
 *
 * Assertions that stay on in release.
 *
 * pw_assert states what must hold unless this program itself is wrong: an index below its count, room that
 * was claimed, a sum that two places keep. It is for our own mistakes only. What comes from outside (a venue,
 * a file, a user, another process) is judged and refused, never asserted.
 *
 * A failing assertion writes one line, "file:line: condition", to standard error with one write(2) and
 * aborts. The price of one that holds is a compare and a branch that is not taken; the condition must have no
 * side effects. The name of this header is not assert.h because the C library's would then not be found.
 */
#ifndef PW_ASSERT_H
#define PW_ASSERT_H

#define pw_assert(condition)                                                                                 \
    do {                                                                                                     \
        if (__builtin_expect(!(condition), 0)) {                                                             \
            pw_assert_failed(__FILE__ ":" PW_ASSERT_TEXT_(__LINE__) ": " #condition "\n");                   \
        }                                                                                                    \
    } while (0)
#define PW_ASSERT_TEXT_(number)  PW_ASSERT_TEXT2_(number)
#define PW_ASSERT_TEXT2_(number) #number

/* Writes the line and aborts. One argument, complete at compile time: nothing is formatted. */
__attribute__((cold, noinline, noreturn)) void pw_assert_failed(const char *line);

#endif
