# Compiler flags as interface targets: slope_strict for everything of the project, slope_outside for what is not library.

# -Wpsabi reports that vector arguments are passed differently with other -m flags, which slope's kernels never are. Clang takes
# libstdc++'s own use of get_temporary_buffer (in stable_sort) for ours.
add_library(slope_strict INTERFACE)
target_compile_options(slope_strict INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Woverloaded-virtual -Wnon-virtual-dtor -Wno-psabi
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>
  $<$<BOOL:${SLOPE_WERROR}>:-Werror>)

# Errors name the line of the user's call, which is told from a line of the library by its file name: in library code, and only
# there, __FILE__ starts with "slope/". Compilers may be called with absolute names or, by a compiler cache, with names relative to
# the build folder: both are mapped. A later map wins over an earlier one.
function(slope_map_files target scope folder prefix)
  cmake_path(RELATIVE_PATH folder BASE_DIRECTORY "${CMAKE_BINARY_DIR}" OUTPUT_VARIABLE relative)
  foreach(spelling IN ITEMS "${relative}" "${folder}")
    target_compile_options(${target} ${scope} "$<BUILD_INTERFACE:-fmacro-prefix-map=${spelling}/=${prefix}>")
  endforeach()
endfunction()

# Tests, examples and benches: short names in messages, e.g. tests/core/error_test.cpp.
# (Folder by folder: the build folder, through which slope's headers are seen, may stand in the source folder.)
add_library(slope_outside INTERFACE)
foreach(folder tests examples bench tools)
  slope_map_files(slope_outside INTERFACE "${PROJECT_SOURCE_DIR}/${folder}" "${folder}/")
endforeach()
target_link_libraries(slope_outside INTERFACE slope_strict)
