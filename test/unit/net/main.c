/* SPDX-License-Identifier: Apache-2.0 */
/* The unit tests of mod_llm_gateway/net/, as suites.def lists them. */
#include "test/unit/unit.h"

#define SUITE(name) Suite *name##_suite(void);
#include "test/unit/net/suites.def"
#undef SUITE

#define SUITE(name) {#name, name##_suite},
static const unit_suite_t suites[] = {
#include "test/unit/net/suites.def"
    {NULL, NULL},
};
#undef SUITE

int main(int argc, const char *const *argv)
{
    return unit_main(suites, argc, argv);
}
