# The caraway command: tools/caraway/NAME_command.cpp defines the subcommand NAME as NAME_command. The
# build makes the table of all of them from the names of the files.
find_package(CLI11 REQUIRED)

function(caraway_command_table out)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tools/caraway/*_command.cpp)
  set(declarations "")
  set(rows "")
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    string(APPEND declarations "extern const command ${name};\n")
    string(APPEND rows "    &${name},\n")
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/command_table.cpp)
  file(CONFIGURE OUTPUT ${table} CONTENT "// Made by the build from the names of the files in tools/caraway.
#include \"command.hpp\"

namespace tool {

@declarations@
namespace {
constexpr const command* table[] = {
@rows@};
}

std::span<const command* const> commands() noexcept { return table; }

}  // namespace tool
" @ONLY)
  set(${out} ${table} PARENT_SCOPE)
endfunction()

caraway_command_table(command_table)
file(GLOB tool_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tools/caraway/*.cpp)
add_executable(caraway_tool ${tool_sources} ${command_table})
target_include_directories(caraway_tool PRIVATE tools/caraway)
target_compile_definitions(caraway_tool PRIVATE CARAWAY_VERSION="${PROJECT_VERSION}")
target_link_libraries(caraway_tool PRIVATE caraway caraway_flags CLI11::CLI11)
set_target_properties(caraway_tool PROPERTIES OUTPUT_NAME caraway)
