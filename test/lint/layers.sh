#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Who may include whom: mod_llm_gateway/README.md draws it, this holds the line.
. "$(dirname "$0")/lint.sh"

# The folders of ours that a file in a folder may include from, and the headers
# from elsewhere that only some files may include.
may_use_folder()
{
    case $1:$2 in
        core:core) ;;
        dialect:core | dialect:dialect) ;;
        guard:core | guard:guard) ;;
        net:core | net:net) ;;
        route:core | route:route) ;;
        # A target points at a provider, which is declared there.
        route:dialect) [ "$3" = dialect/dialect.h ] || return 1 ;;
        store:core | store:store) ;;
        flow:core | flow:flow) ;;
        flow:dialect | flow:guard | flow:net | flow:route | flow:store)
            # What a folder offers, not how it does it.
            case $3 in
                store/bdb* | store/codec.h | store/owner.h | store/wire.h)
                    return 1 ;;
                *) ;;
            esac ;;
        httpd:llmgwctl | httpd:test) return 1 ;;
        httpd:*) ;;
        # The table of settings, which "config list" prints.
        llmgwctl:httpd) [ "$3" = httpd/settings.def ] || return 1 ;;
        llmgwctl:test) return 1 ;;
        llmgwctl:*) ;;
        test:httpd) return 1 ;;
        test:*) ;;
        *) return 1 ;;
    esac
}

may_use_header()
{
    case $2 in
        httpd.h | http_*.h | ap_*.h | mod_*.h | mpm_common.h | provider.h | \
            scoreboard.h | unixd.h | util_*.h)
            case $1 in mod_llm_gateway/httpd/*) ;; *) return 1 ;; esac ;;
        db.h)
            case $1 in mod_llm_gateway/store/bdb*.c) ;; *) return 1 ;; esac ;;
        cJSON.h | cjson/*)
            case $1 in llmgwctl/print.c | test/*) ;; *) return 1 ;; esac ;;
        openssl/*)
            case $1 in
                mod_llm_gateway/core/llm_key.c) ;;
                mod_llm_gateway/core/llm_seal.c) ;;
                mod_llm_gateway/dialect/sign_*.c) ;;
                mod_llm_gateway/net/jwt.c) ;;
                test/unit/net/test_jwt.c) ;;
                # Its load generator is a client of its own.
                test/bench/*) ;;
                *) return 1 ;;
            esac ;;
        curl/*)
            case $1 in mod_llm_gateway/net/curl.c) ;; *) return 1 ;; esac ;;
        zlib.h)
            case $1 in
                mod_llm_gateway/core/llm_inflate.c | test/unit/*) ;;
                *) return 1 ;;
            esac ;;
        check.h)
            case $1 in test/*) ;; *) return 1 ;; esac ;;
        *) ;;
    esac
}

folder_of()
{
    case $1 in
        mod_llm_gateway/*/*) folder=${1#mod_llm_gateway/}; folder=${folder%%/*} ;;
        */*) folder=${1%%/*} ;;
        *) folder= ;;
    esac
}

c_sources >"$scratch/files"
[ -s "$scratch/files" ] || broken "there is no C file"

: >"$scratch/seen"
while read -r file; do
    folder_of "$file"
    from=$folder
    sed -n 's/^[ \t]*#[ \t]*include[ \t]*\([<"]\)\([^>"]*\)[>"].*/\1 \2/p' "$file" |
    while read -r mark header; do
        echo "$file $header" >>"$scratch/seen"
        may_use_header "$file" "$header" ||
            bad "$file: must not include $header"
        [ "$mark" = '"' ] || continue
        case $header in
            */*) to=${header%%/*} ;;
            *)
                bad "$file: \"$header\" does not name its folder"
                continue ;;
        esac
        may_use_folder "$from" "$to" "$header" ||
            bad "$file: $from must not include $header"
    done
done <"$scratch/files"
finish "$(count "$scratch/seen")" "#include lines"
