# Does gdb see the coroutines? Asked where gdb is installed and the build has debugging symbols with
# types (-g, not -g1) and the project's own context switch, whose saved registers the script reads.
find_program(CARAWAY_GDB gdb)
caraway_context_source(context)
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
set(compile_flags "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}}")
if(CARAWAY_GDB AND compile_flags MATCHES "-g( |$)" AND NOT context MATCHES "context_boost"
   AND NOT CARAWAY_SANITIZE)
  add_executable(gdb_parked tests/gdb/parked.cpp)
  target_link_libraries(gdb_parked PRIVATE caraway caraway_flags)
  target_compile_options(gdb_parked PRIVATE -g -O0)
  add_test(NAME gdb/coroutines
           COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/gdb/run ${CARAWAY_GDB} $<TARGET_FILE:gdb_parked>
                   ${CMAKE_CURRENT_SOURCE_DIR}/scripts/gdb/caraway_gdb.py
                   ${CMAKE_CURRENT_BINARY_DIR}/gdb)
  set_tests_properties(gdb/coroutines PROPERTIES TIMEOUT 120 LABELS gdb)
endif()
