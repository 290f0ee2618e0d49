#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Each source says its licence in the first line, or in the second where the
# first names the interpreter.
. "$(dirname "$0")/lint.sh"

find Makefile.am configure.ac mod_llm_gateway llmgwctl test packaging -type f \
    \( -name '*.[ch]' -o -name '*.def' -o -name '*.py' -o -name '*.sh' \
       -o -name '*.mk' -o -name '*.am' -o -name '*.ac' -o -name '*.mjs' \
       -o -name 'llm_*.m4' \) \
    ! -path 'packaging/build-aux/*' ! -path '*/node_modules/*' |
    sort >"$scratch/files"
while read -r file; do
    sed -n '1p; 2{/SPDX/p;}' "$file" |
        grep -q 'SPDX-License-Identifier: Apache-2\.0' ||
        bad "$file: does not begin with SPDX-License-Identifier: Apache-2.0"
done <"$scratch/files"
finish "$(count "$scratch/files")" "sources"
