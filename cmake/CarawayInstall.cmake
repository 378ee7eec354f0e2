# Installation: headers, libraries, the command, the CMake packages `caraway` (targets caraway::caraway
# and caraway::dill) and `libdill` (target libdill::dill, as programs written for libdill have it), the
# pkg-config modules caraway and libdill, the files that stand in for ones of libdill's inside, and the
# script that shows gdb the coroutines. Static and shared builds alike. The manual pages are in CarawayMan.
include(CMakePackageConfigHelpers)

set(caraway_package ${CMAKE_INSTALL_LIBDIR}/cmake/caraway)
set(caraway_installed caraway)
if(TARGET dill)
  list(APPEND caraway_installed dill)
endif()
set_target_properties(${caraway_installed} PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

install(TARGETS ${caraway_installed} EXPORT caraway)
install(EXPORT caraway NAMESPACE caraway:: DESTINATION ${caraway_package} FILE caraway-targets.cmake)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
if(TARGET caraway_tool)
  install(TARGETS caraway_tool RUNTIME)
endif()
install(FILES scripts/gdb/caraway_gdb.py DESTINATION ${CMAKE_INSTALL_DATADIR}/caraway/gdb)
if(TARGET dill)
  install(DIRECTORY compat DESTINATION ${CMAKE_INSTALL_DATADIR}/caraway FILES_MATCHING PATTERN "*.c")
endif()

# What a program that links the static library needs besides.
get_target_property(caraway_kind caraway TYPE)
get_target_property(caraway_links caraway LINK_LIBRARIES)
set(caraway_find_static "")
set(caraway_private_requires "")
set(caraway_private_libs "-pthread")
if(caraway_kind STREQUAL STATIC_LIBRARY)
  if("OpenSSL::SSL" IN_LIST caraway_links)
    set(openssl_parts "Crypto SSL")
    set(caraway_private_requires "libssl libcrypto")
  else()
    set(openssl_parts "Crypto")
    set(caraway_private_requires "libcrypto")
  endif()
  string(APPEND caraway_find_static "find_dependency(OpenSSL COMPONENTS ${openssl_parts})\n")
  if("ZLIB::ZLIB" IN_LIST caraway_links)
    string(APPEND caraway_find_static "find_dependency(ZLIB)\n")
    string(APPEND caraway_private_requires " zlib")
  endif()
  foreach(part url context)
    if("Boost::${part}" IN_LIST caraway_links)
      string(APPEND caraway_find_static "find_dependency(Boost 1.81 COMPONENTS ${part})\n")
      string(APPEND caraway_private_libs " -lboost_${part}")
    endif()
  endforeach()
endif()

file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/package/caraway-config.cmake CONTENT
"include(CMakeFindDependencyMacro)
find_dependency(Threads)
@caraway_find_static@include(\${CMAKE_CURRENT_LIST_DIR}/caraway-targets.cmake)
" @ONLY)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/package/caraway-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package/caraway-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/package/caraway-config-version.cmake
        DESTINATION ${caraway_package})

# Such programs may be in C only; the static library brings C++ into the link.
if(TARGET dill)
  set(libdill_package ${CMAKE_INSTALL_LIBDIR}/cmake/libdill)
  set(libdill_languages "")
  if(caraway_kind STREQUAL STATIC_LIBRARY)
    set(libdill_languages "enable_language(CXX)\n")
  endif()
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/package/libdill-config.cmake CONTENT
"include(CMakeFindDependencyMacro)
@libdill_languages@find_dependency(caraway PATHS \${CMAKE_CURRENT_LIST_DIR}/../caraway NO_DEFAULT_PATH)
if(NOT TARGET libdill::dill)
  add_library(libdill::dill INTERFACE IMPORTED)
  set_target_properties(libdill::dill PROPERTIES INTERFACE_LINK_LIBRARIES caraway::dill)
endif()
" @ONLY)
  write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/package/libdill-config-version.cmake
    VERSION 2.14 COMPATIBILITY SameMajorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package/libdill-config.cmake
                ${CMAKE_CURRENT_BINARY_DIR}/package/libdill-config-version.cmake
          DESTINATION ${libdill_package})
endif()

# pkg-config. libdill.pc has the version of the interface it stands in for. In a static build the private
# parts are not optional, hence no `--static` is asked for. The files find their place from where they are,
# so that the whole may be moved.
file(RELATIVE_PATH caraway_up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
set(caraway_pc_head "prefix=\${pcfiledir}/${caraway_up}
includedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}
libdir=\${prefix}/${CMAKE_INSTALL_LIBDIR}

")
if(caraway_kind STREQUAL STATIC_LIBRARY)
  set(cxx_runtime " -lstdc++")
  set(requires_word "Requires")
else()
  set(cxx_runtime "")
  set(requires_word "Requires.private")
  set(caraway_private_libs "-pthread")
endif()
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/package/caraway.pc CONTENT
"@caraway_pc_head@Name: caraway
Version: @PROJECT_VERSION@
Description: @PROJECT_DESCRIPTION@
Cflags: -I\${includedir}
Libs: -L\${libdir} -lcaraway @caraway_private_libs@
@requires_word@: @caraway_private_requires@
" @ONLY)
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/package/libdill.pc CONTENT
"@caraway_pc_head@compatdir=\${prefix}/${CMAKE_INSTALL_DATADIR}/caraway/compat

Name: libdill
Version: 2.14
Description: Structured concurrency and sockets in C, on caraway
Cflags: -I\${includedir}
Libs: -L\${libdir} -ldill -lcaraway @caraway_private_libs@@cxx_runtime@
@requires_word@: @caraway_private_requires@
" @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package/caraway.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET dill)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package/libdill.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
