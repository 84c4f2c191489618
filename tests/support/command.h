/* SPDX-License-Identifier: MIT
 *
 * Runs pinwheel's commands in a folder made for the test: what tests of the programs share.
 */
#ifndef PW_TEST_COMMAND_H
#define PW_TEST_COMMAND_H

#define COMMAND_OUTPUT_BYTES 65536

extern char g_dir[];                        /* of this test */
extern char g_output[COMMAND_OUTPUT_BYTES]; /* of the last command, standard error included */

/* For TestSuite: .init, .fini. */
void dir_make(void);
void dir_remove(void);

/* Runs `pinwheel <arguments>` ($PINWHEEL_BIN): its exit code; its output is in g_output. */
int run(const char *arguments);
void expect_output(const char *words);

#endif
