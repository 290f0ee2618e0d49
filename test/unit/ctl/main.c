/* SPDX-License-Identifier: Apache-2.0 */
/* The unit tests of llmgwctl/, as suites.def lists them. */
#include "test/unit/unit.h"

#define SUITE(name) Suite *name##_suite(void);
#include "test/unit/ctl/suites.def"
#undef SUITE

#define SUITE(name) {#name, name##_suite},
static const unit_suite_t suites[] = {
#include "test/unit/ctl/suites.def"
    {NULL, NULL},
};
#undef SUITE

int main(int argc, const char *const *argv)
{
    return unit_main(suites, argc, argv);
}
