# slope_library(name DIR dir DEPENDS libraries... PRIVATE libs... PUBLIC libs...): one static library slope_<name>, alias slope::<name>, of all
# sources under dir. A library without sources is an interface target until it gets some. With BUILD_SHARED_LIBS all libraries together are one
# shared library, slope.

# Includes read "slope/...": in this folder lie links to the folders of the libraries, and the short headers of slope_public_headers.
set(slope_include_dir "${PROJECT_BINARY_DIR}/include")
if(IS_SYMLINK "${slope_include_dir}/slope")
  file(REMOVE "${slope_include_dir}/slope")
endif()
file(MAKE_DIRECTORY "${slope_include_dir}/slope")
foreach(name autograd nn optim data io train slope.h)
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${name}" "${slope_include_dir}/slope/${name}" SYMBOLIC)
endforeach()
set(slope_libraries "")
set(slope_code "")
set(slope_layers "")

# Position independent, so that an archive may end up in a shared library or a plug-in. Nobody replaces slope's functions from outside:
# saying so keeps calls as cheap as without. Where nobody chose how to optimise, slope does (and says it, see CMakeLists.txt).
set(slope_config_optimised $<CONFIG:Release,RelWithDebInfo>)
if(slope_optimises_itself)
  set(slope_config_optimised 1)
endif()

function(slope_compile_as_library target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  # -fno-math-errno and -fno-trapping-math let loops with sqrt and comparisons vectorize; no result changes.
  target_compile_options(${target} PRIVATE -fno-semantic-interposition -fno-math-errno -fno-trapping-math)
  if(slope_optimises_itself)
    target_compile_options(${target} PRIVATE -O2)
  endif()
  slope_map_files(${target} PRIVATE "${PROJECT_SOURCE_DIR}" "slope/")
endfunction()

# What a program needs that includes slope's headers.
function(slope_use_headers target scope)
  target_compile_features(${target} ${scope} cxx_std_20)
  target_include_directories(${target} ${scope} $<BUILD_INTERFACE:${slope_include_dir}> $<INSTALL_INTERFACE:include>)
  # Inline code of slope's headers is library code too, wherever it is compiled. Coming after a target's own maps, these win.
  slope_map_files(${target} ${scope} "${slope_include_dir}/slope" "slope/")
  target_compile_options(${target} ${scope}
    "$<INSTALL_INTERFACE:-fmacro-prefix-map=$<INSTALL_PREFIX>/include/slope/=slope/>")
endfunction()

function(slope_library name)
  cmake_parse_arguments(PARSE_ARGV 1 library "" "DIR" "DEPENDS;PRIVATE;PUBLIC")
  set(target slope_${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${library_DIR}/*.cpp")
  set(depends ${library_DEPENDS})
  list(TRANSFORM depends PREPEND slope_)

  set(scope INTERFACE)
  set(code "")
  if(sources AND BUILD_SHARED_LIBS)
    # The libraries refer to each other, which shared libraries may not: they are all one, and the targets of the libraries lead to it.
    set(code ${target}_code)
    add_library(${code} OBJECT ${sources})
    slope_use_headers(${code} PRIVATE)
    target_link_libraries(${code} PRIVATE ${library_PUBLIC})
  elseif(sources)
    set(scope PUBLIC)
    set(code ${target})
    add_library(${target} STATIC ${sources})
    # The libraries from tensor to ops refer to each other; a linker that reads each archive once must meet them repeatedly.
    set_target_properties(${target} PROPERTIES LINK_INTERFACE_MULTIPLICITY 3)
  endif()
  if(code)
    slope_compile_as_library(${code})
    target_link_libraries(${code} PRIVATE $<BUILD_INTERFACE:slope_strict> ${library_PRIVATE})
    set(slope_code ${slope_code} ${code} PARENT_SCOPE)
  endif()
  if(NOT TARGET ${target})
    add_library(${target} INTERFACE)
  endif()
  add_library(slope::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set_property(TARGET ${target} PROPERTY slope_scope ${scope})
  set_property(TARGET ${target} PROPERTY slope_outside_libraries ${library_PRIVATE} ${library_PUBLIC})
  target_link_libraries(${target} ${scope} ${depends} ${library_PUBLIC})

  set(slope_libraries ${slope_libraries} ${name} PARENT_SCOPE)
  string(JOIN "," above ${library_DEPENDS})
  set(slope_layers ${slope_layers} "${name}:${library_DIR}:${above}" PARENT_SCOPE)
endfunction()

# What concerns all libraries together; call it after the last slope_library.
function(slope_join_libraries)
  get_property(scope TARGET slope_core PROPERTY slope_scope)
  slope_use_headers(slope_core ${scope})

  # Methods of Tensor are declared in tensor and defined in ops: who links one needs the other.
  get_property(scope TARGET slope_tensor PROPERTY slope_scope)
  target_link_libraries(slope_tensor ${scope} slope_ops)

  foreach(code IN LISTS slope_code)
    # -O3 takes out of a loop what it asks in vain for every element. Of ops and nn no loop gains by it.
    if(code MATCHES "^slope_(kernels|optim)")
      target_compile_options(${code} PRIVATE $<${slope_config_optimised}:-O3>)
    endif()
    if(code MATCHES "^slope_kernels")
      # A multiplication fused into an addition in one loop and not in another would make results depend on the layout.
      target_compile_options(${code} PRIVATE -ffp-contract=off)
    endif()
  endforeach()

  list(TRANSFORM slope_libraries PREPEND slope_ OUTPUT_VARIABLE targets)
  if(BUILD_SHARED_LIBS)
    add_library(slope SHARED)
    set_target_properties(slope PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                                           LINKER_LANGUAGE CXX)
    slope_use_headers(slope PUBLIC)
    foreach(code IN LISTS slope_code)
      target_sources(slope PRIVATE $<TARGET_OBJECTS:${code}>)
    endforeach()
    foreach(target IN LISTS targets)
      get_property(outside TARGET ${target} PROPERTY slope_outside_libraries)
      target_link_libraries(slope PRIVATE ${outside})
      target_link_libraries(${target} INTERFACE slope)
    endforeach()
    target_link_libraries(slope PUBLIC slope::sleef)  # pointwise.h compiles calls into the user's own code
  else()
    add_library(slope INTERFACE)
    target_link_libraries(slope INTERFACE ${targets})
  endif()
  add_library(slope::slope ALIAS slope)
endfunction()

# slope_public_headers(short:path ...): users write "slope/<short>" and get "slope/<path>".
function(slope_public_headers)
  set(slope_short_headers "")
  foreach(pair IN LISTS ARGN)
    string(REPLACE ":" ";" pair "${pair}")
    list(GET pair 0 short)
    list(GET pair 1 path)
    file(CONFIGURE OUTPUT "${slope_include_dir}/slope/${short}" CONTENT
"#pragma once
#include \"slope/autograd/core/standard.h\"
#ifndef SLOPE_STANDARD_TOO_LOW
#include \"slope/${path}\"
#endif
" @ONLY)
    list(APPEND slope_short_headers "${short}")
  endforeach()
  set(slope_short_headers "${slope_short_headers}" PARENT_SCOPE)
endfunction()
