# The git revision, looked up at every build and compiled into one file of core only: a new
# commit recompiles build_info.cpp and relinks, nothing else.
if(CMAKE_SCRIPT_MODE_FILE)
  cmake_minimum_required(VERSION 3.25)
  set(revision unknown)
  # A copy of the sources inside someone else's repository must not borrow that repository's revision.
  execute_process(COMMAND git ls-files --error-unmatch CMakeLists.txt WORKING_DIRECTORY ${SOURCE_DIR}
                  RESULT_VARIABLE untracked OUTPUT_QUIET ERROR_QUIET)
  if(untracked EQUAL 0)
    execute_process(COMMAND git describe --always --abbrev=12 --dirty=+ --exclude=*
                    WORKING_DIRECTORY ${SOURCE_DIR} RESULT_VARIABLE failed OUTPUT_VARIABLE described
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(failed EQUAL 0)
      set(revision ${described})
    endif()
  endif()
  # Untouched when nothing changed, so that nothing is rebuilt.
  file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#pragma once\n#define BITDARTS_GIT_REVISION \"@revision@\"\n" @ONLY)
  return()
endif()

# bitdarts_build_info(<target>): the target may include "bitdarts_revision.hpp" and knows version and build type.
set(BITDARTS_REVISION_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(bitdarts_build_info target)
  set(header ${CMAKE_BINARY_DIR}/generated/bitdarts_revision.hpp)
  add_custom_target(bitdarts_revision
    COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DOUTPUT=${header} -P ${BITDARTS_REVISION_SCRIPT}
    BYPRODUCTS ${header} COMMENT "")
  add_dependencies(${target} bitdarts_revision)
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/generated)
  set_source_files_properties(${CMAKE_SOURCE_DIR}/lib/core/build_info.cpp PROPERTIES COMPILE_DEFINITIONS
    "BITDARTS_VERSION=\"${PROJECT_VERSION}\";BITDARTS_BUILD_TYPE=\"${CMAKE_BUILD_TYPE}\"")
endfunction()
