# Finds sources by their names, so that adding a file edits no list.

# caraway_layer_sources(OUT layer...): the sources of the layers, without tests and without the context
# switches of other architectures.
function(caraway_layer_sources out)
  set(found)
  foreach(layer ${ARGN})
    file(GLOB here CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/${layer}/*.cpp
                                     ${CMAKE_CURRENT_SOURCE_DIR}/src/${layer}/*.c)
    list(APPEND found ${here})
  endforeach()
  list(FILTER found EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER found EXCLUDE REGEX "/context_[^/]*\\.cpp$")
  caraway_choose_by_processor(found)
  # Compression: by zlib or not at all.
  if(CARAWAY_DEFLATE)
    list(FILTER found EXCLUDE REGEX "/deflate_none\\.cpp$")
  else()
    list(FILTER found EXCLUDE REGEX "/deflate_zlib\\.cpp$")
  endif()
  caraway_choose_tls(found)
  list(FIND ARGN runtime with_runtime)
  if(with_runtime GREATER -1)
    caraway_context_source(context)
    list(APPEND found ${context})
  endif()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# Keeps of the files NAME_PROCESSOR.cpp in LIST the one named after the processor of this build, and
# NAME_portable.cpp only if there is none.
function(caraway_choose_by_processor list)
  set(chosen ${${list}})
  list(FILTER chosen EXCLUDE REGEX "_(x86_64|aarch64)\\.cpp$")
  foreach(portable ${chosen})
    string(REGEX REPLACE "_portable\\.cpp$" "_${CMAKE_SYSTEM_PROCESSOR}.cpp" own ${portable})
    if(NOT own STREQUAL portable AND own IN_LIST ${list})
      list(REMOVE_ITEM chosen ${portable})
      list(APPEND chosen ${own})
    endif()
  endforeach()
  set(${list} ${chosen} PARENT_SCOPE)
endfunction()

# Keeps of the files in LIST those about TLS (tls.cpp, tls_NAME.cpp), or with CARAWAY_TLS off what stands
# in for them (tls_absent.cpp). The C API is the same in both cases.
function(caraway_choose_tls list)
  set(chosen ${${list}})
  if(CARAWAY_TLS)
    list(FILTER chosen EXCLUDE REGEX "/tls_absent(_test)?\\.cpp$")
  else()
    set(absent ${chosen})
    list(FILTER absent INCLUDE REGEX "/tls_absent(_test)?\\.cpp$")
    list(FILTER chosen EXCLUDE REGEX "/(codec|proto|dial|conformance)/tls(_[^/]*)?\\.cpp$")
    list(APPEND chosen ${absent})
  endif()
  set(${list} ${chosen} PARENT_SCOPE)
endfunction()

# The libraries of OpenSSL that are needed: SHA-1 is in Crypto.
function(caraway_openssl_parts out)
  set(parts Crypto)
  if(CARAWAY_TLS)
    list(PREPEND parts SSL)
  endif()
  set(${out} ${parts} PARENT_SCOPE)
endfunction()

# The context switch: the file named after the processor, else the portable one.
function(caraway_context_source out)
  set(own ${CMAKE_CURRENT_SOURCE_DIR}/src/runtime/context_${CMAKE_SYSTEM_PROCESSOR}.cpp)
  option(CARAWAY_BOOST_CONTEXT "Switch with Boost.Context, whatever the processor" OFF)
  if(CARAWAY_BOOST_CONTEXT OR NOT EXISTS ${own})
    set(own ${CMAKE_CURRENT_SOURCE_DIR}/src/runtime/context_boost.cpp)
  endif()
  set(${out} ${own} PARENT_SCOPE)
endfunction()

function(caraway_context_dependencies target)
  caraway_context_source(context)
  if(context MATCHES "context_boost")
    find_package(Boost 1.81 REQUIRED COMPONENTS context)
    target_link_libraries(${target} PRIVATE Boost::context)
  endif()
  # Every file that holds the switch includes this header.
  string(REGEX REPLACE "\\.cpp$" ".hpp" header ${context})
  set(switching ${CMAKE_CURRENT_SOURCE_DIR}/src/runtime/scheduler.cpp)
  set_source_files_properties(${switching} PROPERTIES COMPILE_DEFINITIONS CARAWAY_CONTEXT="${header}")
  # No shadow stack: the switch would have to switch that too.
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
    set_source_files_properties(${switching} PROPERTIES COMPILE_OPTIONS -fcf-protection=none)
  endif()
endfunction()

# A table of all pollers: src/poller/NAME.cpp defines NAME_kind, unless NAME has a header and no kind.
function(caraway_poller_table out)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/poller/*_poller.cpp)
  set(declarations "")
  set(rows "")
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    string(REGEX REPLACE "_poller$" "" name ${name})
    string(APPEND declarations "extern const poller_kind ${name}_kind;\n")
    string(APPEND rows "    &${name}_kind,\n")
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/poller_table.cpp)
  file(CONFIGURE OUTPUT ${table} CONTENT "// Made by the build from the names of the files in src/poller.
#include \"runtime/poller.hpp\"

namespace caraway::runtime {

@declarations@
namespace {
constexpr const poller_kind* table[] = {
@rows@};
}

std::span<const poller_kind* const> poller_kinds() noexcept { return table; }

}  // namespace caraway::runtime
" @ONLY)
  set(${out} ${table} PARENT_SCOPE)
endfunction()
