# slope::blas (a CBLAS with its header) and slope::sleef. Used by the build and, installed, by find_package(slope).
#
# slope does its own threading and calls BLAS on one thread at a time. Of OpenBLAS' builds the OpenMP one lets every thread say so
# for itself.
# Debian keeps the variants in folders of their own; elsewhere `openblas` or any CBLAS is taken.

include_guard(GLOBAL)

if(NOT TARGET slope::blas)
  find_path(SLOPE_CBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas-openmp openblas openblas-pthread openblas-serial)
  find_library(SLOPE_OPENBLAS_LIBRARY openblas PATH_SUFFIXES openblas-openmp "" openblas-pthread openblas-serial)
  if(SLOPE_OPENBLAS_LIBRARY)
    set(_slope_blas "${SLOPE_OPENBLAS_LIBRARY}")
  else()
    find_package(BLAS QUIET)
    find_library(SLOPE_CBLAS_LIBRARY cblas)
    set(_slope_blas ${SLOPE_CBLAS_LIBRARY} ${BLAS_LIBRARIES})
  endif()
  if(NOT SLOPE_CBLAS_INCLUDE_DIR OR NOT _slope_blas)
    message(FATAL_ERROR "slope needs a CBLAS: install OpenBLAS (Debian: libopenblas-openmp-dev), "
                        "or set SLOPE_CBLAS_INCLUDE_DIR and SLOPE_OPENBLAS_LIBRARY")
  endif()
  add_library(slope::blas INTERFACE IMPORTED)
  set_target_properties(slope::blas PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${SLOPE_CBLAS_INCLUDE_DIR}"
                                               INTERFACE_LINK_LIBRARIES "${_slope_blas}")
  unset(_slope_blas)
  mark_as_advanced(SLOPE_CBLAS_INCLUDE_DIR SLOPE_OPENBLAS_LIBRARY SLOPE_CBLAS_LIBRARY)
endif()

if(NOT TARGET slope::sleef)
  find_library(SLOPE_SLEEF_LIBRARY sleef)
  if(NOT SLOPE_SLEEF_LIBRARY)
    message(FATAL_ERROR "slope needs SLEEF (Debian: libsleef-dev), or set SLOPE_SLEEF_LIBRARY")
  endif()
  add_library(slope::sleef INTERFACE IMPORTED)
  set_target_properties(slope::sleef PROPERTIES INTERFACE_LINK_LIBRARIES "${SLOPE_SLEEF_LIBRARY}")
  mark_as_advanced(SLOPE_SLEEF_LIBRARY)
endif()
