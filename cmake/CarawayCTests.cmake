# C programs written against libdill.h: exit status 0 is success. Every tests/capi/NAME.c is one test on
# every poller (programs/NAME@POLLER), and one more built as C++ (programs/cpp_NAME). go_matrix.sh builds
# one of them with many flags and compilers.

# caraway_c_program(TARGET ENTRY POLLER): one entry; an empty POLLER is the default one.
function(caraway_c_program target entry poller)
  add_test(NAME ${entry} COMMAND ${CARAWAY_TEST_LAUNCHER} $<TARGET_FILE:${target}>)
  set_tests_properties(${entry} PROPERTIES TIMEOUT ${CARAWAY_TEST_TIMEOUT} LABELS "programs;${poller}"
                       ENVIRONMENT "CARAWAY_POLLER=${poller}")
endfunction()

file(GLOB c_programs CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tests/capi/*.c)
if(NOT CARAWAY_TLS)
  list(FILTER c_programs EXCLUDE REGEX "/tls[^/]*\\.c$")
endif()
# What a build without TLS has in its place; a shared library would not take it from the program.
set(no_tls)
if(CARAWAY_TLS AND BUILD_SHARED_LIBS)
  list(FILTER c_programs EXCLUDE REGEX "/without_tls\\.c$")
elseif(CARAWAY_TLS)
  add_library(no_tls OBJECT src/proto/tls_absent.cpp)
  target_include_directories(no_tls PRIVATE src)
  target_link_libraries(no_tls PRIVATE caraway caraway_flags)
  set(no_tls $<TARGET_OBJECTS:no_tls>)
endif()
# A program whose malloc fails on purpose cannot have that of a sanitizer or Valgrind.
if(CARAWAY_SANITIZE OR CARAWAY_VALGRIND)
  list(FILTER c_programs EXCLUDE REGEX "memory[^/]*\\.c$")
endif()
# UndefinedBehaviorSanitizer takes descriptors to look at objects, and this program has none left.
if(CARAWAY_SANITIZE)
  list(FILTER c_programs EXCLUDE REGEX "/first_call\\.c$")
endif()
# All of them as C: what is built for Valgrind.
add_custom_target(c_programs)
# Programs that are about times of the clock alone run where it is virtual.
set(clock_programs happyeyeballs_compat)
# Programs that are about the kernel, or what it is asked for, have nothing to do in a network in memory.
set(kernel_programs errnos_memory errnos_memory_protocols tls_memory)
# Programs that stand between the library and the system, which io_uring does without.
set(system_programs errnos_system)
foreach(file ${c_programs})
  get_filename_component(name ${file} NAME_WE)
  set(pollers ${caraway_pollers})
  set(default_poller "")
  if(name IN_LIST clock_programs)
    set(pollers sim)
    set(default_poller sim)
  elseif(name IN_LIST kernel_programs)
    list(REMOVE_ITEM pollers sim)
  elseif(name IN_LIST system_programs)
    list(REMOVE_ITEM pollers sim io_uring)
    set(default_poller epoll)
  endif()
  add_executable(program_${name} ${file})
  add_dependencies(c_programs program_${name})
  target_link_libraries(program_${name} PRIVATE dill caraway_flags)
  foreach(poller ${pollers})
    caraway_c_program(program_${name} programs/${name}@${poller} ${poller})
  endforeach()

  set(wrapper ${CMAKE_CURRENT_BINARY_DIR}/tests/capi/${name}.cpp)
  file(CONFIGURE OUTPUT ${wrapper} CONTENT "#include \"${file}\"\n")
  add_executable(program_cpp_${name} ${wrapper})
  target_link_libraries(program_cpp_${name} PRIVATE dill caraway_flags)
  if(name MATCHES "^tls")
    caraway_uses_certificates(program_${name})
    caraway_uses_certificates(program_cpp_${name})
    # Some play peers that the library cannot be.
    target_link_libraries(program_${name} PRIVATE OpenSSL::SSL)
    target_link_libraries(program_cpp_${name} PRIVATE OpenSSL::SSL)
  endif()
  if(name STREQUAL without_tls)
    target_sources(program_${name} PRIVATE ${no_tls})
    target_sources(program_cpp_${name} PRIVATE ${no_tls})
  endif()
  caraway_c_program(program_cpp_${name} programs/cpp_${name} "${default_poller}")
endforeach()

# names_twice.c includes copies of the headers besides.
set(header_copies ${CMAKE_CURRENT_BINARY_DIR}/tests/capi/copies)
foreach(header libdill.h libdillimpl.h)
  configure_file(include/${header} ${header_copies}/${header} COPYONLY)
endforeach()
foreach(target program_names_twice program_cpp_names_twice)
  target_compile_definitions(${target} PRIVATE COPY_OF_LIBDILL_H="${header_copies}/libdill.h"
                             COPY_OF_LIBDILLIMPL_H="${header_copies}/libdillimpl.h")
endforeach()

if(NOT CARAWAY_SANITIZE AND NOT BUILD_SHARED_LIBS)
  string(TOLOWER "${openssl_parts}" openssl_libraries)
  list(TRANSFORM openssl_libraries PREPEND -l)
  add_test(NAME programs/go_matrix
           COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/capi/go_matrix.sh
                   ${CMAKE_CURRENT_SOURCE_DIR}/include $<TARGET_FILE:dill> $<TARGET_FILE:caraway>
                   -lstdc++ -lm ${openssl_libraries} -lboost_url -lz -lpthread)
  set_tests_properties(programs/go_matrix PROPERTIES TIMEOUT 300 LABELS programs)
endif()
