# slope_box(name DIR dir DEPENDS boxes... PRIVATE libs... PUBLIC libs...): one static library slope_<name>, alias slope::<name>, of all
# sources under dir. A box without sources is an interface target until it gets some.

# Includes read "slope/...": in this folder lie links to the folders of the boxes, and the short headers of slope_public_headers.
set(slope_include_dir "${PROJECT_BINARY_DIR}/include")
if(IS_SYMLINK "${slope_include_dir}/slope")
  file(REMOVE "${slope_include_dir}/slope")
endif()
file(MAKE_DIRECTORY "${slope_include_dir}/slope")
foreach(name autograd nn optim data io train slope.h)
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${name}" "${slope_include_dir}/slope/${name}" SYMBOLIC)
endforeach()
set(slope_boxes "")
set(slope_layers "")

function(slope_box name)
  cmake_parse_arguments(PARSE_ARGV 1 box "" "DIR" "DEPENDS;PRIVATE;PUBLIC")
  set(target slope_${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${box_DIR}/*.cpp")
  set(depends ${box_DEPENDS})
  list(TRANSFORM depends PREPEND slope_)

  if(sources)
    set(scope PUBLIC)
    add_library(${target} STATIC ${sources})
    # -fno-math-errno and -fno-trapping-math let loops with sqrt and comparisons vectorize; no result changes.
    target_compile_options(${target} PRIVATE -fno-math-errno -fno-trapping-math)
    slope_map_files(${target} PRIVATE "${PROJECT_SOURCE_DIR}" "slope/")
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:slope_strict> ${box_PRIVATE})
    # The boxes from tensor to ops refer to each other; a linker that reads each archive once must meet them repeatedly.
    set_target_properties(${target} PROPERTIES LINK_INTERFACE_MULTIPLICITY 3)
  else()
    set(scope INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  add_library(slope::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set_property(TARGET ${target} PROPERTY slope_scope ${scope})
  target_link_libraries(${target} ${scope} ${depends} ${box_PUBLIC})

  set(slope_boxes ${slope_boxes} ${name} PARENT_SCOPE)
  string(JOIN "," above ${box_DEPENDS})
  set(slope_layers ${slope_layers} "${name}:${box_DIR}:${above}" PARENT_SCOPE)
endfunction()

# What concerns all boxes together; call it after the last slope_box.
function(slope_join_boxes)
  get_property(scope TARGET slope_core PROPERTY slope_scope)
  target_compile_features(slope_core ${scope} cxx_std_20)
  target_include_directories(slope_core ${scope} $<BUILD_INTERFACE:${slope_include_dir}> $<INSTALL_INTERFACE:include>)
  # Inline code of slope's headers is library code too, wherever it is compiled. Coming after a target's own maps, these win.
  slope_map_files(slope_core ${scope} "${slope_include_dir}/slope" "slope/")
  target_compile_options(slope_core ${scope}
    "$<INSTALL_INTERFACE:-fmacro-prefix-map=$<INSTALL_PREFIX>/include/slope/=slope/>")

  # Methods of Tensor are declared in tensor and defined in ops: who links one needs the other.
  get_property(scope TARGET slope_tensor PROPERTY slope_scope)
  target_link_libraries(slope_tensor ${scope} slope_ops)

  # -O3 takes out of a loop what it asks in vain for every element. Of ops and nn no loop gains by it.
  foreach(name kernels optim)
    get_property(scope TARGET slope_${name} PROPERTY slope_scope)
    if(scope STREQUAL "PUBLIC")
      target_compile_options(slope_${name} PRIVATE $<$<CONFIG:Release>:-O3>)
    endif()
  endforeach()
  get_property(scope TARGET slope_kernels PROPERTY slope_scope)
  if(scope STREQUAL "PUBLIC")
    # A multiplication fused into an addition in one loop and not in another would make results depend on the layout.
    target_compile_options(slope_kernels PRIVATE -ffp-contract=off)
  endif()

  add_library(slope INTERFACE)
  add_library(slope::slope ALIAS slope)
  list(TRANSFORM slope_boxes PREPEND slope_ OUTPUT_VARIABLE targets)
  target_link_libraries(slope INTERFACE ${targets})
endfunction()

# slope_public_headers(short:path ...): users write "slope/<short>" and get "slope/<path>".
function(slope_public_headers)
  set(slope_short_headers "")
  foreach(pair IN LISTS ARGN)
    string(REPLACE ":" ";" pair "${pair}")
    list(GET pair 0 short)
    list(GET pair 1 path)
    file(CONFIGURE OUTPUT "${slope_include_dir}/slope/${short}" CONTENT "#pragma once\n#include \"slope/${path}\"\n" @ONLY)
    list(APPEND slope_short_headers "${short}")
  endforeach()
  set(slope_short_headers "${slope_short_headers}" PARENT_SCOPE)
endfunction()
