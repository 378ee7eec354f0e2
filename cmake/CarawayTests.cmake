# Tests: one program per layer, one ctest entry per *_test.cpp file (LAYER/NAME), for the layers that
# run on a poller one per file and poller (LAYER/NAME@POLLER). The test suite in NAME_test.cpp is
# called NAME, or NAME/... for the suites that every implementation of an interface must pass;
# LAYER/suites fails for a suite that no entry would run. An entry that runs no test, or skips one,
# fails.
find_package(GTest REQUIRED)

set(CARAWAY_TEST_LAUNCHER "" CACHE STRING "Command to run the unit tests under, such as valgrind")
set(CARAWAY_TEST_EXCLUDE "" CACHE STRING "GoogleTest pattern of tests to leave out")
set(CARAWAY_TEST_FILES "." CACHE STRING "Regular expression for the paths of the test files to build")
set(CARAWAY_TEST_FLAGS "" CACHE STRING "Compile options of the tests alone: -O0 builds them in half the time")
set(CARAWAY_TEST_TIMEOUT 120 CACHE STRING "Seconds a ctest entry may take")
set(caraway_pollers)
file(GLOB poller_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/poller/*_poller.cpp)
foreach(file ${poller_files})
  get_filename_component(name ${file} NAME_WE)
  string(REGEX REPLACE "_poller$" "" name ${name})
  list(APPEND caraway_pollers ${name})
endforeach()
set(caraway_polled_layers runtime sync io net proto dial conformance capi)
# These also run in stormy weather of the simulator, once for each seed (LAYER/NAME@sim-SEED).
set(caraway_weathered_layers net proto dial conformance)
set(caraway_seeds 1 7)

function(caraway_add_test entry program suite)
  set(filter "${suite}.*:*/${suite}.*:${suite}/*:*/${suite}/*")
  if(CARAWAY_TEST_EXCLUDE)
    string(APPEND filter "-${CARAWAY_TEST_EXCLUDE}")
  endif()
  add_test(NAME ${entry}
           COMMAND ${CARAWAY_TEST_LAUNCHER} $<TARGET_FILE:${program}> --gtest_brief=1
                   --gtest_filter=${filter})
  set_tests_properties(${entry} PROPERTIES TIMEOUT ${CARAWAY_TEST_TIMEOUT}
    FAIL_REGULAR_EXPRESSION "\\] 0 tests from 0;\\[  SKIPPED \\]")
endfunction()

# caraway_test_file(LAYER PROGRAM FILE): the entries of one test file.
function(caraway_test_file layer program file)
  get_filename_component(name ${file} NAME_WE)
  string(REGEX REPLACE "_test$" "" name ${name})
  if(NOT layer IN_LIST caraway_polled_layers)
    caraway_add_test(${layer}/${name} ${program} ${name})
    set_tests_properties(${layer}/${name} PROPERTIES LABELS ${layer})
    return()
  endif()
  foreach(poller ${caraway_pollers})
    caraway_add_test(${layer}/${name}@${poller} ${program} ${name})
    set_tests_properties(${layer}/${name}@${poller} PROPERTIES
      ENVIRONMENT "CARAWAY_POLLER=${poller}" LABELS "${layer};${poller}")
  endforeach()
  if(NOT layer IN_LIST caraway_weathered_layers OR NOT sim IN_LIST caraway_pollers)
    return()
  endif()
  foreach(seed ${caraway_seeds})
    caraway_add_test(${layer}/${name}@sim-${seed} ${program} ${name})
    set_tests_properties(${layer}/${name}@sim-${seed} PROPERTIES
      ENVIRONMENT "CARAWAY_POLLER=sim;CARAWAY_SIM_SEED=${seed}" LABELS "${layer};sim")
  endforeach()
endfunction()

# caraway_test_folder(LAYER FOLDER): the tests of one folder as one program and its entries.
function(caraway_test_folder layer folder)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cpp
                                    ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.c)
  if(NOT CARAWAY_DEFLATE)
    list(FILTER tests EXCLUDE REGEX "deflate[^/]*_test\\.cpp$")
  endif()
  caraway_choose_tls(tests)
  if(NOT CARAWAY_TLS)
    list(FILTER tests EXCLUDE REGEX "/capi/tls_[^/]*_test\\.cpp$")
  endif()
  list(FILTER tests INCLUDE REGEX "${CARAWAY_TEST_FILES}")
  if(NOT tests)
    return()
  endif()
  add_executable(test_${layer} ${tests})
  target_include_directories(test_${layer} PRIVATE src)
  target_compile_options(test_${layer} PRIVATE ${CARAWAY_TEST_FLAGS})
  target_link_libraries(test_${layer} PRIVATE caraway caraway_flags GTest::gtest GTest::gtest_main)
  if(layer MATCHES "^(codec|proto|dial|conformance|capi)$")
    caraway_uses_certificates(test_${layer})
  endif()
  if(layer STREQUAL capi)
    target_link_libraries(test_${layer} PRIVATE dill)
  endif()
  set(names)
  foreach(file ${tests})
    get_filename_component(name ${file} NAME_WE)
    string(REGEX REPLACE "_test$" "" name ${name})
    list(APPEND names ${name})
    caraway_test_file(${layer} test_${layer} ${file})
  endforeach()
  list(JOIN names "," names)
  add_test(NAME ${layer}/suites
           COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:test_${layer}> -DNAMES=${names}
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/CheckSuites.cmake)
  set_tests_properties(${layer}/suites PROPERTIES LABELS ${layer})
endfunction()

foreach(layer base codec runtime poller sync io net proto dial)
  caraway_test_folder(${layer} src/${layer})
endforeach()
caraway_test_folder(conformance tests/conformance)

if(TARGET dill)
  caraway_test_folder(capi src/capi)
  include(CarawayCTests)
endif()

# The command, as a shell sees it.
if(TARGET caraway_tool)
  add_test(NAME command/caraway COMMAND /usr/bin/python3 -B -u
           ${CMAKE_CURRENT_SOURCE_DIR}/tests/command/command_test.py $<TARGET_FILE:caraway_tool>
           $<$<BOOL:${CARAWAY_TLS}>:${caraway_certificates}>
           COMMAND_EXPAND_LISTS)
  if(CARAWAY_TLS)
    add_dependencies(caraway_tool certificates)
  endif()
  set_tests_properties(command/caraway PROPERTIES TIMEOUT 120 LABELS command)
endif()

# The examples in C: every tests/examples/NAME_test.py is run with the folder in which they are.
file(GLOB example_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tests/examples/*_test.py)
foreach(file ${example_tests})
  get_filename_component(name ${file} NAME_WE)
  string(REGEX REPLACE "_test$" "" name ${name})
  if(TARGET example_c_${name})
    add_test(NAME examples/${name} COMMAND /usr/bin/python3 -B -u ${file} ${CMAKE_CURRENT_BINARY_DIR}/examples/c)
    set_tests_properties(examples/${name} PROPERTIES TIMEOUT 120 LABELS examples)
  endif()
endforeach()
