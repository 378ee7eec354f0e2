# Interop tests: every tests/interop/*_test.py is one ctest entry interop/NAME. It talks to real peers
# through real programs: the caraway command and the programs built here. scripts/setup installs what
# the peers need.
find_program(CARAWAY_GO go)
set(CARAWAY_INTEROP_TESTS "" CACHE STRING "Interop tests to have, such as gorilla;undici; all if empty")

# caraway_wants_interop(OUT NAME): is the test NAME to be had?
function(caraway_wants_interop out name)
  set(${out} FALSE PARENT_SCOPE)
  if(NOT CARAWAY_INTEROP_TESTS OR name IN_LIST CARAWAY_INTEROP_TESTS)
    set(${out} TRUE PARENT_SCOPE)
  endif()
endfunction()

# Programs of ours that drive a conversation.
set(interop_programs)
file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tests/interop/*.cpp)
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  add_executable(interop_${name} ${file})
  target_link_libraries(interop_${name} PRIVATE caraway caraway_flags)
  set_target_properties(interop_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/interop)
endforeach()

# Peers written in Go, peers/NAME_peer.go, from the libraries that Debian packages.
set(go_programs)
file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tests/interop/peers/*_peer.go)
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  set(program ${CMAKE_CURRENT_BINARY_DIR}/interop/${name})
  add_custom_command(OUTPUT ${program} DEPENDS ${file}
    COMMAND ${CMAKE_COMMAND} -E env GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=
            GOCACHE=${CMAKE_CURRENT_BINARY_DIR}/go ${CARAWAY_GO} build -o ${program} ${file}
    COMMENT "Building Go program ${name}" VERBATIM)
  list(APPEND go_programs ${program})
endforeach()
if(NOT CARAWAY_INTEROP_TESTS)
  add_custom_target(interop_go ALL DEPENDS ${go_programs})
endif()

file(GLOB interop_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tests/interop/*_test.py)
foreach(file ${interop_tests})
  get_filename_component(name ${file} NAME_WE)
  string(REGEX REPLACE "_test$" "" name ${name})
  caraway_wants_interop(wanted ${name})
  if(name MATCHES "deflate$" AND NOT CARAWAY_DEFLATE)
    set(wanted FALSE)
  endif()
  if(name MATCHES "^wss" AND NOT CARAWAY_TLS)
    set(wanted FALSE)
  endif()
  if(NOT wanted)
    continue()
  endif()
  add_test(NAME interop/${name} COMMAND /usr/bin/python3 -B -u ${file})
  set(environment "CARAWAY_TOOL=$<TARGET_FILE:caraway_tool>"
    "CARAWAY_INTEROP_PROGRAMS=${CMAKE_CURRENT_BINARY_DIR}/interop"
    "CARAWAY_EXAMPLES=${CMAKE_CURRENT_BINARY_DIR}/examples")
  if(CARAWAY_TLS)
    list(APPEND environment "CARAWAY_CERTIFICATES=${caraway_certificates}")
  endif()
  set_tests_properties(interop/${name} PROPERTIES LABELS interop TIMEOUT 120 ENVIRONMENT "${environment}")
endforeach()
