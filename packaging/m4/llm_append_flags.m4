# SPDX-License-Identifier: Apache-2.0
#
# LLM_APPEND_FLAGS(VARIABLE, FLAGS)
#
# Appends to VARIABLE each of FLAGS that the C compiler takes. -Werror is given
# to the probe alone, because clang only warns about a flag it does not know.
AC_DEFUN([LLM_APPEND_FLAGS], [
  AC_LANG_ASSERT([C])
  for llm_flag in m4_normalize([$2]); do
    AS_VAR_PUSHDEF([llm_cache], [llm_cv_cflag_$llm_flag])
    AC_CACHE_CHECK([whether $CC takes $llm_flag], [llm_cache], [
      llm_saved_cflags=$CFLAGS
      CFLAGS="$CFLAGS -Werror $llm_flag"
      AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
        [AS_VAR_SET([llm_cache], [yes])],
        [AS_VAR_SET([llm_cache], [no])])
      CFLAGS=$llm_saved_cflags
    ])
    AS_VAR_IF([llm_cache], [yes], [AS_VAR_APPEND([$1], [" $llm_flag"])])
    AS_VAR_POPDEF([llm_cache])
  done
])
