# cmake --install: headers under include/slope, one archive per box, the CMake package `slope` and slope.pc.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/slope")

foreach(folder autograd nn optim data io train)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/slope" FILES_MATCHING PATTERN "*.h"
          PATTERN internal EXCLUDE REGEX "/kernels/(loops|gemm|window)$" EXCLUDE)
endforeach()
list(TRANSFORM slope_short_headers PREPEND "${slope_include_dir}/slope/" OUTPUT_VARIABLE short_headers)
install(FILES "${PROJECT_SOURCE_DIR}/slope.h" ${short_headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/slope")

list(TRANSFORM slope_boxes PREPEND slope_ OUTPUT_VARIABLE box_targets)
install(TARGETS slope ${box_targets} EXPORT slope)
install(EXPORT slope NAMESPACE slope:: FILE slopeTargets.cmake DESTINATION "${package_dir}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/slopeConfig.cmake.in" "${PROJECT_BINARY_DIR}/slopeConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/slopeConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/slopeConfig.cmake" "${PROJECT_BINARY_DIR}/slopeConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/SlopeMath.cmake"
        DESTINATION "${package_dir}")

# pkg-config knows nothing of targets: the archives in one group, then what they need.
set(slope_pc_archives "")
foreach(box IN LISTS slope_boxes)
  get_property(scope TARGET slope_${box} PROPERTY slope_scope)
  if(scope STREQUAL "PUBLIC")
    string(PREPEND slope_pc_archives " -lslope_${box}")
  endif()
endforeach()
get_target_property(slope_pc_blas slope::blas INTERFACE_LINK_LIBRARIES)
list(JOIN slope_pc_blas " " slope_pc_blas)
set(slope_pc_threads "-pthread")
if(CMAKE_DL_LIBS)
  string(APPEND slope_pc_threads " -l${CMAKE_DL_LIBS}")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/slope.pc.in" "${PROJECT_BINARY_DIR}/slope.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/slope.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
