# slope_add_boost_tests(target area): registers every test case of a Boost.Test executable with ctest as area.suite.case, by asking the
# executable for its list after each link. Case tables (data-driven tests) and templates are one entry each, their parent.

set(slope_boost_lister "${CMAKE_CURRENT_LIST_DIR}/list_boost_tests.sh")

function(slope_add_boost_tests target area)
  set(list "${CMAKE_CURRENT_BINARY_DIR}/${target}.tests.cmake")
  set(include "${CMAKE_CURRENT_BINARY_DIR}/${target}.include.cmake")
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND bash "${slope_boost_lister}" "$<TARGET_FILE:${target}>" "${area}" "${list}"
    BYPRODUCTS "${list}" VERBATIM)
  file(WRITE "${include}" "
if(EXISTS \"${list}\")
  include(\"${list}\")
else()
  add_test(${area}.not_built bash -c \"echo '${target} was not built' && false\")
endif()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include}")
endfunction()
