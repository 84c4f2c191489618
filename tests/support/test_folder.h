/* SPDX-License-Identifier: MIT
 *
 * Folders of tests.
 */
#ifndef PW_TEST_FOLDER_H
#define PW_TEST_FOLDER_H

/* With all that is in it. */
void folder_remove(const char *path);

#endif
