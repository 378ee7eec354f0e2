# Benchmarks: every bench/*_bench.cpp uses Google Benchmark, every other bench/*.cpp is a plain
# program that runs to its end. One file, one question, one program; they may look at internals.
# `make bench` runs them. What bench/echo/*.cpp makes, servers and a load for them, is for use by hand
# and by ws_echo; it goes to a folder of its own.
function(caraway_bench_program file folder)
  get_filename_component(name ${file} NAME_WE)
  add_executable(bench_${name} ${file})
  target_include_directories(bench_${name} PRIVATE src)
  target_link_libraries(bench_${name} PRIVATE caraway caraway_flags)
  set_target_properties(bench_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${folder})
  if(name MATCHES "deflate")
    target_link_libraries(bench_${name} PRIVATE ZLIB::ZLIB)
  endif()
  if(name MATCHES "_bench$")
    find_package(benchmark REQUIRED)
    target_link_libraries(bench_${name} PRIVATE benchmark::benchmark benchmark::benchmark_main)
  endif()
endfunction()

foreach(folder bench bench/echo)
  file(GLOB benches CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
  if(NOT CARAWAY_DEFLATE)
    list(FILTER benches EXCLUDE REGEX "deflate[^/]*\\.cpp$")
  endif()
  foreach(file ${benches})
    caraway_bench_program(${file} ${folder})
  endforeach()
endforeach()

# Programs in C that use nothing but libdill.h: scripts/bench-c runs them, also beside another libdill.
file(GLOB c_benches CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/bench/c/*.c)
foreach(file ${c_benches})
  if(NOT TARGET dill)
    break()
  endif()
  get_filename_component(name ${file} NAME_WE)
  add_executable(bench_c_${name} ${file})
  target_link_libraries(bench_c_${name} PRIVATE dill caraway_flags)
  set_target_properties(bench_c_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/bench/c)
endforeach()
