# Examples: every examples/*.cpp and examples/c/*.c is a program of its own that uses nothing but the
# public headers. They land in examples/ of the build folder under the names of their files.
file(GLOB examples CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/examples/*.cpp)
foreach(file ${examples})
  get_filename_component(name ${file} NAME_WE)
  add_executable(example_${name} ${file})
  target_link_libraries(example_${name} PRIVATE caraway caraway_flags)
  set_target_properties(example_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/examples)
endforeach()

file(GLOB c_examples CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/examples/c/*.c)
foreach(file ${c_examples})
  if(NOT TARGET dill)
    break()
  endif()
  get_filename_component(name ${file} NAME_WE)
  add_executable(example_c_${name} ${file})
  target_link_libraries(example_c_${name} PRIVATE dill caraway_flags)
  set_target_properties(example_c_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/examples/c)
endforeach()
