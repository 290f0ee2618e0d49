/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C, as iSCSI and ext4 use it: of "123456789" it is 0xe3069283. */
#ifndef STORE_CRC32C_H
#define STORE_CRC32C_H

#include <apr.h>

apr_uint32_t llm_crc32c(const void *data, apr_size_t len);
/* Of what `crc` is the sum of (0: nothing), and this behind it. */
apr_uint32_t llm_crc32c_more(apr_uint32_t crc, const void *data,
                             apr_size_t len);
/* The same on any processor. */
apr_uint32_t llm_crc32c_portable(const void *data, apr_size_t len);

#endif /* STORE_CRC32C_H */
