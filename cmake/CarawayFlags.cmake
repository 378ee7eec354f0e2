# Flags that the project's own targets share; users of the library see none of them.
add_library(caraway_flags INTERFACE)
# GCC 12 sees overlapping copies in std::string's operator+ and uninitialized values in std::expected
# that are not there: no -Wrestrict, no -Wmaybe-uninitialized (Valgrind looks for the real ones). The
# scheduler's thread-local pointer is looked at in every blocking call: a fixed offset, not a call. And
# nobody replaces single functions of the library, so those may be inlined in a shared one too.
target_compile_options(caraway_flags INTERFACE
  -Wall -Wextra $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local> -fno-plt -ftls-model=initial-exec
  -fno-semantic-interposition
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  $<$<BOOL:${CARAWAY_WERROR}>:-Werror>)
target_link_options(caraway_flags INTERFACE -Wl,-z,now)

if(CARAWAY_SANITIZE)
  add_compile_options(-fsanitize=${CARAWAY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CARAWAY_SANITIZE})
endif()

if(CARAWAY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Valgrind's annotations cost a few instructions a switch, hence the option.
include(CheckIncludeFileCXX)
check_include_file_cxx(valgrind/valgrind.h CARAWAY_HAVE_VALGRIND_H)
option(CARAWAY_VALGRIND "Tell Valgrind about coroutine stacks" OFF)
if(CARAWAY_VALGRIND AND CARAWAY_HAVE_VALGRIND_H)
  add_compile_definitions(CARAWAY_VALGRIND=1)
endif()
