# Install tests: install the library, then build and run programs outside this tree against it, with
# CMake's find_package and with pkg-config, static and shared.
foreach(kind static shared)
  foreach(way cmake pkgconfig)
    add_test(NAME install/${way}_${kind}
             COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/install/run ${way} ${kind}
                     ${CMAKE_CURRENT_BINARY_DIR})
    set_tests_properties(install/${way}_${kind} PROPERTIES LABELS install TIMEOUT 600)
  endforeach()
endforeach()
# The shared library is built once, by whoever comes first.
set_tests_properties(install/cmake_shared install/pkgconfig_shared PROPERTIES RESOURCE_LOCK shared_build)
